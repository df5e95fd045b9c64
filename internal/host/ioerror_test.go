package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// changing are the calls by which programs change files: in a command each has
// an I/O error, so the first does.
const changing = "fsync,fdatasync,mkdir,linkat,symlinkat,renameat,renameat2,pwrite64,pwritev,ftruncate"

// erring has the calls of a command have an I/O error.
const erring = `[ $n -ne 1 ] || exec strace -f -qq -o /dev/null -e trace=` + changing + ` -e inject=` + changing +
	`:error=EIO "$(PATH=${PATH#*:} command -v "${0##*/}")" "$@"`

// scriptOf are the scripts of verbs, of which each command has an error in turn.
var scriptOf = map[string]string{
	"create": "create", "fork": "fork", "snapshot": "take", "standby": "put into standby",
	"restore": "restore", "start": "start", "update": "update", "rollback": "roll back",
}

// TestVerbs_MeetingAnIOErrorFailAndLoseNothing has system calls fail: of the
// commands that a verb runs, in turn; of QEMU: of the receiver of a guest's memory,
// of the one that is started, and of the guest's own.
func TestVerbs_MeetingAnIOErrorFailAndLoseNothing(t *testing.T) {
	t.Parallel()
	underStrace(t)
	l := newLab(t, testhost.Options{})
	command, dir := faultyQEMU(t)
	config := l.Config
	config.QEMUBinary = command
	l.Host = host.New(config, l.trips)
	x := newTroubled(t, l)
	x.commandsErr(t)
	x.processesErr(dir)
	x.flushErrs()
	must(t, l.clean())
}

// sampled reports whether every fault is to be tried, or a sample: one in so many.
func sampled(i, of int) bool { return os.Getenv("KVM_TEST_FAULTS") == "all" || i%of == 0 }

func (x *troubled) commandsErr(t *testing.T) {
	real := x.Host
	tried, failed := 0, 0
	for i, verb := range x.verbs() {
		word, _, _ := strings.Cut(verb.name, " ")
		if scriptOf[word] == "" {
			continue
		}
		sabotaged, s := x.sabotaged(t, scriptOf[word], erring)
		for n, more := 1, true; more && n < 40; n++ {
			if !sampled(n+i, 13) {
				continue
			}
			s.n = n
			err := x.attempt(verb, fmt.Sprintf("%s, whose command %d has an I/O error", verb.name, n), func() error {
				x.Host = sabotaged.Host
				return nil
			}, func() error {
				more = len(s.steps(t)) >= n-1 // else it has run no such command
				x.Host = real
				return nil
			})
			if tried++; err != nil {
				failed++
			}
		}
		x.unchanged(verb.name)
	}
	x.t.Logf("errors of commands: %d tried, %d failed", tried, failed)
}

// A faultyQEMU is a command that is QEMU, and has the calls that a file of the
// process's kind names fail, receiver or control.
func faultyQEMU(t *testing.T) (command, dir string) {
	t.Helper()
	dir = t.TempDir()
	command = filepath.Join(dir, "qemu")
	must(t, os.WriteFile(command, fmt.Appendf(nil, `#!/bin/sh
case "$*" in *path=run/receiver*) kind=receiver ;; *) kind=control ;; esac
[ -f %[1]s/$kind ] || exec %[2]s "$@"
read -r calls how <%[1]s/$kind
exec strace -D -f -qq -o /dev/null -e trace="$calls" -e inject="$calls:error=EIO$how" %[2]s "$@"
`, dir, host.DefaultQEMUBinary), 0o700))
	return command, dir
}

func (x *troubled) processesErr(dir string) {
	verbs := map[string]troubledVerb{}
	for _, verb := range x.verbs() {
		verbs[verb.name] = verb
	}
	for i, c := range []struct {
		verb, kind, fault string
		harmless          bool // whether the verb may succeed
	}{
		{verb: "snapshot base", kind: "receiver", fault: "ftruncate"},
		{verb: "snapshot base", kind: "receiver", fault: "pwrite64,pwritev"},
		{verb: "snapshot base", kind: "receiver", fault: "fdatasync"},
		{verb: "snapshot base", kind: "receiver", fault: "pread64"},
		{verb: "fork instances/base", kind: "receiver", fault: "pwrite64,pwritev :when=9+"},
		{verb: "standby", kind: "receiver", fault: "pwrite64,pwritev"},
		{verb: "standby", kind: "receiver", fault: "fdatasync :when=4+"},
		{verb: "restore", kind: "control", fault: "pread64"},
		{verb: "restore", kind: "control", fault: "pread64,preadv :when=12+"},
		{verb: "restore", kind: "control", fault: "mmap :when=300+"},
		{verb: "start", kind: "control", fault: "pread64"},
		{verb: "update base disk", kind: "guest", fault: "pwrite64,pwritev,ftruncate"},
		{verb: "update base labels", kind: "guest", fault: "pwrite64,pwritev,fdatasync", harmless: true},
	} {
		if !sampled(i+2, 4) {
			continue
		}
		what := fmt.Sprintf("%s, with an I/O error of %s in %s", c.verb, c.fault, c.kind)
		release := func() {}
		err := x.attempt(verbs[c.verb], what, func() error {
			if c.kind == "guest" {
				release = x.haunt("base", c.fault)
				return nil
			}
			return os.WriteFile(filepath.Join(dir, c.kind), []byte(c.fault+"\n"), 0o600)
		}, func() error {
			release()
			if err := os.Remove(filepath.Join(dir, c.kind)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			return nil
		})
		if err == nil && !c.harmless {
			x.t.Errorf("%s: no error", what)
		}
		x.t.Logf("%s: %v", what, err)
	}
	x.unchanged("QEMU")
}

// flushErrs has a guest's QEMU fail to get to the disk what the guest has written.
// It never says again that it can, for nobody knows what of it was lost; the
// guest runs on, and nothing is made of its disk until it is started anew.
func (x *troubled) flushErrs() {
	ctx := context.Background()
	base := x.find("base")
	x.in(base, "dd if=/dev/zero of=/disk/direct bs=4k count=4 2>/dev/null; sync")
	release := x.haunt("base", "fdatasync")
	x.in(base, "dd if=/dev/urandom of=/disk/direct bs=4k count=4 oflag=direct conv=notrunc 2>&1")
	take := func() error {
		snap, err := x.TakeSnapshot(ctx, host.SnapshotSpec{Name: "haunted", Instance: "base"})
		if err == nil {
			err = x.DeleteSnapshot(ctx, "haunted", snap.UID)
		}
		return err
	}
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"snapshot while it fails", take},
		{"standby while it fails", func() error { return x.Standby(ctx, x.find("base")) }},
		{"snapshot afterwards", func() error { release(); return take() }},
		{"standby afterwards", func() error { return x.Standby(ctx, x.find("base")) }},
	} {
		err := c.do()
		if err == nil || !strings.Contains(err.Error(), "Input/output error") {
			x.t.Errorf("%s: %v; want it to tell of the error", c.what, err)
		}
		x.t.Logf("%s: %v", c.what, err)
		if state := x.state("base"); state != lifecycle.Running {
			x.t.Fatalf("%s: it is %s", c.what, state)
		}
		x.sound(c.what)
	}
	must(x.t, x.Stop(ctx, x.find("base"), 0))
	must(x.t, x.Start(ctx, x.find("base")))
	x.await(base)
	must(x.t, take())
}

// haunt has calls of a guest's process fail until it is released.
func (l *lab) haunt(instance, calls string) (release func()) {
	l.t.Helper()
	record, err := os.ReadFile(l.path("instances", instance, "run/control.pid"))
	must(l.t, err)
	pid, _, _ := strings.Cut(string(record), " ")
	log := filepath.Join(l.t.TempDir(), "attached")
	file, err := os.Create(log)
	must(l.t, err)
	cmd := exec.CommandContext(context.Background(), "strace", "-f", "-o", os.DevNull, "-e", "trace="+calls, "-e", "inject="+calls+":error=EIO", "-p", pid)
	cmd.Stderr = file
	must(l.t, cmd.Start())
	_ = file.Close()
	release = func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // detaches
		_ = cmd.Wait()
	}
	l.t.Cleanup(release)
	eventually(l.t, 10*time.Second, "attached", func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), "attached")
	})
	return release
}
