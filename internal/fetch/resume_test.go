package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDownload_ResumesWhereItBroke(t *testing.T) {
	srv := serve(t, cut(1<<20, ranged(image, `"1"`)), cut(1<<20, ranged(image, `"1"`)), ranged(image, `"1"`))
	data, s, err := downloadAll(t, brief, srv.URL)
	wantImage(t, data, s, err)
	for i, want := range []string{"", "bytes=1048576-", "bytes=2097152-"} {
		if got := srv.request(i).Get("Range"); got != want {
			t.Errorf("request %d has Range %q, want %q", i, got, want)
		}
	}
	if got := srv.request(1).Get("If-Range"); got != `"1"` {
		t.Errorf("If-Range: %q", got)
	}
}

func TestDownload_ResumesThroughServerErrors(t *testing.T) {
	srv := serve(t, cut(1<<20, ranged(image, `"1"`)), status(http.StatusBadGateway), ranged(image, `"1"`))
	data, s, err := downloadAll(t, brief, srv.URL)
	wantImage(t, data, s, err)
}

func TestDownload_TakesARestInParts(t *testing.T) {
	part := func(w http.ResponseWriter, r *http.Request) {
		var from int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		to := min(from+1<<20, len(image))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(image)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(image[from:to])
	}
	data, s, err := downloadAll(t, brief, serve(t, cut(1000, ranged(image, `"1"`)), part).URL)
	wantImage(t, data, s, err)
}

func TestDownload_RereadsFromAServerWithoutRanges(t *testing.T) {
	srv := serve(t, cut(1<<20, rangeless(image)), cut(1000, rangeless(image)), rangeless(image))
	data, s, err := downloadAll(t, brief, srv.URL)
	wantImage(t, data, s, err)
}

func TestDownload_GoesOnAtAMirrorOfTheSameFile(t *testing.T) {
	srv := serve(t, cut(1<<20, ranged(image, `"a"`)), cut(1<<20, ranged(image, `"b"`)), cut(1<<20, ranged(image, `"b"`)), ranged(image, `"b"`))
	data, s, err := downloadAll(t, brief, srv.URL)
	wantImage(t, data, s, err)
}

func TestDownload_UnknownLength(t *testing.T) {
	t.Run("ends where the server ends", func(t *testing.T) {
		data, s, err := downloadAll(t, brief, serve(t, chunked(image)).URL)
		wantImage(t, data, s, err)
		if s.Size() != -1 {
			t.Errorf("Size() = %d, want -1", s.Size())
		}
	})
	t.Run("is resumed after a cut", func(t *testing.T) {
		data, s, err := downloadAll(t, brief, serve(t, cut(1<<20, chunked(image)), rangeless(image)).URL)
		wantImage(t, data, s, err)
		if s.Size() != int64(len(image)) {
			t.Errorf("Size() = %d, want %d as the second answer said", s.Size(), len(image))
		}
	})
}

func TestDownload_NoticesThatTheFileChanged(t *testing.T) {
	other := noise(len(image), 2)
	lying := func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-Range")
		ranged(other, `"2"`)(w, r)
	}
	for name, second := range map[string]http.HandlerFunc{
		"new version":                ranged(other, `"2"`),
		"new version, range granted": lying,
		"new size":                   ranged(other[:2<<20], `"2"`),
		"new size under the old tag": ranged(other[:2<<20], `"1"`),
		"no ranges":                  rangeless(other),
		"now shorter, unannounced":   chunked(image[:1000]),
		"now longer, unannounced":    chunked(append(image[:len(image):len(image)], 0)),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := downloadAll(t, brief, serve(t, cut(1<<20, ranged(image, `"1"`)), second).URL)
			if !errors.Is(err, errChanged) {
				t.Errorf("error: %v, want %v", err, errChanged)
			}
		})
	}
}

func TestDownload_RefusesAWrongRange(t *testing.T) {
	wrong := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/3145728")
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _, err := downloadAll(t, brief, serve(t, cut(1<<20, ranged(image, `"1"`)), wrong).URL)
	if err == nil || !strings.Contains(err.Error(), `cannot resume: it was asked for bytes from 1048576 on and answered "bytes 0-9/3145728"`) {
		t.Errorf("error: %v", err)
	}
}

func TestDownload_TruncatedNamesBothNumbers(t *testing.T) {
	nothing := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(image)))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	srv := serve(t, cut(1000, rangeless(image)), nothing)
	_, _, err := downloadAll(t, brief, srv.URL)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "1000 of 3145728 bytes arrived") {
		t.Errorf("error: %v", err)
	}
	if want := 1 + brief.resumptions; srv.count() != want {
		t.Errorf("%d requests, want %d", srv.count(), want)
	}
}

func TestDownload_SaysWhyItWasNotResumed(t *testing.T) {
	_, _, err := downloadAll(t, brief, serve(t, cut(1000, ranged(image, `"1"`)), status(http.StatusGone)).URL)
	if err == nil || !strings.Contains(err.Error(), "1000 of 3145728 bytes arrived, then it could not be resumed") || !strings.Contains(err.Error(), "410 Gone") {
		t.Errorf("error: %v", err)
	}
}

func TestDownload_CancelEndsTheWaitBeforeAResumption(t *testing.T) {
	patient := brief
	patient.waitMin, patient.waitMax = time.Hour, time.Hour
	srv := serve(t, cut(1000, ranged(image, `"1"`)), cut(1, rangeless(image)))
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	s, err := newFetcher(patient).open(ctx, srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.Copy(io.Discard, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read: %v, want context.DeadlineExceeded", err)
	}
}
