package host_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A watch looks at a data directory and at the processes of its instances all the
// time that a test goes on.
type watch struct {
	l       *lab
	owner   uint32 // of the data directory
	dropped bool   // QEMU becomes another user

	stop func()

	mu     sync.Mutex
	files  map[string]string   // what was seen of each file, by path, when it was last seen
	qemus  map[string]qemuSeen // by pid and record
	faults map[string]bool
}

// qemuSeen is what was last seen of a process.
type qemuSeen struct {
	record  string // instances/NAME/run/control.pid
	uids    string // real, effective, saved, filesystem
	seccomp string
	caps    string
}

func (l *lab) watch() *watch {
	info, err := os.Stat(l.path())
	must(l.t, err)
	w := &watch{l: l, dropped: l.QEMUUser != "", owner: info.Sys().(*syscall.Stat_t).Uid, files: map[string]string{}, qemus: map[string]qemuSeen{}, faults: map[string]bool{}}
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			w.look()
			select {
			case <-stopped:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	w.stop = sync.OnceFunc(func() { close(stopped); <-done })
	l.t.Cleanup(w.stop)
	return w
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = filepath.WalkDir(w.l.path(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil { // it has gone meanwhile
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		w.lookAtFile(strings.TrimPrefix(path, w.l.path()), info)
		return nil
	})
	records, _ := filepath.Glob(w.l.path("instances", "*", "run", "*.pid")) // the pattern is well-formed
	for _, record := range records {
		text, _ := os.ReadFile(record) // it may have gone
		if pid, _, ok := strings.Cut(string(text), " "); ok {
			w.lookAtProcess(pid, strings.TrimPrefix(record, w.l.path("/")))
		}
	}
}

// lookAtFile wants a file to be closed to all but its owner. With a user of QEMU's
// there are directories that can be passed through, in those that cannot.
func (w *watch) lookAtFile(path string, info fs.FileInfo) {
	owner := info.Sys().(*syscall.Stat_t).Uid
	mode, want := info.Mode(), fs.FileMode(0o600)
	switch {
	case mode&fs.ModeSymlink != 0:
		return
	case mode.IsDir(), mode&fs.ModeSocket != 0: // to connect is to write, a bit more means nothing
		want = 0o700
	}
	foreign := owner != w.owner
	if w.dropped {
		parts := strings.Split(strings.Trim(path, "/"), "/")
		inInstance := parts[0] == "instances" && len(parts) > 1
		last := parts[len(parts)-1]
		if inInstance && mode.IsDir() && mode.Perm() == 0o711 && (len(parts) == 2 || len(parts) == 3 && (last == "run" || last == "disk")) {
			want = 0o711
		}
		if strings.HasSuffix(path, ".qcow2") || strings.Contains(path, "/run/migrate") {
			foreign = false
		}
	}
	if mode.Perm() != want {
		w.faults[fmt.Sprintf("%s has mode %v; want %v", path, mode, want)] = true
	}
	if foreign {
		w.faults[fmt.Sprintf("%s belongs to user %d; want %d", path, owner, w.owner)] = true
	}
	w.files[kindOf(path)] = mode.String()
}

// kindOf is a path without what differs between objects.
func kindOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > 1 {
		parts[1] = "*"
	}
	if len(parts) > 3 && parts[2] == "disk" {
		parts[3] = "*"
	}
	return strings.Join(parts, "/")
}

func (w *watch) lookAtProcess(pid, record string) {
	comm, _ := os.ReadFile("/proc/" + pid + "/comm")
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	if !strings.HasPrefix(string(comm), "qemu-system") || strings.Contains(string(status), "State:\tZ") {
		return // it is not QEMU yet, or not any more
	}
	values := map[string]string{}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		values[key] = strings.Join(strings.Fields(value), " ")
	}
	if values["Uid"] != "" {
		w.qemus[pid+" "+record] = qemuSeen{record, values["Uid"], values["Seccomp"], values["CapEff"]}
	}
}

// wantGuestsOf ends the watch. It wants every QEMU, of guests and receivers, to have
// run as a user and with the filter of system calls, and every file to have been
// private; and it wants to have seen all of them.
func (w *watch) wantGuestsOf(uid int) {
	t := w.l.t
	t.Helper()
	w.stop()
	for fault := range w.faults {
		t.Error(fault)
	}
	kinds := map[string]int{}
	user := fmt.Sprint(uid)
	for process, seen := range w.qemus {
		kinds[filepath.Base(seen.record)]++
		if seen.uids != strings.Join([]string{user, user, user, user}, " ") || seen.seccomp != "2" {
			t.Errorf("process %s ran as %s with seccomp mode %s; want user %d and mode 2, a filter", process, seen.uids, seen.seccomp, uid)
		}
		if uid != 0 && strings.Trim(seen.caps, "0") != "" {
			t.Errorf("process %s had the capabilities %s; want none", process, seen.caps)
		}
	}
	// base twice and each of two forks once or twice; two snapshots and two standbys.
	if kinds["control.pid"] < 5 || kinds["receiver.pid"] < 4 {
		t.Errorf("QEMU was seen so often: %v; want 5 guests and 4 receivers", kinds)
	}
	for _, kind := range []string{
		"", "images/*/data", "images/*/image.json", "ports", "snapshots/*/snapshot.json", "snapshots/*/checkpoint/memory", "snapshots/*/disk/*",
		"instances/*/instance.json", "instances/*/lock", "instances/*/boot/kernel", "instances/*/disk/*", "instances/*/checkpoint.tmp/memory",
		"instances/*/checkpoint/memory", "instances/*/checkpoint/device-state", "instances/*/run/control.in", "instances/*/run/control.log",
		"instances/*/run/control.out", "instances/*/run/control.pid", "instances/*/run/console.log", "instances/*/run/qmp.sock", "instances/*/run/migrate/sock",
	} {
		if w.files[kind] == "" {
			t.Errorf("no %q was seen among %q", kind, slices.Sorted(maps.Keys(w.files)))
		}
	}
	t.Logf("%d kinds of files, processes %v", len(w.files), kinds)
}
