package instance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

func TestReach_WaitsForAGuestThatCameToRunAndBeforeStandby(t *testing.T) {
	for _, c := range []struct {
		from, to lifecycle.State
		calls    []string
	}{
		{lifecycle.Stopped, lifecycle.Running, []string{"start", "ready"}},
		{lifecycle.Standby, lifecycle.Running, []string{"restore", "ready"}},
		{lifecycle.Paused, lifecycle.Running, []string{"resume", "ready"}},
		{lifecycle.Running, lifecycle.Running, nil},
		{lifecycle.Stopped, lifecycle.Standby, []string{"start", "ready", "standby"}},
		{lifecycle.Running, lifecycle.Standby, []string{"standby"}},
		{lifecycle.Standby, lifecycle.Stopped, []string{"restore", "stop"}},
		{lifecycle.Paused, lifecycle.Stopped, []string{"resume", "stop"}},
		{lifecycle.Panicked, lifecycle.Running, []string{"stop", "start", "ready"}},
	} {
		h := newFakeHost()
		inst, err := reach(t.Context(), h, h.add("a", host.Record{}, c.from), goal{state: c.to, ready: &host.Check{}})
		if calls := h.done(); err != nil || !slices.Equal(calls, c.calls) || inst.State != c.to {
			t.Errorf("%s -> %s: %v, %v, in the end %s; want %v", c.from, c.to, calls, err, inst.State, c.calls)
		}
	}
}

func TestReach_DecidesAnewWhenSomebodyElseMovedTheInstance(t *testing.T) {
	h := newFakeHost()
	inst := h.add("a", host.Record{}, lifecycle.Stopped)
	h.before["start"] = func(h *fakeHost) { h.instances["a"].State = lifecycle.Standby }
	inst, err := reach(t.Context(), h, inst, goal{state: lifecycle.Running})
	if calls := h.done(); err != nil || inst.State != lifecycle.Running || !slices.Equal(calls, []string{"start", "restore"}) {
		t.Errorf("%v, %v, in the end %s", calls, err, inst.State)
	}
}

func TestReach_WaitsForAGuestThatSomebodyElseStarted(t *testing.T) {
	h := newFakeHost()
	inst := h.add("a", host.Record{}, lifecycle.Stopped)
	h.before["start"] = func(h *fakeHost) { h.instances["a"].State = lifecycle.Running }
	_, err := reach(t.Context(), h, inst, goal{state: lifecycle.Running, ready: &host.Check{}})
	if calls := h.done(); err != nil || !slices.Equal(calls, []string{"start", "ready"}) {
		t.Errorf("%v, %v", calls, err)
	}
}

func TestReach_GivesUpAfterThreeAttempts(t *testing.T) {
	h := newFakeHost()
	h.fail["start"] = always(host.ErrChanged)
	_, err := reach(t.Context(), h, h.add("a", host.Record{}, lifecycle.Stopped), goal{state: lifecycle.Running})
	if calls := h.done(); !errors.Is(err, host.ErrChanged) || len(calls) != 3 {
		t.Errorf("%v, %v; want three starts", calls, err)
	}
}

func TestReach_LeavesAnInstanceThatTookTheNameAlone(t *testing.T) {
	h := newFakeHost()
	inst := h.add("a", host.Record{}, lifecycle.Stopped)
	h.before["start"] = func(h *fakeHost) { h.add("a", host.Record{}, lifecycle.Standby) }
	_, err := reach(t.Context(), h, inst, goal{state: lifecycle.Running})
	if calls := h.done(); !errors.Is(err, host.ErrReplaced) || !slices.Equal(calls, []string{"start"}) {
		t.Errorf("%v, %v", calls, err)
	}
}

func TestReach_DoesNothingToAnUnknownInstance(t *testing.T) {
	for _, desired := range lifecycle.Desired() {
		h := newFakeHost()
		_, err := reach(t.Context(), h, h.add("a", host.Record{}, lifecycle.Unknown), goal{state: desired})
		if calls := h.done(); err == nil || len(calls) != 0 {
			t.Errorf("unknown -> %s: %v, %v; want an error and no call", desired, calls, err)
		}
	}
}

func TestReach_SaysWhatIsDamaged(t *testing.T) {
	h := newFakeHost()
	inst := h.add("a", host.Record{}, lifecycle.Unknown)
	inst.Problem = "its memory image is gone"
	if _, err := reach(t.Context(), h, inst, goal{state: lifecycle.Running}); err == nil || !strings.Contains(err.Error(), "its memory image is gone") {
		t.Error(err)
	}
}

func TestTimeLimit_NamesTheCallAndTheStateThatWasSeenLast(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	rolled := modelOf(t, map[string]any{"restore_from": "s", "allow_restart": true})
	for call, do := range map[string]func(*fakeHost, *host.Instance) error{
		"create": func(h *fakeHost, _ *host.Instance) error {
			_, err := modelOf(t, map[string]any{"image": "lab/images/i"}).create(ctx, h, types.StringNull())
			return err
		},
		"fork": func(h *fakeHost, _ *host.Instance) error {
			_, err := modelOf(t, map[string]any{"fork_of": "lab/instances/a"}).create(ctx, h, types.StringNull())
			return err
		},
		"restore": func(h *fakeHost, inst *host.Instance) error {
			_, err := reach(ctx, h, inst, goal{state: lifecycle.Running})
			return err
		},
		"update": func(h *fakeHost, inst *host.Instance) error {
			m := modelOf(t, nil)
			protect(m)
			_, err := alter(ctx, h, inst, m, announced{})
			return err
		},
		"rollback": func(h *fakeHost, inst *host.Instance) error {
			_, err := rollBack(ctx, h, inst, rolled, announced{rollback: true})
			return err
		},
	} {
		h := newFakeHost()
		h.snapshots = []*host.Snapshot{snapshotOf("s", lifecycle.Standby)}
		seen := "standby"
		if call == "create" || call == "fork" {
			seen = "absent"
		}
		err := do(h, h.add("a", host.Record{}, lifecycle.Standby))
		if want := "the time limit was reached at " + call + ", when the instance was last seen " + seen; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q in it", err, want)
		}
	}
}

func TestAlter_GoesThroughTheStateInWhichTheChangeCanBeMade(t *testing.T) {
	for name, c := range map[string]struct {
		from  lifecycle.State
		alter func(*model)
		calls []string
	}{
		"nothing":                       {lifecycle.Running, func(*model) {}, nil},
		"memory, running":               {lifecycle.Running, memory, []string{"stop", "update", "start", "ready"}},
		"memory, standby to standby":    {lifecycle.Standby, func(m *model) { memory(m); desire(m, "standby") }, []string{"restore", "stop", "update", "start", "ready", "standby"}},
		"memory, stopped to stopped":    {lifecycle.Stopped, func(m *model) { memory(m); desire(m, "stopped") }, []string{"update"}},
		"disk, running":                 {lifecycle.Running, disk, []string{"update"}},
		"disk, standby to running":      {lifecycle.Standby, disk, []string{"update", "restore", "ready"}},
		"disk, standby to standby":      {lifecycle.Standby, func(m *model) { disk(m); desire(m, "standby") }, []string{"update"}},
		"passt's forwards, running":     {lifecycle.Running, otherForwards(t), []string{"stop", "update", "start", "ready"}},
		"passt's forwards, standby":     {lifecycle.Standby, otherForwards(t), []string{"update", "restore", "ready"}},
		"protection, standby":           {lifecycle.Standby, func(m *model) { protect(m); desire(m, "standby") }, []string{"update"}},
		"protection, paused to running": {lifecycle.Paused, protect, []string{"update", "resume", "ready"}},
	} {
		h := newFakeHost()
		m := modelOf(t, map[string]any{"image": "lab/images/i", "allow_restart": true, "ready": map[string]any{"check": "console", "pattern": "x"},
			"network_interfaces": forwarding("passt", 80)})
		inst, err := h.Create(t.Context(), m.spec())
		if err != nil {
			t.Fatal(err)
		}
		inst.State, h.instances["a"].State, h.calls = c.from, c.from, nil
		c.alter(m)
		inst, err = alter(t.Context(), h, inst, m, announced{restart: true})
		if calls := h.done(); err != nil || !slices.Equal(calls, c.calls) {
			t.Errorf("%s: %v, %v; want %v", name, calls, err, c.calls)
		}
		if state := string(inst.State); state != m.State.ValueString() {
			t.Errorf("%s: it ended %s", name, state)
		}
	}
}

func otherForwards(t *testing.T) func(*model) {
	return func(m *model) {
		m.NetworkInterfaces = modelOf(t, map[string]any{"network_interfaces": forwarding("passt", 81)}).NetworkInterfaces
	}
}

func TestAlter_StopsNothingForAChangeThatCannotBeMade(t *testing.T) {
	for name, change := range map[string]func(*model){
		"a smaller disk": func(m *model) { memory(m); m.DiskGiB = types.Int64Value(1) },
		"a kernel that is not there": func(m *model) {
			m.Kernel = modelOf(t, map[string]any{"kernel": map[string]any{"image": "lab/images/nowhere"}}).Kernel
		},
	} {
		for _, state := range []lifecycle.State{lifecycle.Running, lifecycle.Paused, lifecycle.Standby} {
			h := newFakeHost()
			m := modelOf(t, map[string]any{"image": "lab/images/i", "allow_restart": true})
			inst, _ := h.Create(t.Context(), m.spec())
			inst.State, h.instances["a"].State, h.calls = state, state, nil
			change(m)
			_, err := alter(t.Context(), h, inst, m, announced{restart: true})
			if calls := h.done(); err == nil || len(calls) > 0 || h.instances["a"].State != state {
				t.Errorf("%s, %s: %v, %v, now %s; want it refused before any call", name, state, calls, err, h.instances["a"].State)
			}
		}
	}
}

func TestAlter_RestartsOnlyWhatMayBeAndWasPlanned(t *testing.T) {
	for name, c := range map[string]struct {
		from, to         lifecycle.State
		allowed, planned bool
		says             string // "": it is done
	}{
		"allowed and planned":           {lifecycle.Running, lifecycle.Running, true, true, ""},
		"not allowed":                   {lifecycle.Running, lifecycle.Running, false, true, "allow_restart is false"},
		"not planned":                   {lifecycle.Running, lifecycle.Running, true, false, "not in the plan"},
		"neither":                       {lifecycle.Running, lifecycle.Running, false, false, "allow_restart is false"},
		"of what is paused":             {lifecycle.Paused, lifecycle.Running, true, false, "it is paused"},
		"of what is in standby":         {lifecycle.Standby, lifecycle.Standby, false, true, "it is standby"},
		"of what is stopped":            {lifecycle.Stopped, lifecycle.Running, false, false, ""},
		"of what is to be stopped":      {lifecycle.Running, lifecycle.Stopped, false, false, ""},
		"of what has panicked":          {lifecycle.Panicked, lifecycle.Running, false, false, ""},
		"of what is moved on otherwise": {lifecycle.Standby, lifecycle.Running, true, false, "not in the plan"},
	} {
		h := newFakeHost()
		m := modelOf(t, map[string]any{"image": "lab/images/i", "allow_restart": c.allowed})
		inst, _ := h.Create(t.Context(), m.spec())
		inst.State, h.instances["a"].State, h.calls = c.from, c.from, nil
		desire(m, string(c.to))
		memory(m)
		_, err := alter(t.Context(), h, inst, m, announced{restart: c.planned})
		switch calls := h.done(); {
		case c.says == "" && (err != nil || h.instances["a"].Machine.MemoryMiB != 4096):
			t.Errorf("%s: %v, %v; want it done", name, calls, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || len(calls) > 0):
			t.Errorf("%s: %v, %v; want it refused before any call, with %q", name, calls, err, c.says)
		}
	}
}

func TestAlter_FinishesAChangeThatCollidedWithAnother(t *testing.T) {
	h := newFakeHost()
	m := modelOf(t, map[string]any{"image": "lab/images/i"})
	inst, _ := h.Create(t.Context(), m.spec())
	h.fail["update"] = once(host.ErrChanged)
	protect(m)
	_, err := alter(t.Context(), h, inst, m, announced{})
	if err != nil || !h.instances["a"].DeletionProtection || h.instances["a"].State != lifecycle.Running {
		t.Errorf("%v, %+v", err, h.instances["a"])
	}
}
