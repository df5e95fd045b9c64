package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// hold takes an instance's lock, and gives it back after a while, or when the
// test ends.
func (l *lab) hold(name string, seconds int) {
	l.t.Helper()
	held := l.t.TempDir() + "/held"
	ended := make(chan error, 1)
	go func() {
		_, err := l.trips.Transport.Run(context.Background(), ssh.Script{
			Name: "hold", Text: `lock "$1" && echo >"$2" && sleep "$3"`, Args: []string{l.path("instances", name), held, fmt.Sprint(seconds)},
		})
		ended <- err
	}()
	l.t.Cleanup(func() { must(l.t, <-ended) })
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(held); err == nil {
			return
		}
		if time.Now().After(end) {
			l.t.Fatal("the lock was not to be had")
		}
	}
}

// impatient is a driver whose scripts wait for a lock for no longer than a second.
func (l *lab) impatient() *lab {
	other := connectWith(l.testhost, strings.Replace(host.Prelude, "LOCK_SECONDS=10", "LOCK_SECONDS=1", 1))
	l.t.Cleanup(func() { _ = other.Close() })
	return other
}

func TestLock_IsWaitedForUntilItsHolderIsDone(t *testing.T) {
	l := shared(t)
	fork := l.fork("awaited")
	other := l.impatient()
	l.hold("awaited", 3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, other.Update(ctx, fork, host.Change{DeletionProtection: new(true)}))
	must(t, other.Update(ctx, fork, host.Change{DeletionProtection: new(false)}))
}

func TestLock_IsNotWaitedForLongerThanTheTimeLimitAndItsHolderNamed(t *testing.T) {
	l := shared(t)
	l.fork("locked")
	other := l.impatient()
	l.hold("locked", 5)
	fork, err := other.Instance(context.Background(), "locked") // who only looks does not wait
	must(t, err)

	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2500*time.Millisecond)
	defer cancel()
	err = other.Stop(ctx, fork, time.Second)
	want := fmt.Sprintf("of %s, who is logged in from 127.0.0.1, has held its lock for more than 1 s", l.testhost.User)
	if !errors.Is(err, host.ErrBusy) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want it busy, %q", err, want)
	}
	if waited := time.Since(begun).Round(100 * time.Millisecond); waited < 2500*time.Millisecond || waited > 4500*time.Millisecond {
		t.Errorf("it waited for %s; want it to try until its limit of 2.5 s is over, and not much longer", waited)
	}
}

// What no waiting cures is no lock.
func TestStop_OfAProcessOnAnotherMachineIsRefusedAtOnce(t *testing.T) {
	l := shared(t)
	fork := l.fork("elsewhere")
	file := l.path("instances/elsewhere/run/control.pid")
	record, err := os.ReadFile(file)
	must(t, err)
	fields := strings.Fields(string(record))
	fields[3] = "another"
	must(t, os.WriteFile(file, []byte(strings.Join(fields, " ")+"\n"), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.Stop(ctx, fork, time.Second); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "on another machine, another") {
		t.Errorf("%v; want it refused", err)
	}
	must(t, os.WriteFile(file, record, 0o600))
}
