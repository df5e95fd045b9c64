package ssh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func mustStream(t *testing.T, client *Client, text, data string, args ...string) Result {
	t.Helper()
	result, err := client.Stream(t.Context(), Script{Name: "stream", Text: text, Args: args}, strings.NewReader(data))
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return result
}

func TestStream_GivesTheScriptItsInput(t *testing.T) {
	cfg := startSSHD(t).config(t)
	cfg.Prelude = "greet() { echo \"hello $1\"; }"
	client := newClient(t, cfg)
	got := mustStream(t, client, `greet "$1"; umask; cat; echo warn >&2; exit 5`, "it's\nhere", "it's\nme")
	want := Result{Stdout: "hello it's\nme\n0077\nit's\nhere", Stderr: "warn\n", Status: 5}
	if got != want {
		t.Errorf("got %s, want %s", brief(got), brief(want))
	}
	if got := mustStream(t, client, `wc -c`, "", strings.Repeat("'", 10_000)); strings.TrimSpace(got.Stdout) != "0" {
		t.Errorf("a large argument: %s", brief(got))
	}
}

// zeros is 64 MiB that nobody holds in memory.
func zeros() io.Reader { return io.LimitReader(zeroReader{}, 64<<20) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestStream_CarriesMuchData(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	got, err := client.Stream(t.Context(), Script{Text: "sha256sum"}, zeros())
	sum := sha256.New()
	_, _ = io.Copy(sum, zeros())
	if want := hex.EncodeToString(sum.Sum(nil)); err != nil || !strings.HasPrefix(got.Stdout, want) {
		t.Errorf("got %s, %v, want %s", brief(got), err, want)
	}
}

func TestStream_ReturnsWhenTheScriptEndsEarly(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	got, err := client.Stream(t.Context(), Script{Text: "head -c 3; exit 4"}, zeros())
	if err != nil || got != (Result{Stdout: "\x00\x00\x00", Status: 4}) {
		t.Errorf("got %s, %v", brief(got), err)
	}
}

func TestStream_ReturnsTheErrorOfItsReader(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	broken := errors.New("the disk is broken")
	data := io.MultiReader(strings.NewReader("half"), errorReader{broken})
	if _, err := client.Stream(t.Context(), Script{Text: "cat"}, data); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
	mustRun(t, client, "true")
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestStream_EndsWithItsContext(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	silent, end := io.Pipe() // of which a read would never return
	defer end.Close()
	if _, err := client.Stream(ctx, Script{Text: "cat"}, silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestStream_IsLostWithItsConnection(t *testing.T) {
	server := startSSHD(t)
	proxy := startProxy(t, server.port)
	cfg := server.config(t)
	cfg.Port, cfg.HostKey = proxy.port, authorizedKey(server.hostKey.PublicKey())
	client := newClient(t, cfg)
	mustRun(t, client, "true")
	time.AfterFunc(300*time.Millisecond, proxy.cut)
	data := io.MultiReader(strings.NewReader("half"), slowReader{})
	if _, err := client.Stream(t.Context(), Script{Text: "cat >/dev/null"}, data); !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
}

type slowReader struct{}

func (slowReader) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return fmt.Fprint(sliceWriter{p}, "x")
}

type sliceWriter struct{ to []byte }

func (w sliceWriter) Write(p []byte) (int, error) { return copy(w.to, p), nil }
