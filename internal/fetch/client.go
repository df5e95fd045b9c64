package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
)

// limits say how long a server is given.
type limits struct {
	maxSize     int64         // bytes
	stall       time.Duration // without a byte, after which a connection counts as broken
	retries     int           // of one request
	resumptions int           // in a row that bring no new byte
	waitMin     time.Duration // before the first retry; doubled before each further one
	waitMax     time.Duration
}

var defaultLimits = limits{
	maxSize:     MaxSize,
	stall:       60 * time.Second,
	retries:     4,
	resumptions: 5,
	waitMin:     time.Second,
	waitMax:     30 * time.Second,
}

const maxRedirects = 10

// errRedirect marks a redirect that is not followed: asking again would only
// be redirected again.
var errRedirect = errors.New("redirect refused")

// A fetcher opens streams.
type fetcher struct {
	client *retryablehttp.Client
	limits limits
}

func newFetcher(l limits) *fetcher {
	// Without keep-alive: a resumption must not take the connection that has
	// just gone dead, and nothing is to idle once the image is here.
	transport := cleanhttp.DefaultTransport()
	transport.ResponseHeaderTimeout = l.stall
	return &fetcher{limits: l, client: &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: unread{transport}, CheckRedirect: checkRedirect},
		RetryMax:     l.retries,
		RetryWaitMin: l.waitMin,
		RetryWaitMax: l.waitMax,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: giveUp,
	}}
}

// unread drops the bodies of answers that bring no image. Of errors and redirects
// both clients read some, to use the connection again, and wait for a server that
// does not send it.
type unread struct{ http.RoundTripper }

func (u unread) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := u.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, err
}

// checkRedirect follows redirects between http and https, and never from https
// to http.
func checkRedirect(next *http.Request, via []*http.Request) error {
	last := via[len(via)-1].URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d of them", errRedirect, maxRedirects)
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return fmt.Errorf("%w: %s leads to scheme %q", errRedirect, last.Host, next.URL.Scheme)
	case last.Scheme == "https" && next.URL.Scheme == "http":
		return fmt.Errorf("%w: %s leads from https to http", errRedirect, last.Host)
	}
	// net/http keeps the password from the next host, but would tell it the
	// query, which may be a signature.
	next.Header.Del("Referer")
	return nil
}

func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if errors.Is(err, errRedirect) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// backoff bounds what a server asks for in Retry-After, which may be days.
func backoff(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	return min(retryablehttp.DefaultBackoff(least, most, attempt, resp), most)
}

// giveUp hands on the last answer, whose status says more than that there were
// retries, or else the last error.
func giveUp(resp *http.Response, err error, attempts int) (*http.Response, error) {
	if err == nil {
		return resp, nil
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	err = withoutURL(err)
	if attempts > 1 {
		err = fmt.Errorf("gave up after %d attempts: %w", attempts, err)
	}
	return nil, err
}

// withoutURL keeps the secrets in URLs out of errors. net/http quotes the URL
// in each, with its query.
func withoutURL(err error) error {
	if quoted, ok := errors.AsType[*url.Error](err); ok {
		err = quoted.Err
	}
	if strings.Contains(err.Error(), "parse Location header") {
		return errors.New("redirected to what is not a URL")
	}
	return err
}

// Redact is a source without what of it may be secret: user, password, query and
// fragment of a URL. That there is a query is told. A path is what it was.
func Redact(source string) string {
	if !IsURL(source) {
		return source
	}
	u, err := parseURL(source)
	switch {
	case err != nil: // it cannot be told what is what
		return ""
	case u.User == nil && u.RawQuery == "" && u.Fragment == "":
		return source
	}
	return redact(u)
}

// redact makes a URL fit to be shown: without user, password and query.
func redact(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if shown.RawQuery != "" {
		shown.RawQuery = "redacted"
	}
	return shown.String()
}
