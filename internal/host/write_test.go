package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A busyHost has an object whose lock somebody holds, for a number of runs. Then
// it does what it is told, or, with end, has no session left until the caller's
// time is over.
type busyHost struct {
	Transport
	times int
	end   context.CancelFunc
	runs  int
}

func (b *busyHost) Run(ctx context.Context, _ ssh.Script) (ssh.Result, error) {
	b.runs++
	switch {
	case b.runs <= b.times:
		return ssh.Result{Status: 44, Stderr: "somebody holds its lock\n"}, nil
	case b.end != nil:
		b.end()
		return ssh.Result{}, fmt.Errorf("waiting for a session: %w", ctx.Err())
	}
	return ssh.Result{Stdout: "done"}, nil
}

func TestWrite_TriesAnewWhileALockIsHeld(t *testing.T) {
	b := &busyHost{times: 3}
	out, err := New(Config{}, b).call("update", Instances, "a").write(t.Context(), "script")
	if out != "done" || err != nil || b.runs != 4 {
		t.Errorf("%q, %v, after %d runs", out, err, b.runs)
	}
}

func TestWrite_SaysWhoHeldALockToTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &busyHost{times: 2, end: cancel}
	_, err := New(Config{}, b).call("update", Instances, "a").write(ctx, "script")
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "somebody holds its lock") || b.runs != 3 {
		t.Errorf("%v, after %d runs", err, b.runs)
	}
}
