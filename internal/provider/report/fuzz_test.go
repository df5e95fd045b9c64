package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// FuzzError reports a failure of which every text is anything, such as what a
// guest wrote to its console. A terminal gets text of it and no command: not to
// clear what stands above, nor to write over it. What was text already stays.
func FuzzError(f *testing.F) {
	for _, text := range []string{
		"", " ", ".", "plain", "plain\nlines\n", "a\r\nb\r\n", "progress 1\rprogress 2", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x9b2J", "\u009b2J",
		"\u202egnp.exe", "\x00", "\xff\xfe", "é", "日本語", "ß", "tab\tbed", "\u2028", "\x7f\b\b", "soft\u00adhyphen", "\n\n", "%s%d", "${x}", "`id`",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, cause, said string) {
		failed := &host.Error{Verb: "start", Object: "instance web", Host: "lab", Err: errors.New(cause), Said: said, Left: said, Remedy: cause}
		var diags diag.Diagnostics
		Error(&diags, "start", web, fmt.Errorf("%s: %w", said, failed))
		Error(&diags, "start", web, Damaged(cause, said))
		Replaced(&diags, web, "known", said)
		for _, d := range diags {
			for _, text := range []string{d.Summary(), d.Detail()} {
				if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\t' }); i >= 0 || !utf8.ValidString(text) {
					t.Errorf("a terminal gets %q", text)
				}
			}
		}
		readable := !strings.ContainsFunc(cause, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError })
		if got := Sentence(cause); readable && len(cause) > 1 && !strings.Contains(got, strings.TrimSpace(cause)[min(len(strings.TrimSpace(cause)), utf8.UTFMax):]) {
			t.Errorf("of %q became %q", cause, got)
		}
	})
}
