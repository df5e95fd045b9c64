package host_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A canary is a file of the host's that no image may have read.
type canary struct {
	path   string
	events int // an inotify descriptor
}

func newCanary(t *testing.T) canary {
	t.Helper()
	c := canary{path: filepath.Join(t.TempDir(), "canary")}
	must(t, os.WriteFile(c.path, make([]byte, 1<<20), 0o600))
	return c
}

// watch begins when the images that name the canary are made: qemu-img has a look.
func (c *canary) watch(t *testing.T) {
	t.Helper()
	var err error
	c.events, err = syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(c.events) })
	_, err = syscall.InotifyAddWatch(c.events, c.path, syscall.IN_OPEN|syscall.IN_ACCESS)
	must(t, err)
}

// sung says whether somebody has opened it.
func (c *canary) sung() bool {
	_, err := syscall.Read(c.events, make([]byte, 4096))
	return !errors.Is(err, syscall.EAGAIN)
}

// A forge makes images in a directory of the test's own.
type forge struct {
	t   *testing.T
	dir string
}

func (f forge) path(name string) string { return filepath.Join(f.dir, name) }

func (f forge) qemuImg(args ...string) {
	f.t.Helper()
	cmd := exec.Command("qemu-img", args...)
	cmd.Dir = f.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("qemu-img %q: %v: %s", args, err, out)
	}
}

// create makes a qcow2 image with options of `qemu-img create`, which has 1 MiB
// of data if it is full.
func (f forge) create(name string, options ...string) string {
	f.t.Helper()
	f.qemuImg(append(append([]string{"create", "-q", "-f", "qcow2"}, options...), name, "1M")...)
	return f.path(name)
}

func (f forge) full(name string) string {
	f.t.Helper()
	must(f.t, os.WriteFile(f.path("raw"), []byte(strings.Repeat("content!", 1<<17)), 0o600))
	f.qemuImg("convert", "-f", "raw", "-O", "qcow2", "raw", name)
	return f.path(name)
}

// change writes 64-bit words into an image, by offset.
func (f forge) change(path string, words map[int]uint64) string {
	f.t.Helper()
	image, err := os.ReadFile(path)
	must(f.t, err)
	for at, word := range words {
		binary.BigEndian.PutUint64(image[at:], word)
	}
	must(f.t, os.WriteFile(path, image, 0o600))
	return path
}

// cut leaves the first bytes of an image.
func (f forge) cut(path string, bytes int64) string {
	f.t.Helper()
	must(f.t, os.Truncate(path, bytes))
	return path
}
