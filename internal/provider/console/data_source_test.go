package console

import "testing"

func TestLast_IsTheLastLines(t *testing.T) {
	for _, c := range []struct {
		text  string
		lines int
		want  string
	}{
		{"", 5, ""},
		{"\n\n", 5, ""},
		{"a", 1, "a"},
		{"a\nb\nc\n", 1, "c"},
		{"a\nb\nc\n", 2, "b\nc"},
		{"a\nb\nc", 3, "a\nb\nc"},
		{"a\n\nc", 2, "\nc"},
		{"a\nb", 50, "a\nb"},
		{"a\nlogin: ", 1, "login: "},
	} {
		if got := last(c.text, c.lines); got != c.want {
			t.Errorf("the last %d of %q are %q; want %q", c.lines, c.text, got, c.want)
		}
	}
}
