package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A download is an image on a server. It outlives the connections that it is
// read from.
type download struct {
	*fetcher
	ctx       context.Context // io.Reader has no other way to be cancelled
	url       *url.URL
	got       *tally
	total     int64 // bytes, -1 when unknown
	validator validator
	response  *response // nil when it broke
	broke     error     // why it did
	fruitless int       // resumptions since the last new byte
}

func (f *fetcher) openDownload(ctx context.Context, source string, got *tally) (*download, error) {
	u, err := parseURL(source)
	if err != nil {
		return nil, err
	}
	d := &download{fetcher: f, ctx: ctx, url: u, got: got}
	r, err := f.get(ctx, u, http.Header{})
	if err != nil {
		return nil, d.failed(err)
	}
	if r.StatusCode != http.StatusOK {
		_ = r.Close()
		return nil, d.failed(r.statusError())
	}
	d.response, d.total, d.validator = r, r.ContentLength, validatorOf(r.Header)
	return d, nil
}

func parseURL(source string) (*url.URL, error) {
	u, err := url.Parse(source)
	if err != nil || u.Hostname() == "" {
		// The parser's error quotes pieces of the source, a password perhaps.
		return nil, errors.New("image source is not a valid URL")
	}
	return u, nil
}

func (d *download) Read(p []byte) (int, error) {
	for {
		if d.response == nil {
			if err := d.resume(); err != nil {
				return 0, d.failed(err)
			}
		}
		n, err := d.response.Read(p)
		if n > 0 {
			d.fruitless = 0
		}
		switch now := d.got.n + int64(n); {
		case d.total >= 0 && now > d.total:
			return n, d.failed(errChanged)
		case err == nil:
			return n, nil
		case now == d.total, d.total < 0 && err == io.EOF:
			return n, io.EOF
		case d.ctx.Err() != nil:
			return n, d.failed(d.ctx.Err())
		case err == io.EOF:
			err = fmt.Errorf("%w: %w", errBroken, io.ErrUnexpectedEOF)
		}
		d.drop(err)
		if n > 0 {
			return n, nil
		}
	}
}

// resume finds a response that goes on where the last one broke. The first
// try is made at once, the others after growing waits.
func (d *download) resume() error {
	for d.response == nil {
		if d.fruitless == d.limits.resumptions {
			return fmt.Errorf("%s, and %d attempts to resume brought no more: %w", d.arrived(), d.fruitless, d.broke)
		}
		if d.fruitless > 0 {
			wait := backoff(d.limits.waitMin, d.limits.waitMax, d.fruitless-1, nil)
			if err := sleep(d.ctx, wait); err != nil {
				return err
			}
		}
		d.fruitless++
		if err := d.reopen(); err != nil {
			return err
		}
	}
	return nil
}

func (d *download) drop(why error) {
	_ = d.response.Close()
	d.response, d.broke = nil, why
}

func (d *download) arrived() string {
	if d.total < 0 {
		return fmt.Sprintf("%d bytes arrived", d.got.n)
	}
	return fmt.Sprintf("%d of %d bytes arrived", d.got.n, d.total)
}

func (d *download) failed(err error) error {
	return fmt.Errorf("download %s: %w", redact(d.url), err)
}

func (d *download) size() int64 { return d.total }

func (d *download) Close() error {
	if d.response == nil {
		return nil
	}
	return d.response.Close()
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
