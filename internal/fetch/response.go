package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// errBroken marks a body that ended too early, from which a download may
// recover.
var errBroken = errors.New("the connection broke")

var errStalled = errors.New("stalled")

// A response is a server's answer whose body is watched for stalls.
type response struct {
	*http.Response
	ctx    context.Context // of this request; ended by a stall
	cancel context.CancelCauseFunc
	stall  time.Duration
	timer  *time.Timer
}

// get asks for u with the given headers, and again when that fails for reasons
// that may pass. The response may have any status.
func (f *fetcher) get(ctx context.Context, u *url.URL, header http.Header) (*response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, withoutURL(err)
	}
	req.Header = header
	// The image is the file as it lies there, compressed or not.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := f.client.Do(req)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	r := &response{Response: resp, ctx: ctx, cancel: cancel, stall: f.limits.stall}
	r.timer = time.AfterFunc(r.stall, func() { cancel(errStalled) })
	r.timer.Stop()
	return r, nil
}

// Read returns io.EOF at the end that the server meant, otherwise errBroken.
func (r *response) Read(p []byte) (int, error) {
	// Only the server's time counts, not what the reader takes between calls.
	r.timer.Reset(r.stall)
	n, err := r.Body.Read(p)
	r.timer.Stop()
	if err == nil || err == io.EOF {
		return n, err
	}
	if context.Cause(r.ctx) == errStalled {
		return n, fmt.Errorf("%w: no byte came for %s", errBroken, r.stall)
	}
	return n, fmt.Errorf("%w: %w", errBroken, err)
}

func (r *response) Close() error {
	r.timer.Stop()
	r.cancel(nil)
	return r.Body.Close()
}

// statusError says which server answered what: after redirects it need not be
// the one that the source names.
func (r *response) statusError() error {
	return fmt.Errorf("%s answered %s", r.Request.URL.Host, r.Status)
}
