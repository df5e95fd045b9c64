package instance

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// attempts bounds how often is decided anew when somebody else changes the same
// instance at the same time.
const attempts = 3

// A goal is where an instance should be led.
type goal struct {
	state       lifecycle.State
	ready       *host.Check // nil: nothing to wait for
	stopTimeout time.Duration
}

// errNotReady is in the chain of what a guest's readiness failed with: the
// instance itself is what it should be.
var errNotReady = errors.New("the guest is not ready")

// alter makes an instance what m asks for, and leads it to the state that is
// desired. It returns the instance as it was last seen, with an error, too.
func alter(ctx context.Context, d driver, inst *host.Instance, m *model, was announced) (*host.Instance, error) {
	for attempt := 1; ; attempt++ {
		changed, err := apply(ctx, d, inst, m, was)
		if err == nil {
			return reach(ctx, d, changed, m.goal())
		}
		if inst, err = again(ctx, d, changed, attempt, err); err != nil {
			return inst, err
		}
	}
}

// apply makes the changes that m asks for. What needs a stop comes last, behind
// one: whatever can be refused stops nothing.
func apply(ctx context.Context, d driver, inst *host.Instance, m *model, was announced) (*host.Instance, error) {
	change := m.change(inst)
	change.Seed = was.newSeed(inst)
	state := was.via(change, inst)
	if state != inst.State {
		if err := m.mayRestart(inst.State, was); err != nil {
			return inst, err
		}
	} else {
		state = m.viaForDisks(change, inst.State)
	}
	if state != inst.State {
		if err := d.Check(ctx, inst, change); err != nil {
			return inst, err
		}
		first := withoutStop(change, inst)
		first.Disks = nil // which come when it is there
		if err := update(ctx, d, inst, first); err != nil {
			return inst, err
		}
		var err error
		if inst, err = reach(ctx, d, inst, m.goal().by(state)); err != nil {
			return inst, err
		}
		change = m.change(inst)
		change.Seed = was.newSeed(inst)
	}
	return inst, update(ctx, d, inst, change)
}

func update(ctx context.Context, d driver, inst *host.Instance, change host.Change) error {
	if isNothing(change) {
		return nil
	}
	return overdue(ctx, "update", inst.State, d.Update(ctx, inst, change))
}

// by is a stop on the way to g, where nobody waits for the guest.
func (g goal) by(state lifecycle.State) goal {
	if state != g.state {
		g.state, g.ready = state, nil
	}
	return g
}

// reach leads an instance to its goal by the calls of package lifecycle.
func reach(ctx context.Context, d driver, inst *host.Instance, g goal) (*host.Instance, error) {
	for attempt := 1; ; attempt++ {
		err := walk(ctx, d, inst, g, attempt > 1)
		if err == nil {
			return inst, nil
		}
		if inst, err = again(ctx, d, inst, attempt, err); err != nil {
			return inst, err
		}
	}
}

// walk does the calls that are left. A guest that came to run on the way, by
// them or, when it was moved, by a call before, has to be ready at the end, and
// before that to be told by its agent what it has slept through. One
// that is damaged is not moved: its process may be all that still has its disk.
func walk(ctx context.Context, d driver, inst *host.Instance, g goal, moved bool) error {
	calls, err := lifecycle.Calls(inst.State, g.state)
	if inst.State == lifecycle.Unknown || inst.Problem != "" && len(calls) > 0 {
		return refusal(inst)
	}
	if err != nil {
		return err
	}
	if g.state == lifecycle.Running && (moved || len(calls) > 0 || inst.NeedsAwakening()) {
		calls = append(slices.Clone(calls), lifecycle.AwaitReady)
	}
	for _, call := range calls {
		if call == lifecycle.AwaitReady && inst.NeedsAwakening() {
			if err := perform(ctx, d, inst, g, lifecycle.Awaken); err != nil {
				return err
			}
		}
		if err := perform(ctx, d, inst, g, call); err != nil {
			return err
		}
	}
	return nil
}

// again looks anew at an instance that somebody else has changed; every other
// error ends the matter.
func again(ctx context.Context, d driver, inst *host.Instance, attempt int, err error) (*host.Instance, error) {
	if !errors.Is(err, host.ErrChanged) || attempt == attempts {
		return inst, err
	}
	d.Forget()
	fresh, err := present(ctx, d, inst.Name, inst.UID)
	if err != nil {
		return inst, err
	}
	return fresh, nil
}
