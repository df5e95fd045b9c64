package fetch

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeFile(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile_IsReadWhole(t *testing.T) {
	data, s, err := downloadAll(t, brief, writeFile(t, image))
	wantImage(t, data, s, err)
	if s.Size() != int64(len(image)) {
		t.Errorf("Size() = %d, want %d", s.Size(), len(image))
	}
}

func TestFile_MayBeASymbolicLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(writeFile(t, image), link); err != nil {
		t.Skip(err)
	}
	data, s, err := downloadAll(t, brief, link)
	wantImage(t, data, s, err)
}

func TestFile_MustBeARegularFile(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{
		dir:                        "is a directory",
		socket:                     "is a socket",
		os.DevNull:                 "is a device",
		filepath.Join(dir, "none"): "no such file",
	} {
		_, err := Open(context.Background(), path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s): %v, want %q", path, err, want)
		}
	}
}

func TestFile_ThatChangesWhileReadIsAnError(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1<<20) },
		"extended":  func(path string) error { return os.Truncate(path, 4<<20) },
		"written in place": func(path string) error {
			later := time.Now().Add(time.Hour)
			return os.Chtimes(path, later, later)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, image)
			s, err := Open(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := io.CopyN(io.Discard, s, 1000); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, s)
			if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
				t.Errorf("read: %v", err)
			}
		})
	}
}
