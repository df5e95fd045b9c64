package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestIsURL(t *testing.T) {
	for source, want := range map[string]bool{
		"http://example.com/a":  true,
		"HTTPS://example.com/a": true,
		"ftp://example.com/a":   false,
		"/images/a.qcow2":       false,
		"./http:/a":             false,
		"http:":                 false,
		"":                      false,
	} {
		if got := IsURL(source); got != want {
			t.Errorf("IsURL(%q) = %v, want %v", source, got, want)
		}
	}
}

func TestOpen_RefusesSourcesThatAreNeitherURLNorPath(t *testing.T) {
	for source, want := range map[string]string{
		"":                      "empty",
		"ftp://example.com/a":   `scheme "ftp"`,
		"file:///etc/passwd":    `scheme "file"`,
		"http://":               "not a valid URL",
		"http://u:hush/@host/a": "not a valid URL",
	} {
		_, err := Open(context.Background(), source)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("Open(%q): %v, want %q", source, err, want)
		}
	}
}

func TestStream_HashesWhatWasReadSoFar(t *testing.T) {
	s, err := Open(context.Background(), serve(t, ranged(image, `"1"`)).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.CopyN(io.Discard, s, 1000); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(image[:1000])
	if got := s.SHA256(); got != hex.EncodeToString(sum[:]) {
		t.Errorf("SHA256() after 1000 bytes = %s", got)
	}
}

func TestStream_EndsAtTheSizeLimit(t *testing.T) {
	small := brief
	small.maxSize = 1 << 20
	t.Run("announced", func(t *testing.T) {
		_, err := newFetcher(small).open(context.Background(), serve(t, ranged(image, `"1"`)).URL)
		if err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("unannounced", func(t *testing.T) {
		_, s, err := downloadAll(t, small, serve(t, chunked(image)).URL)
		if err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
			t.Errorf("read: %v", err)
		}
		if _, again := s.Read(make([]byte, 1)); again != err {
			t.Errorf("a second Read after the end: %v, want the same error", again)
		}
	})
}

func TestStream_EndsWithItsContext(t *testing.T) {
	for name, source := range map[string]string{
		"download": serve(t, ranged(image, `"1"`)).URL,
		"file":     writeFile(t, image),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			s, err := newFetcher(brief).open(ctx, source)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			cancel()
			if _, err := io.Copy(&bytes.Buffer{}, s); !errors.Is(err, context.Canceled) {
				t.Errorf("read: %v, want context.Canceled", err)
			}
		})
	}
}
