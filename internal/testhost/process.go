package testhost

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const procDir = "/proc"

// process is a process and the time it started, which tells it from a later one
// with the same pid.
type process struct {
	pid     int
	start   string
	command string
}

// processes are those, except this one, that have to do with the data directory:
// by their command line, their working directory or an open file.
func (h *Host) processes() []process {
	var found []process
	for _, pid := range allPIDs() {
		if pid == os.Getpid() {
			continue
		}
		if stat, ok := readStat(pid); ok && !stat.ended && usesDirectory(pid, h.DataDir) {
			found = append(found, process{pid: pid, start: stat.start, command: commandOf(pid)})
		}
	}
	return found
}

func usesDirectory(pid int, dir string) bool {
	if strings.Contains(commandOf(pid), dir) {
		return true
	}
	links, _ := filepath.Glob(procPath(pid, "fd", "*")) // the pattern is well-formed
	for _, link := range append(links, procPath(pid, "cwd")) {
		// A process of another user, or one that has just ended, cannot be
		// looked at: it is not of this host.
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir) {
			return true
		}
	}
	return false
}

// kill ends the process, if it still is the same one, and waits for its end.
func (p process) kill() error {
	for end := time.Now().Add(goodbye); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, ok := readStat(p.pid)
		if !ok || stat.start != p.start || stat.ended {
			return nil
		}
		if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("kill %s: %w", p, err)
		}
	}
	return fmt.Errorf("kill %s: it is still there after %v", p, goodbye)
}

func (p process) String() string {
	return fmt.Sprintf("process %d (%s)", p.pid, p.command)
}

// procStat is the part of /proc/<pid>/stat that matters here; see proc(5).
type procStat struct {
	name    string
	parent  int
	start   string // in clock ticks since boot
	stopped bool   // by a signal
	ended   bool   // a zombie, and the last of its threads
}

func readStat(pid int) (procStat, bool) {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return procStat{}, false
	}
	// The name is in parentheses and may hold any character.
	opening, closing := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if opening < 0 || closing < opening {
		return procStat{}, false
	}
	name := string(text[opening+1 : closing])
	fields := strings.Fields(string(text[closing+1:]))
	if len(fields) < 20 {
		return procStat{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	// While other threads are still ending, so are the process's open files.
	ended := fields[0] == "Z" && fields[17] == "1"
	return procStat{
		name: name, parent: parent, start: fields[19],
		stopped: fields[0] == "T", ended: ended,
	}, err == nil
}

func allPIDs() []int {
	entries, _ := os.ReadDir(procDir) // without /proc there is nothing to see
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandOf(pid int) string {
	text, _ := os.ReadFile(procPath(pid, "cmdline")) // empty if it has just ended
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

func procPath(pid int, elements ...string) string {
	return filepath.Join(append([]string{procDir, strconv.Itoa(pid)}, elements...)...)
}
