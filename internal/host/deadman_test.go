package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// eventually waits until ok, or fails the test.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %s: not %s", within, what)
		}
	}
}

// killScript kills the shell that runs the script in which a process of an
// instance, control or receiver, was started; before it the pooled shell above,
// which would tell how the script ended.
func (l *lab) killScript(instance, process string) {
	l.t.Helper()
	script := l.scriptOf(instance, process)
	must(l.t, errors.Join(syscall.Kill(parent(l.t, script), syscall.SIGKILL), syscall.Kill(script, syscall.SIGKILL)))
}

func (l *lab) scriptOf(instance, process string) int {
	l.t.Helper()
	record, err := os.ReadFile(l.path("instances", instance, "run", process+".pid"))
	must(l.t, err)
	pid, err := strconv.Atoi(strings.Fields(string(record))[0])
	must(l.t, err)
	return parent(l.t, pid)
}

func parent(t testing.TB, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(t, err)
	ppid, err := strconv.Atoi(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[1])
	must(t, err)
	return ppid
}

func TestDeadMansSwitch_LetsTheGuestGoOnWhenTheScriptIsKilled(t *testing.T) {
	for _, moment := range []struct{ name, file, text string }{
		{"while memory is copied", "control.out", "MIGRATION_PASS"},
		{"while the guest stands still", "control.out", `"STOP"`},
	} {
		t.Run(moment.name, func(t *testing.T) {
			l := shared(t)
			ctx := context.Background()
			fork := l.fork("orphaned")
			log := l.path("instances/orphaned/run", moment.file)
			seen, err := os.ReadFile(log)
			must(t, err)

			done := make(chan error, 1)
			go func() {
				_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "orphan", Instance: "orphaned"})
				done <- err
			}()
			eventually(t, 20*time.Second, "at the moment", func() bool {
				text, _ := os.ReadFile(log)
				return len(text) > len(seen) && bytes.Contains(text[len(seen):], []byte(moment.text))
			})
			l.killScript("orphaned", "receiver")
			if err := <-done; !errors.Is(err, ssh.ErrLost) {
				t.Fatalf("the call ended with %v", err)
			}

			eventually(t, 5*time.Second, "without a receiver", func() bool {
				_, err := os.Stat(l.path("instances/orphaned/run/receiver.pid"))
				return errors.Is(err, os.ErrNotExist)
			})
			eventually(t, 5*time.Second, "running", func() bool { return l.state("orphaned") == lifecycle.Running })
			text, err := os.ReadFile(log)
			must(t, err)
			if pause := qemu.Pause(qemu.Messages(string(text[len(seen):]))); pause > 5*time.Second {
				t.Errorf("the guest stood still for %s", pause)
			}
			// What the guest writes to is what its metadata says, and so is not what
			// a snapshot has.
			l.in(fork, "echo before >/disk/data && sync")
			again, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "orphan", Instance: "orphaned"})
			must(t, err)
			l.in(fork, "echo after >/disk/data && sync")
			child := l.forkOf("orphans-child", host.Ref{Kind: host.Snapshots, Name: "orphan"})
			l.in(child, "umount /disk && mount -t ext4 /dev/vda /disk") // reads what is on the disk
			if data := l.in(child, "cat /disk/data"); data != "before\n" {
				t.Errorf("the snapshot has %q", data)
			}
			must(t, l.DeleteSnapshot(ctx, "orphan", again.UID))
		})
	}
}

// restoreAnd restores an instance, and meanwhile, when its QEMU has started and
// its guest does not run yet, does something.
func (l *lab) restoreAnd(inst *host.Instance, do func()) error {
	l.t.Helper()
	done := make(chan error, 1)
	go func() { done <- l.Restore(context.Background(), inst) }()
	eventually(l.t, 20*time.Second, "loading", func() bool {
		text, _ := os.ReadFile(l.path("instances", inst.Name, "run/control.out"))
		return bytes.Contains(text, []byte(`"QMP"`)) && !bytes.Contains(text, []byte(`"RESUME"`))
	})
	do()
	return <-done
}

func TestRestore_IsFinishedWhenTheConnectionBreaks(t *testing.T) {
	l := shared(t)
	fork := l.fork("unheard")
	must(t, l.Standby(context.Background(), fork))
	err := l.restoreAnd(fork, func() {
		sshd := parent(t, parent(t, l.scriptOf("unheard", "control")))
		must(t, syscall.Kill(sshd, syscall.SIGKILL))
	})
	if !errors.Is(err, ssh.ErrLost) {
		t.Fatalf("the call ended with %v", err)
	}
	eventually(t, 20*time.Second, "running", func() bool { return l.state("unheard") == lifecycle.Running })
	eventually(t, 5*time.Second, "without its checkpoint, which is past", func() bool {
		_, err := os.Stat(l.path("instances/unheard/checkpoint"))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestRestore_ThatWasCutShortIsDoneAnew(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("cut-short")
	l.in(fork, "echo kept >/note")
	must(t, l.Standby(ctx, fork))

	err := l.restoreAnd(fork, func() { l.killScript("cut-short", "control") })
	if !errors.Is(err, ssh.ErrLost) {
		t.Fatalf("the call ended with %v", err)
	}

	// QEMU is left, with a guest that has not run: nothing of it counts.
	if state := l.state("cut-short"); state != lifecycle.Standby {
		t.Fatalf("it is %s", state)
	}
	again, err := l.Instance(ctx, "cut-short")
	must(t, err)
	must(t, l.Restore(ctx, again))
	if note := l.in(again, "cat /note"); note != "kept\n" {
		t.Errorf("its memory has %q", note)
	}
}
