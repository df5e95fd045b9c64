// Package fetch reads image files, from an http(s) server or from this
// machine's disk, and hashes them on the way. Nothing is stored: an image of
// any size passes in constant memory.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
)

// MaxSize is the largest image that is accepted, in bytes (1 TiB). It ends the
// body of a server that never does.
const MaxSize = 1 << 40

// A Stream is one image, read from its first byte to its last. It is not safe
// for concurrent use.
type Stream struct {
	origin origin
	got    *tally
	limit  int64
	err    error // why reading ended; every later Read repeats it
}

// An origin is where the bytes come from. It ends with io.EOF only when it
// knows of nothing that is missing.
type origin interface {
	io.ReadCloser
	size() int64
}

// A tally counts and hashes what the reader of a stream has been given.
type tally struct {
	sum hash.Hash
	n   int64 // bytes
}

func newTally() *tally { return &tally{sum: sha256.New()} }

func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.sum.Write(p)
}

func (t *tally) String() string { return hex.EncodeToString(t.sum.Sum(nil)) }

// Open begins to read an image from source: an http(s) URL, or the path of a
// regular file (~ is not expanded). The context holds for the stream's whole life: when it ends,
// so does Read, with the context's error.
//
// What goes wrong on the way to a server is retried, within limits, here and in
// Read. Errors name the source without its user, password and query.
func Open(ctx context.Context, source string) (*Stream, error) {
	return newFetcher(defaultLimits).open(ctx, source)
}

func (f *fetcher) open(ctx context.Context, source string) (*Stream, error) {
	if err := CheckSource(source); err != nil {
		return nil, err
	}
	s := &Stream{got: newTally(), limit: f.limits.maxSize}
	var err error
	if IsURL(source) {
		s.origin, err = f.openDownload(ctx, source, s.got)
	} else {
		s.origin, err = openFile(ctx, source, s.got)
	}
	if err != nil {
		return nil, err
	}
	if s.Size() > s.limit {
		_ = s.Close()
		return nil, s.tooLarge()
	}
	return s, nil
}

// CheckSource reports what can be seen to be wrong with a source before it is
// opened.
func CheckSource(source string) error {
	if IsURL(source) {
		_, err := parseURL(source)
		return err
	}
	if scheme, _, found := strings.Cut(source, "://"); found {
		return fmt.Errorf("image source has scheme %q: use http, https, or a plain path", scheme)
	}
	return nil
}

// IsURL says whether Open would ask a server for source. Anything else is a
// path.
func IsURL(source string) bool {
	scheme, _, found := strings.Cut(source, "://")
	return found && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// Read gives the next bytes. A download that broke is taken up again where it
// ended. After io.EOF every byte of the image has been given; any other error
// is final, and what was given before it is not the whole image.
func (s *Stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.origin.Read(p)
	_, _ = s.got.Write(p[:n]) // a hash does not fail
	if s.got.n > s.limit {
		err = s.tooLarge()
	}
	s.err = err
	return n, err
}

// Size is the length of the whole image in bytes, or -1 as long as the server
// has not said.
func (s *Stream) Size() int64 { return s.origin.size() }

// SHA256 is the hash of everything read so far, in lower-case hex. It is the
// image's once Read has returned io.EOF.
func (s *Stream) SHA256() string { return s.got.String() }

// Close ends the download or closes the file.
func (s *Stream) Close() error { return s.origin.Close() }

func (s *Stream) tooLarge() error {
	return fmt.Errorf("image is larger than %d bytes, the most that is accepted", s.limit)
}
