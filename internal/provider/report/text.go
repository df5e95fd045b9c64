package report

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// control is a terminal's control sequence: a colour, a movement (ECMA-48, 5.4).
var control = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`)

// Text is text of a host, a guest or a server as a diagnostic may show it: what
// would be a command to the terminal is left out, where it is a colour, or
// written as \x1b.
func Text(text string) string {
	text = control.ReplaceAllString(strings.ToValidUTF8(text, "\ufffd"), "")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\t' || unicode.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
