package ssh

import (
	"os/exec"
	"strings"
	"testing"
)

func FuzzQuote(f *testing.F) {
	for _, value := range []string{
		"", " ", "plain", "it's", "'", "''", `'\''`, `\`, `a\`, `\'`, "$HOME", "`id`", "$(id)", "!!", "*", "~",
		"a\nb", "\n", "a\r\nb", "\t", "-n", "--", "# comment", "é", "日本", "\xff\xfe", "\x01\x7f", "\x81\x82\x88",
		"a;b&c|d", "<in >out", `"double"`, "${x:-y}", strings.Repeat("'", 100), strings.Repeat("x", 9000),
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) {
			t.Skip("no argument of a process can hold a NUL byte")
		}
		sh := exec.Command("sh")
		sh.Stdin = strings.NewReader("LC_ALL=C; export LC_ALL; set -- " + Quote(value) + " end; printf %s \"$1\"; test \"$2\" = end")
		out, err := sh.Output()
		if err != nil || string(out) != value {
			t.Errorf("sh made %q of %q (%v)", out, value, err)
		}
	})
}
