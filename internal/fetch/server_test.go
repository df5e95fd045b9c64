package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// brief are the limits of a test in which failing must not take long.
var brief = limits{
	maxSize:     MaxSize,
	stall:       10 * time.Second,
	retries:     2,
	resumptions: 3,
	waitMin:     time.Millisecond,
	waitMax:     5 * time.Millisecond,
}

// image is larger than what sockets buffer, so that a cut is seen as one.
var image = noise(3<<20, 1)

func noise(size int, seed byte) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// A server gives each request the next of its answers, the last one for ever.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []http.Header
}

func serve(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		i := min(len(s.requests), len(answers)-1)
		s.requests = append(s.requests, r.Header.Clone())
		s.mu.Unlock()
		answers[i](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) request(i int) http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[i]
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// ranged serves data as a server does that knows ranges.
func ranged(data []byte, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// rangeless serves data whole, whatever was asked for.
func rangeless(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// chunked gives data without saying how much there is.
func chunked(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.Write(data)
	}
}

// cut ends the connection after n bytes of h's body.
func cut(n int, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { h(&cutter{w, n}, r) }
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

func (c *cutter) Write(p []byte) (int, error) {
	n, _ := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	c.left -= n
	if c.left == 0 {
		c.Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// downloadAll reads source to its end.
func downloadAll(t *testing.T, l limits, source string) ([]byte, *Stream, error) {
	t.Helper()
	s, err := newFetcher(l).open(context.Background(), source)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = s.Close() })
	data, err := io.ReadAll(s)
	return data, s, err
}

func wantImage(t *testing.T, data []byte, s *Stream, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, image) {
		t.Fatalf("got %d bytes that are not the image's %d", len(data), len(image))
	}
	sum := sha256.Sum256(image)
	if got, want := s.SHA256(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("SHA256() = %s, want %s", got, want)
	}
}
