package fetch

import (
	"errors"
	"fmt"
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
		// What stands in the host or the path is no secret, as far as can be told.
		open := u.Host + u.Path + u.EscapedPath()
		for _, hidden := range []string{secret, fmt.Sprint(u.User), u.RawQuery, u.RawFragment} {
			if len(hidden) > 8 && strings.Contains(shown, hidden) && !strings.Contains(open, hidden) {
				t.Errorf("of %q is shown %q", source, shown)
			}
		}
		if again, err := url.Parse(redact(u)); err != nil || again.User != nil || again.RawQuery != "" && again.RawQuery != "redacted" || again.Fragment != "" {
			t.Errorf("%q is redacted to %q", source, redact(u))
		}
	})
}
