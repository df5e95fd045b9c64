package fetch

import "testing"

func TestRedact_LeavesWhatIsNoSecretAsItIs(t *testing.T) {
	for source, want := range map[string]string{
		"/srv/images/a?b@c":                    "/srv/images/a?b@c",
		"https://example.com/A%2fb/c.img":      "https://example.com/A%2fb/c.img",
		"https://me@example.com/c.img":         "https://example.com/c.img",
		"https://me:pw@example.com:8443/c.img": "https://example.com:8443/c.img",
		"HTTP://example.com/c.img?token=x&y=z": "http://example.com/c.img?redacted",
		"https://example.com/c.img#secret":     "https://example.com/c.img",
		"https://me:p%zzw@example.com/c.img":   "",
	} {
		if got := Redact(source); got != want {
			t.Errorf("%s: %s; want %s", source, got, want)
		}
		if again := Redact(want); again != want {
			t.Errorf("%s redacted once more is %s", want, again)
		}
	}
}
