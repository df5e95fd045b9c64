package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// perform does one call and logs how long it took.
func perform(ctx context.Context, d driver, inst *host.Instance, g goal, call lifecycle.Call) error {
	begun := time.Now()
	err := do(ctx, d, inst, g, call)
	tflog.Info(ctx, "instance: "+string(call), map[string]any{
		"instance": inst.Name, "uid": inst.UID, "state": string(inst.State),
		"duration_ms": time.Since(begun).Milliseconds(), "ok": err == nil,
	})
	return overdue(ctx, string(call), inst.State, err)
}

// overdue is the error of a call; where the time limit has ended it, it names the
// state that was seen last.
func overdue(ctx context.Context, call string, seen lifecycle.State, err error) error {
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("the time limit was reached at %s, when the instance was last seen %s: %w", call, seen, err)
}

func do(ctx context.Context, d driver, inst *host.Instance, g goal, call lifecycle.Call) error {
	switch call {
	case lifecycle.Start:
		return d.Start(ctx, inst)
	case lifecycle.Restore:
		return d.Restore(ctx, inst)
	case lifecycle.Resume:
		return d.Resume(ctx, inst)
	case lifecycle.EnterStandby:
		return d.Standby(ctx, inst)
	case lifecycle.Stop:
		return d.Stop(ctx, inst, g.stopTimeout)
	case lifecycle.Awaken:
		if err := d.Awaken(ctx, inst); err != nil {
			return &notReady{err}
		}
		return nil
	case lifecycle.AwaitReady:
		return awaitReady(ctx, d, inst, g.ready)
	}
	return fmt.Errorf("%s is not a call on an instance that exists", call)
}

func awaitReady(ctx context.Context, d driver, inst *host.Instance, check *host.Check) error {
	if check == nil {
		return nil
	}
	if err := d.Ready(ctx, inst, *check); err != nil {
		return &notReady{err}
	}
	return nil
}

// notReady marks an error as one of readiness and says no more than it does.
type notReady struct{ error }

func (e *notReady) Unwrap() []error { return []error{e.error, errNotReady} }
