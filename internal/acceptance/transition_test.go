package acceptance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// A cell is one of the transition table: an instance that is found in one state
// and wanted in another.
type cell struct{ from, to lifecycle.State }

func (c cell) name() string { return fmt.Sprintf("cell-%s-%s", c.from, c.to) }

// isAskedFor reports whether an instance is found so because it was asked to be;
// a guest is paused, and panics, behind Terraform's back.
func (c cell) isAskedFor() bool {
	return slices.Contains(lifecycle.Desired(), c.from) || c.from == lifecycle.Absent
}

func cells() (all []cell) {
	for _, from := range lifecycle.Observed() {
		for _, to := range append(lifecycle.Desired(), lifecycle.Absent) {
			all = append(all, cell{from, to})
		}
	}
	return all
}

// inStates is a configuration of forks, each in the state that of says; those
// that are to be absent are left out.
func inStates(of func(cell) lifecycle.State) string {
	var states strings.Builder
	for _, c := range cells() {
		if state := of(c); state != lifecycle.Absent {
			fmt.Fprintf(&states, "      %q = %q\n", c.name(), state)
		}
	}
	return fmt.Sprintf(`
		resource "kvm_instance" "cell" {
			for_each = {
				%s
			}
			name    = each.key
			fork_of = "default/snapshots/golden"
			state   = each.value
			ready   = { check = "http", port = 80, path = "/token" }
		}`, states.String())
}

// TestTransition_OfEveryCellLeadsToItsStateAndKeepsWhatItShould leads an instance
// a cell at once through three states: running, the one in which it is found, and
// the one that is wanted. Then all are woken and asked what they remember.
func TestTransition_OfEveryCellLeadsToItsStateAndKeepsWhatItShould(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorkspace(t, inStates(func(c cell) lifecycle.State {
		if c.from == lifecycle.Absent {
			return lifecycle.Absent
		}
		return lifecycle.Running
	}))
	w.want(0, "apply", "-auto-approve")
	counters := map[cell]int{}
	each := func(do func(cell) error) {
		t.Helper()
		for _, c := range cells() {
			if err := do(c); err != nil {
				t.Errorf("%s: %v", c.name(), err)
			}
		}
	}
	each(func(c cell) (err error) {
		if c.from == lifecycle.Absent {
			return nil
		}
		if err = shared.in(c.name(), "echo synced >/disk/synced && sync && echo cached >/disk/cached && echo remembered >/tmp/memory", "")(ctx); err == nil {
			counters[c], err = shared.counter(ctx, c.name())
		}
		return err
	})

	w.write(inStates(func(c cell) lifecycle.State {
		if !c.isAskedFor() {
			return lifecycle.Running
		}
		return c.from
	}))
	w.want(0, "apply", "-auto-approve")
	each(func(c cell) error {
		if c.from == lifecycle.Absent {
			return nil
		}
		return c.isFound(ctx)
	})

	wanted := inStates(func(c cell) lifecycle.State { return c.to })
	w.write(wanted)
	plan := w.want(2, "plan", "-detailed-exitcode")
	each(func(c cell) error { return c.isPlanned(plan) })
	w.want(0, "apply", "-auto-approve")
	each(func(c cell) error {
		if c.to == lifecycle.Absent {
			return nil
		}
		return shared.isIn(c.name(), c.to)(ctx)
	})
	if out := w.want(0, "apply", "-auto-approve"); !strings.Contains(out, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("the same again is not nothing:\n%s", out)
	}

	w.write(inStates(func(c cell) lifecycle.State {
		if c.to == lifecycle.Absent {
			return lifecycle.Absent
		}
		return lifecycle.Running
	}))
	w.want(0, "apply", "-auto-approve")
	each(func(c cell) error { return c.remembers(ctx, counters[c]) })
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "cell")()
}

// isFound brings an instance into the state in which it is to be found, if it was
// not asked to be in that.
func (c cell) isFound(ctx context.Context) error {
	switch c.from {
	case lifecycle.Paused:
		if err := shared.qmp(c.name(), `{"execute":"stop"}`); err != nil {
			return err
		}
	case lifecycle.Panicked:
		return shared.panics(ctx, c.name())
	}
	return shared.isIn(c.name(), c.from)(ctx)
}

// isPlanned wants the plan to say of a cell what it does, and nothing where
// nothing is to be done.
func (c cell) isPlanned(plan string) error {
	resource := fmt.Sprintf("# kvm_instance.cell[%q] ", c.name())
	_, said, found := strings.Cut(plan, resource)
	said, _, _ = strings.Cut(said, "\n    }\n")
	want := fmt.Sprintf("%q -> %q", c.from, c.to)
	switch {
	case c.from == c.to:
		if found {
			return fmt.Errorf("the plan has %s", said)
		}
		return nil
	case c.from == lifecycle.Absent:
		want = "will be created"
	case c.to == lifecycle.Absent:
		want = "will be destroyed"
	}
	if !strings.Contains(said, want) {
		return fmt.Errorf("the plan has %q; want %s", said, want)
	}
	return nil
}

// remembers wants what a guest wrote to be on its disk, whether it was synced or
// not, and its memory to be that of the snapshot, unless it was shut down on the
// way.
func (c cell) remembers(ctx context.Context, counter int) error {
	if c.to == lifecycle.Absent {
		return nil
	}
	if c.from == lifecycle.Absent {
		if c.to == lifecycle.Stopped {
			return shared.hasNewToken(c.name(), new(shared.token))(ctx)
		}
		return shared.hasToken(c.name(), &shared.token)(ctx)
	}
	written := "synced cached"
	if c.from == lifecycle.Panicked { // what it had not synced is gone with it
		written = "synced"
	}
	if err := shared.in(c.name(), "cd /disk && cat "+written+" | tr '\\n' ' '", written)(ctx); err != nil {
		return err
	}
	if c.from == lifecycle.Stopped || c.from == lifecycle.Panicked || c.to == lifecycle.Stopped {
		return shared.hasNewToken(c.name(), new(shared.token))(ctx)
	}
	now, err := shared.counter(ctx, c.name())
	if err == nil && now < counter {
		err = fmt.Errorf("the counter was %d and is %d", counter, now)
	}
	if err == nil {
		err = shared.in(c.name(), "cat /tmp/memory", "remembered")(ctx)
	}
	if err == nil {
		err = shared.hasToken(c.name(), &shared.token)(ctx)
	}
	return err
}
