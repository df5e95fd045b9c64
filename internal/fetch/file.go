package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A file is an image on this machine.
type file struct {
	ctx    context.Context // io.Reader has no other way to be cancelled
	f      *os.File
	before fs.FileInfo
	got    *tally
}

func openFile(ctx context.Context, path string, got *tally) (*file, error) {
	if path == "" {
		return nil, errors.New("image source is empty")
	}
	// Asked before it is opened: opening a FIFO waits for somebody to write.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("image source: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("image source %s is %s, not a regular file", path, kind(info.Mode()))
	}
	f, err := os.Open(path) // #nosec G304 -- the user names it
	if err != nil {
		return nil, fmt.Errorf("image source: %w", err)
	}
	return &file{ctx: ctx, f: f, before: info, got: got}, nil
}

func (f *file) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, fmt.Errorf("read image %s: %w", f.f.Name(), err)
	}
	n, err := f.f.Read(p)
	total := f.got.n + int64(n)
	switch {
	case total > f.size(), err == io.EOF && !f.untouched(total):
		return n, fmt.Errorf("image %s changed while it was read: %d bytes came, it had %d", f.f.Name(), total, f.size())
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("image source: %w", err)
	}
	return n, err
}

// untouched compares times as well as sizes: a write in place keeps the size,
// and the bytes before it would belong to another image than those after.
func (f *file) untouched(total int64) bool {
	now, err := f.f.Stat()
	return err == nil && total == f.size() && now.Size() == f.size() && now.ModTime().Equal(f.before.ModTime())
}

func (f *file) size() int64 { return f.before.Size() }

func (f *file) Close() error { return f.f.Close() }

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something special"
}
