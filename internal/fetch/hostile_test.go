package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is what a server says to the letter, and for ever when it has more.
func answer(head string, more func(w io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, err = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n"))
		for err == nil && more != nil {
			err = more(conn)
		}
	}
}

func slowly(w io.Writer) error {
	time.Sleep(20 * time.Millisecond)
	_, err := io.WriteString(w, "x")
	return err
}

func endlessly(w io.Writer) error {
	_, err := io.WriteString(w, "X-More: "+strings.Repeat("x", 1<<16)+"\r\n")
	return err
}

func never(io.Writer) error {
	time.Sleep(10 * time.Second)
	return io.EOF
}

// TestDownload_OfAHostileServerEnds has servers that would keep a client busy,
// or have it take something else for the image.
func TestDownload_OfAHostileServerEnds(t *testing.T) {
	impatient := brief
	impatient.stall = 200 * time.Millisecond
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		want   string
	}{
		"endless head":               {answer("HTTP/1.1 200 OK\n", endlessly), "header"},
		"head that drips":            {answer("HTTP/1.1 200 OK\nX-Slow: ", slowly), "timeout awaiting response headers"},
		"error whose body stalls":    {answer("HTTP/1.1 503 Busy\nContent-Length: 4000\n\n", never), "answered 503"},
		"error whose body drips":     {answer("HTTP/1.1 500 Oops\nContent-Length: 4000\n\n", slowly), "answered 500"},
		"redirect whose body drips":  {answer("HTTP/1.1 302 Found\nLocation: file:///etc/passwd\nContent-Length: 2000\n\n", slowly), `scheme "file"`},
		"two lengths":                {answer("HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nimage!", nil), "Content-Length"},
		"length below nothing":       {answer("HTTP/1.1 200 OK\nContent-Length: -5\n\nimage", nil), "Content-Length"},
		"length that is none":        {answer("HTTP/1.1 200 OK\nContent-Length: 0x5\n\nimage", nil), "Content-Length"},
		"length of an exbibyte":      {answer("HTTP/1.1 200 OK\nContent-Length: 1152921504606846976\n\nimage", nil), "larger than"},
		"chunk of an exbibyte":       {answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1000000000000000\nimage", nil), "attempts to resume brought no more"},
		"chunk below nothing":        {answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-5\nimage", nil), "attempts to resume brought no more"},
		"endless trailer":            {answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: X-More\n\n0\n", endlessly), "trailer"},
		"part that nobody asked for": {answer("HTTP/1.1 206 Partial\nContent-Range: bytes 1-4/5\nContent-Length: 4\n\nmage", nil), "answered 206"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, _, err := downloadAll(t, impatient, serve(t, tt.server).URL)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q", err, tt.want)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestDownload_TakesAsMuchAsTheServerSaidAndNoMore(t *testing.T) {
	head := fmt.Sprintf("HTTP/1.1 200 OK\nContent-Length: %d\n\n", len(image))
	srv := serve(t, answer(head, func(w io.Writer) error {
		_, err := w.Write(image)
		return err
	}))
	data, s, err := downloadAll(t, brief, srv.URL)
	wantImage(t, data, s, err)
}

// TestDownload_UnpacksNothing has a server that packs without being asked to.
func TestDownload_UnpacksNothing(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(make([]byte, 1<<24))
	_ = w.Close()
	data, _, err := downloadAll(t, brief, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}).URL)
	if err != nil || !bytes.Equal(data, packed.Bytes()) {
		t.Errorf("%d bytes, %v; want the %d that the server has", len(data), err, packed.Len())
	}
}

func TestDownload_ThatDripsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s, err := newFetcher(brief).open(ctx, serve(t, answer("HTTP/1.1 200 OK\n\n", slowly)).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.Copy(io.Discard, s); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("%v", err)
	}
}
