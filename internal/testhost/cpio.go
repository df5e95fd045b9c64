package testhost

import (
	"fmt"
	"io"
)

// File types and the header are those of the "newc" format that the kernel
// reads (Documentation/driver-api/early-userspace/buffer-format.rst).
const (
	cpioDirectory = 0o040000
	cpioFile      = 0o100000
	cpioLink      = 0o120000
	cpioCharacter = 0o020000
	cpioTrailer   = "TRAILER!!!"
)

// cpioWriter writes an archive of files that belong to root. It can write
// device nodes without being root. The first error sticks and is close's.
type cpioWriter struct {
	out   io.Writer
	inode int
	size  int
	err   error
}

func (w *cpioWriter) directory(name string)      { w.entry(name, cpioDirectory|0o755, 0, 0, nil) }
func (w *cpioWriter) file(name string, c []byte) { w.entry(name, cpioFile|0o755, 0, 0, c) }
func (w *cpioWriter) link(name, target string)   { w.entry(name, cpioLink|0o777, 0, 0, []byte(target)) }
func (w *cpioWriter) device(name string, major, minor int) {
	w.entry(name, cpioCharacter|0o600, major, minor, nil)
}

func (w *cpioWriter) close() error {
	w.entry(cpioTrailer, 0, 0, 0, nil)
	return w.err
}

func (w *cpioWriter) entry(name string, mode, major, minor int, content []byte) {
	w.inode++
	// inode, mode, uid, gid, links, mtime, size, device, rdevice, name size, checksum
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		w.inode, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name)+1, 0)
	w.write([]byte(header + name + "\x00"))
	w.pad()
	w.write(content)
	w.pad()
}

func (w *cpioWriter) pad() { w.write(make([]byte, -w.size&3)) }

func (w *cpioWriter) write(b []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(b)
		w.size += len(b)
	}
}
