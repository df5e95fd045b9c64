package testhost

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// requestTimeout bounds one request to a guest, unless its client says otherwise.
const requestTimeout = time.Minute

// longestTry bounds one attempt of WaitHTTP: one that was made too early is never
// answered.
const longestTry = 5 * time.Second

// A GuestClient asks a running [Guest] through a forwarded port. Every call is
// one request on a connection of its own, without retry.
type GuestClient struct {
	URL  string       // such as "http://127.0.0.1:8080"
	HTTP *http.Client // nil: it is reached directly

	Timeout time.Duration // of a request; 0: a minute, for software emulation is slow
}

// connectionPerRequest does not keep connections: behind a forwarded port there
// may be another guest at the next request.
var connectionPerRequest = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Token is 32 hexadecimal digits that were made at boot and are in the guest's
// memory only: guests with the same token have the same memory's history.
func (c GuestClient) Token(ctx context.Context) (string, error) { return c.get(ctx, "/token") }

// BootID is the guest kernel's boot id.
func (c GuestClient) BootID(ctx context.Context) (string, error) { return c.get(ctx, "/boot_id") }

// Disk is the content of the file data on the guest's disk.
func (c GuestClient) Disk(ctx context.Context) (string, error) { return c.get(ctx, "/disk") }

// Counter is how many tenths of a second the guest has run since it was ready.
func (c GuestClient) Counter(ctx context.Context) (int, error) {
	text, err := c.get(ctx, "/counter")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// Run runs a shell command in the guest and returns what it printed on standard
// output and standard error. That it failed is an error. What it leaves in the
// background goes on.
func (c GuestClient) Run(ctx context.Context, command string) (string, error) {
	output, err := c.do(ctx, http.MethodPost, "/run", command)
	if err != nil {
		return output, fmt.Errorf("run %q in the guest: %w", command, err)
	}
	return output, nil
}

func (c GuestClient) get(ctx context.Context, path string) (string, error) {
	text, err := c.do(ctx, http.MethodGet, path, "")
	if err != nil {
		return "", fmt.Errorf("ask the guest for %s: %w", path, err)
	}
	return strings.TrimSpace(text), nil
}

func (c GuestClient) do(ctx context.Context, method, path, body string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, requestTimeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := c.client().Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return string(text), fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	return string(text), nil
}

// Wait waits until the guest answers.
func (c GuestClient) Wait(ctx context.Context) error {
	return waitHTTP(ctx, c.client(), c.URL+"/token")
}

func (c GuestClient) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return connectionPerRequest
}

// WaitHTTP waits until url answers with a status below 500. A forwarded port
// accepts connections before the guest does and keeps the early ones waiting, so
// that many short attempts find a booting guest sooner than few long ones.
func WaitHTTP(ctx context.Context, url string) error {
	return waitHTTP(ctx, connectionPerRequest, url)
}

func waitHTTP(ctx context.Context, client *http.Client, url string) error {
	for attempt := 300 * time.Millisecond; ; attempt = min(attempt*3/2, longestTry) {
		err := answers(ctx, client, url, attempt)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer from %s: %w; last attempt: %w", url, ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("answer %s", response.Status)
	}
	return nil
}
