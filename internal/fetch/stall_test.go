package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDownload_Stall(t *testing.T) {
	impatient := brief
	impatient.stall = 150 * time.Millisecond
	stalled := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(image)))
		_, _ = w.Write(image[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	t.Run("is resumed", func(t *testing.T) {
		data, s, err := downloadAll(t, impatient, serve(t, stalled, ranged(image, `"1"`)).URL)
		wantImage(t, data, s, err)
	})
	t.Run("that stays is an error", func(t *testing.T) {
		_, _, err := downloadAll(t, impatient, serve(t, stalled).URL)
		if err == nil || !strings.Contains(err.Error(), "no byte came for 150ms") {
			t.Errorf("error: %v", err)
		}
	})
	t.Run("is not a slow server", func(t *testing.T) {
		slow := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(image)))
			for rest := image; len(rest) > 0; rest = rest[1<<19:] {
				_, _ = w.Write(rest[:1<<19])
				w.(http.Flusher).Flush()
				time.Sleep(40 * time.Millisecond)
			}
		}
		srv := serve(t, slow)
		data, s, err := downloadAll(t, impatient, srv.URL)
		wantImage(t, data, s, err)
		if srv.count() != 1 {
			t.Errorf("%d requests, want 1", srv.count())
		}
	})
	t.Run("is not a slow reader", func(t *testing.T) {
		srv := serve(t, ranged(image, `"1"`))
		s, err := newFetcher(impatient).open(context.Background(), srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		time.Sleep(2 * impatient.stall)
		data, err := io.ReadAll(s)
		wantImage(t, data, s, err)
		if srv.count() != 1 {
			t.Errorf("%d requests, want 1", srv.count())
		}
	})
}
