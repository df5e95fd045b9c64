package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestDownload_RetriesWhatMayPass(t *testing.T) {
	for _, code := range []int{http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusTooManyRequests} {
		srv := serve(t, status(code), ranged(image, `"1"`))
		data, s, err := downloadAll(t, brief, srv.URL)
		wantImage(t, data, s, err)
		if srv.count() != 2 {
			t.Errorf("after %d: %d requests, want 2", code, srv.count())
		}
	}
}

func TestDownload_GivesUpWithTheStatusThatStays(t *testing.T) {
	srv := serve(t, status(http.StatusServiceUnavailable))
	_, _, err := downloadAll(t, brief, srv.URL+"/a")
	if err == nil || !strings.Contains(err.Error(), "/a: ") || !strings.Contains(err.Error(), "answered 503 Service Unavailable") {
		t.Errorf("error: %v", err)
	}
	if srv.count() != brief.retries+1 {
		t.Errorf("%d requests, want %d", srv.count(), brief.retries+1)
	}
}

func TestDownload_RefusalIsFinal(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusNoContent} {
		srv := serve(t, status(code))
		_, _, err := downloadAll(t, brief, srv.URL)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("answered %d", code)) {
			t.Errorf("error: %v, want %d", err, code)
		}
		if srv.count() != 1 {
			t.Errorf("after %d: %d requests, want 1", code, srv.count())
		}
	}
}

func TestDownload_UnreachableServerIsAnErrorAfterRetries(t *testing.T) {
	srv := serve(t, status(http.StatusOK))
	srv.Close()
	_, _, err := downloadAll(t, brief, srv.URL)
	if err == nil || !strings.Contains(err.Error(), "gave up after 3 attempts") || strings.Count(err.Error(), srv.URL) != 1 {
		t.Errorf("error: %v", err)
	}
}

func TestDownload_FollowsRedirects(t *testing.T) {
	srv := serve(t, ranged(image, `"1"`))
	from := serve(t, http.RedirectHandler(srv.URL, http.StatusFound).ServeHTTP)
	data, s, err := downloadAll(t, brief, withUser(t, from.URL)+"?sig=hush")
	wantImage(t, data, s, err)
	if got := srv.request(0); got.Get("Referer") != "" || got.Get("Authorization") != "" {
		t.Errorf("the next host was told %v", got)
	}
	if from.request(0).Get("Authorization") == "" {
		t.Error("the source's own host was not told the password")
	}
	if got := srv.request(0).Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding: %q", got)
	}
}

func TestDownload_RefusedRedirectIsNotRetried(t *testing.T) {
	for target, want := range map[string]string{
		"file:///etc/passwd": `leads to scheme "file"`,
		"/again":             "more than 10",
	} {
		srv := serve(t, http.RedirectHandler(target, http.StatusFound).ServeHTTP)
		_, _, err := downloadAll(t, brief, srv.URL)
		if !errors.Is(err, errRedirect) || !strings.Contains(err.Error(), want) {
			t.Errorf("redirect to %s: %v", target, err)
		}
		if srv.count() > maxRedirects+1 {
			t.Errorf("redirect to %s: %d requests", target, srv.count())
		}
	}
}

func TestCheckRedirect(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"http://a/", "http://b/", true},
		{"http://a/", "https://b/", true},
		{"https://a/", "https://b/", true},
		{"https://a/", "http://a/", false},
		{"https://a/", "file:///a", false},
		{"http://a/", "ftp://a/", false},
	} {
		from, _ := http.NewRequest(http.MethodGet, tt.from, nil)
		to, _ := http.NewRequest(http.MethodGet, tt.to, nil)
		if err := checkRedirect(to, []*http.Request{from}); (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.from, tt.to, err)
		}
	}
}

func TestDownload_ErrorsKeepSecrets(t *testing.T) {
	gone := serve(t, status(http.StatusOK))
	gone.Close()
	for name, srv := range map[string]*server{
		"refused":           serve(t, status(http.StatusForbidden)),
		"unreachable":       gone,
		"redirected":        serve(t, http.RedirectHandler(gone.URL+"/b?token=hush", http.StatusFound).ServeHTTP),
		"redirected astray": serve(t, http.RedirectHandler("file:///b?token=hush", http.StatusFound).ServeHTTP),
		"redirected nowhere": serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://u:hush/@b:x/")
			w.WriteHeader(302)
		}),
		"cut": serve(t, cut(10, ranged(image, `"1"`)), status(http.StatusForbidden)),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := downloadAll(t, brief, withUser(t, srv.URL)+"/a?sig=hush#hush")
			if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), srv.URL+"/a?redacted: ") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestBackoff_BoundsWhatTheServerAsksFor(t *testing.T) {
	resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"86400"}}}
	if got := backoff(time.Second, 30*time.Second, 0, resp); got != 30*time.Second {
		t.Errorf("backoff = %s, want 30s", got)
	}
}

func withUser(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("user", "hush")
	return u.String()
}
