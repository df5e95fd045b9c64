package fetch

import (
	"strings"
	"testing"
)

func TestParseChecksum(t *testing.T) {
	digits := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct{ in, sum, err string }{
		{"sha256:" + digits, digits, ""},
		{"SHA256:" + strings.ToUpper(digits), digits, ""},
		{"", "", "names no algorithm"},
		{digits, "", "names no algorithm"},
		{"md5:" + digits, "", `"md5" is not supported`},
		{"sha512:" + digits + digits, "", `"sha512" is not supported`},
		{" sha256:" + digits, "", "is not supported"},
		{"sha256:", "", "0 characters"},
		{"sha256:" + digits[1:], "", "63 characters"},
		{"sha256: " + digits, "", "65 characters"},
		{"sha256:g" + digits[1:], "", "hexadecimal"},
	} {
		sum, err := ParseChecksum(tt.in)
		switch {
		case tt.err == "" && (err != nil || sum != tt.sum):
			t.Errorf("ParseChecksum(%q) = %q, %v, want %q", tt.in, sum, err, tt.sum)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("ParseChecksum(%q) = %q, %v, want an error with %q", tt.in, sum, err, tt.err)
		}
	}
}

func FuzzParseChecksum(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("Ab", 32))
	f.Add("md5:00")
	f.Add(":")
	f.Fuzz(func(t *testing.T, in string) {
		sum, err := ParseChecksum(in)
		if err != nil {
			if sum != "" {
				t.Errorf("ParseChecksum(%q) = %q beside an error", in, sum)
			}
			return
		}
		if !strings.EqualFold(in, "sha256:"+sum) || sum != strings.ToLower(sum) {
			t.Errorf("ParseChecksum(%q) = %q", in, sum)
		}
		if again, err := ParseChecksum("sha256:" + sum); err != nil || again != sum {
			t.Errorf("what ParseChecksum returned is not read back: %q, %v", again, err)
		}
	})
}
