package ssh

import "strings"

// Quote makes of a value one word of POSIX sh that means exactly that value.
// It is the only way a value becomes part of what a shell reads. A NUL byte,
// which no argument can hold, is the caller's to refuse.
func Quote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
