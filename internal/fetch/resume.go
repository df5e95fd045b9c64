package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

var errChanged = errors.New("the file changed while it was downloaded")

// A validator is the header by which a server tells one version of a file from
// another. The zero validator is none.
type validator struct{ header, value string }

// validatorOf picks what If-Range may carry: an ETag that is not weak, or a
// time of modification at least a second before the answer, so that no second
// version can share it (RFC 9110, sections 8.8.2.2 and 13.1.5).
func validatorOf(h http.Header) validator {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return validator{"ETag", tag}
	}
	modified, err1 := http.ParseTime(h.Get("Last-Modified"))
	date, err2 := http.ParseTime(h.Get("Date"))
	if err1 == nil && err2 == nil && date.Sub(modified) >= time.Second {
		return validator{"Last-Modified", h.Get("Last-Modified")}
	}
	return validator{}
}

// reopen asks for the rest of the file once. It leaves response nil when that
// broke too; an error says that the download cannot go on.
func (d *download) reopen() error {
	header := http.Header{}
	if d.validator.value != "" {
		header.Set("Range", fmt.Sprintf("bytes=%d-", d.got.n))
		header.Set("If-Range", d.validator.value)
	}
	r, err := d.get(d.ctx, d.url, header)
	if err != nil {
		return fmt.Errorf("%s, then it could not be resumed: %w", d.arrived(), err)
	}
	d.response = r
	switch r.StatusCode {
	case http.StatusPartialContent:
		err = d.acceptRest()
	case http.StatusOK:
		err = d.acceptWhole()
	default:
		err = fmt.Errorf("%s, then it could not be resumed: %w", d.arrived(), r.statusError())
	}
	if err != nil {
		d.drop(err)
	}
	if errors.Is(err, errBroken) {
		return d.ctx.Err()
	}
	return err
}

// acceptRest checks that the response is the rest of the same file. It may be
// less than all the rest: what is missing is asked for later.
func (d *download) acceptRest() error {
	if now := d.response.Header.Get(d.validator.header); now != "" && now != d.validator.value {
		return errChanged
	}
	got := d.response.Header.Get("Content-Range")
	first, total, ok := parseContentRange(got)
	if !ok || first != d.got.n {
		return fmt.Errorf("the server cannot resume: it was asked for bytes from %d on and answered %q", d.got.n, got)
	}
	return d.acceptTotal(total)
}

// acceptWhole goes on with a response that begins at the first byte again: the
// server knows no ranges, or says that this is another version. What was
// already given is read once more and must hash the same. Then the stream is
// this response byte for byte, whatever the validators say: they differ
// between mirrors of one file.
func (d *download) acceptWhole() error {
	if err := d.acceptTotal(d.response.ContentLength); err != nil {
		return err
	}
	again := newTally()
	_, err := io.CopyN(again, d.response, d.got.n)
	if err != nil && err != io.EOF {
		return err
	}
	if again.String() != d.got.String() {
		return errChanged
	}
	d.validator = validatorOf(d.response.Header)
	return nil
}

func (d *download) acceptTotal(total int64) error {
	if total >= 0 && d.total >= 0 && total != d.total {
		return fmt.Errorf("%w: it had %d bytes and has %d", errChanged, d.total, total)
	}
	d.total = max(d.total, total)
	return nil
}

// parseContentRange reads "bytes FIRST-LAST/TOTAL". A total of "*" is refused:
// the end of the file could not be told from a cut.
func parseContentRange(s string) (first, total int64, ok bool) {
	const form = "bytes %d-%d/%d"
	var last int64
	_, err := fmt.Sscanf(s, form, &first, &last, &total)
	ok = err == nil && s == fmt.Sprintf(form, first, last, total) && 0 <= first && first <= last && last < total
	return first, total, ok
}
