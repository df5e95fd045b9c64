package host_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// traced are the system calls that change a filesystem, or get what was changed
// to the disk, and those that tell in which directory a process is.
const traced = "trace=/^open.*,creat,/^p?write.*,/truncate,fallocate,copy_file_range,/^sendfile,splice,mmap," +
	"/^rename,/^link,/^symlink,/^mkdir,/^mknod,/^unlink,rmdir,fsync,fdatasync,sync,syncfs,/chdir,io_uring_enter,io_submit"

// underStrace is a command that runs another one and writes what it and all that
// it ever starts do to a file. It skips the test where nobody may be traced.
func underStrace(t *testing.T) (command []string, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "trace")
	command = []string{"strace", "-D", "-f", "-y", "-q", "--seccomp-bpf", "-s", "0", "-e", "signal=none", "-e", traced, "-o", file}
	if out, err := exec.Command(command[0], append(command[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no process can be traced here: %v: %s", err, out)
	}
	return command, file
}

// A traceCall is a system call that has ended, or with the name exit a thread
// that has. Lines count from 1 on.
type traceCall struct {
	thread     int
	name       string
	args       string
	result     string
	begun, end int // the lines
}

// A traceReader reads a trace as it grows.
type traceReader struct {
	file   *os.File
	rest   string // of a line that is not written in full
	line   int
	begun  map[int]traceCall // of calls that have not ended, by thread
	begins func(traceCall)   // is told of a call that others may overtake
}

var (
	ended   = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\w+)`)
	cut     = regexp.MustCompile(`^(\w+)\((.*) <unfinished \.\.\.>$`)
	resumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
)

// read hands over what has been written since it was called last.
func (r *traceReader) read(do func(traceCall)) error {
	text, err := io.ReadAll(r.file)
	if err != nil {
		return err
	}
	lines := strings.Split(r.rest+string(text), "\n")
	r.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		r.line++
		first, said, _ := strings.Cut(line, " ")
		thread, err := strconv.Atoi(first)
		if err != nil {
			return fmt.Errorf("line %d is not understood: %s", r.line, line)
		}
		said = strings.TrimLeft(said, " ")
		call := traceCall{thread: thread, begun: r.line, end: r.line}
		if m := resumed.FindStringSubmatch(said); m != nil {
			call = r.begun[thread]
			delete(r.begun, thread)
			call.end = r.line
			said = call.name + "(" + call.args + m[1]
		}
		if strings.HasPrefix(said, "+++") {
			call.name = "exit"
			do(call)
		} else if m := cut.FindStringSubmatch(said); m != nil {
			call.name, call.args = m[1], m[2]
			r.begun[thread] = call
			r.begins(call)
		} else if m := ended.FindStringSubmatch(said); m != nil {
			call.name, call.args, call.result = m[1], m[2], m[3]
			do(call)
		} else if !strings.HasPrefix(said, "---") && !strings.HasSuffix(said, "= ?") && !strings.HasSuffix(said, "= ? <unavailable>") { // of a process that was killed
			return fmt.Errorf("line %d is not understood: %s", r.line, line)
		}
	}
	return nil
}

var operand = regexp.MustCompile(`(\w+)<([^<>]*)>(\(deleted\))?|"((?:[^"\\]|\\.)*)"`)

// paths are the files of a call, in their order, in full: those that are named,
// from the directories that stand before them, and those of descriptors. cwd is
// the thread's, which a call may tell. A file that has no name any more is "".
func (c traceCall) paths(cwd *string) (names, descriptors []string) {
	dir := ""
	for _, m := range operand.FindAllStringSubmatch(c.args, -1) {
		switch {
		case m[1] == "AT_FDCWD":
			*cwd, dir = m[2], m[2]
		case m[1] != "" && m[3] != "":
			descriptors, dir = append(descriptors, ""), ""
		case m[1] != "":
			descriptors, dir = append(descriptors, m[2]), m[2]
		case path.IsAbs(m[4]):
			names, dir = append(names, path.Clean(m[4])), ""
		default:
			if dir == "" {
				dir = *cwd
			}
			names, dir = append(names, path.Join(dir, m[4])), ""
		}
	}
	return names, descriptors
}
