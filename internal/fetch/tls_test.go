package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// serveTLS serves over HTTP/2. The fetcher trusts the server.
func serveTLS(t *testing.T, h http.HandlerFunc) (*httptest.Server, *fetcher) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f := newFetcher(brief)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	f.client.HTTPClient.Transport.(unread).RoundTripper.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return srv, f
}

func TestDownload_ResumesOverHTTP2(t *testing.T) {
	var requests atomic.Int32
	srv, f := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("request over %s", r.Proto)
		}
		if requests.Add(1) == 1 {
			cut(1<<20, ranged(image, `"1"`))(w, r)
		}
		ranged(image, `"1"`)(w, r)
	})
	s, err := f.open(context.Background(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	data, err := io.ReadAll(s)
	wantImage(t, data, s, err)
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestDownload_DowngradeToPlainHTTPIsRefused(t *testing.T) {
	plain := serve(t, ranged(image, `"1"`))
	srv, f := serveTLS(t, http.RedirectHandler(plain.URL, http.StatusFound).ServeHTTP)
	_, err := f.open(context.Background(), srv.URL)
	if !errors.Is(err, errRedirect) || plain.count() != 0 {
		t.Errorf("error: %v after %d plain requests", err, plain.count())
	}
}

func TestDownload_UntrustedCertificateIsNotRetried(t *testing.T) {
	srv, _ := serveTLS(t, ranged(image, `"1"`))
	_, err := newFetcher(brief).open(context.Background(), srv.URL)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "attempts") {
		t.Errorf("error: %v", err)
	}
}
