package fetch

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSource takes anything for the source of an image. What is shown of it, in
// errors and as a name, has neither password nor query, and only what is plainly
// http or https is ever asked of a server: the rest is a path of this machine.
func FuzzSource(f *testing.F) {
	for _, around := range []string{
		"http://user:%s@host/image?token=%s#%s", "https://%s@host/?%s#%s", "HTTP://u:%s@[::1]:8080/a?%s&%s", "http://u:%s@ho st/?%s%s", "http://%s:%s@/x?%s",
		"ftp://u:%s@host/?%s%s", "file:///%s%s%s", " http://u:%s@h/?%s%s", "http:/%s%s%s", "://%s%s%s", "http://u:%s@h:99999/?%s%s", "http://u:%s@h/%%zz?%s%s", "http://h\x00/?%s%s%s", "/tmp/%s%s%s",
	} {
		f.Add(around)
	}
	f.Add("http://%st/?%st/?")
	f.Add("-oProxyCommand=id")
	f.Add("")
	f.Fuzz(func(t *testing.T, around string) {
		const secret = "hunter2canary"
		source := strings.ReplaceAll(around, "%s", secret)
		err := CheckSource(source)
		if !IsURL(source) {
			if err == nil && filepath.IsAbs(source) && strings.Contains(source, "://") {
				t.Errorf("%q is taken for a path", source)
			}
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error of %q has the secret: %v", source, err)
			}
			return
		}
		u, err := parseURL(source)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			t.Fatalf("%q was accepted as %+v, %v", source, u, err)
		}
		shown := (&download{url: u}).failed(withoutURL(&url.Error{Op: "Get", URL: source, Err: errors.New("no")})).Error()
		if strings.Contains(shown, secret) && !strings.Contains(place(source), secret) {
			t.Errorf("of %q is shown %q", source, shown)
		}
		if again, err := url.Parse(redact(u)); err != nil || again.User != nil || again.RawQuery != "" && again.RawQuery != "redacted" || again.Fragment != "" {
			t.Errorf("%q is redacted to %q", source, redact(u))
		}
	})
}

// place is the host and the path of a URL, which are no secrets as far as can be
// told, by RFC 3986, 3: what stands between "://", or the last "@" before a
// slash, and a question mark or a hash.
func place(source string) string {
	source, _, _ = strings.Cut(source, "#")
	source, _, _ = strings.Cut(source, "?")
	_, source, _ = strings.Cut(source, "://")
	authority, rest, _ := strings.Cut(source, "/")
	return authority[strings.LastIndex(authority, "@")+1:] + "/" + rest
}
