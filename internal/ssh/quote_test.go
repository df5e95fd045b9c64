package ssh

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// FuzzQuote gives values to real shells, which are kept: each value as a word of
// its own among others, as frames have it. Nothing of it may be taken for more
// than text, nor reach the frames after it.
func FuzzQuote(f *testing.F) {
	for _, value := range []string{
		"", " ", "plain", "it's", "'", "''", `'\''`, `\`, `a\`, `\'`, "$HOME", "`id`", "$(id)", "!!", "*", "~",
		"a\nb", "\n", "a\r\nb", "\t", "-n", "--", "# comment", "é", "日本", "\xff\xfe", "\x01\x7f", "\x81\x82\x88",
		"a;b&c|d", "<in >out", `"double"`, "${x:-y}", "'\n) </dev/null\nexit 1 #", "\nEOF\n", "}\n{", "%s%n", `\0\c\n`,
		strings.Repeat("'", 100), strings.Repeat("x", 9000),
	} {
		f.Add(value)
	}
	var shells []*shell
	for _, argv := range localShells {
		if _, err := exec.LookPath(argv[0]); err == nil {
			shells = append(shells, startLocal(f, "", argv...))
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		args := []string{value, "end", "-" + value, value + value}
		script := Script{Text: `printf '%s\0' "$@"`, Args: args}
		if strings.Contains(value, "\x00") {
			if script.check() == nil {
				t.Error("a NUL byte, which no argument can hold, is not refused")
			}
			return
		}
		for _, sh := range shells {
			result, err := sh.run(sh.next(script, false), nil)
			got := strings.Split(strings.TrimSuffix(result.Stdout, "\x00"), "\x00")
			if err != nil || result.Status != 0 || result.Stderr != "" || !slices.Equal(got, args) {
				t.Fatalf("a shell made %q of %q (status %d, %q, %v)", got, args, result.Status, result.Stderr, err)
			}
		}
	})
}
