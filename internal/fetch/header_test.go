package fetch

import (
	"net/http"
	"testing"
)

func TestValidatorOf_TakesOnlyStrongOnes(t *testing.T) {
	const noon, later = "Fri, 02 Jan 2026 12:00:00 GMT", "Fri, 02 Jan 2026 12:00:01 GMT"
	for _, tt := range []struct{ etag, modified, date, want string }{
		{`"a"`, noon, later, "ETag"},
		{`W/"a"`, noon, later, "Last-Modified"},
		{`W/"a"`, "", later, ""},
		{"", noon, later, "Last-Modified"},
		{"", noon, noon, ""},
		{"", noon, "", ""},
		{"", "", "", ""},
	} {
		h := http.Header{"Etag": {tt.etag}, "Last-Modified": {tt.modified}, "Date": {tt.date}}
		if got := validatorOf(h); got.header != tt.want || got.value != h.Get(tt.want) {
			t.Errorf("validatorOf(%v) = %v, want %q", h, got, tt.want)
		}
	}
}

func TestParseContentRange(t *testing.T) {
	for in, want := range map[string]int64{
		"bytes 5-9/10":  5,
		"bytes 0-0/1":   0,
		"bytes 5-9/*":   -1,
		"bytes 9-5/10":  -1,
		"bytes 5-10/10": -1,
		"bytes -5-9/10": -1,
		"bytes 5-9/10 ": -1,
		"bytes +5-9/10": -1,
		"bytes */10":    -1,
		"":              -1,
	} {
		first, _, ok := parseContentRange(in)
		if ok != (want >= 0) || ok && first != want {
			t.Errorf("parseContentRange(%q) = %d, %v, want %d", in, first, ok, want)
		}
	}
}
