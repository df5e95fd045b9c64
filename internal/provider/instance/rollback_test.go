package instance

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// snapshotOf is a snapshot of the instance that a fake host makes first.
func snapshotOf(name string, kind lifecycle.State) *host.Snapshot {
	return &host.Snapshot{
		Name: name, UID: "uid-of-" + name, Instance: host.Ref{Kind: host.Instances, Name: "web"}, InstanceUID: "uid-1", Kind: kind,
		CreatedAt: time.Unix(1700000000, 0), Machine: qemu.Machine{Type: "pc-q35-7.2", VCPUs: 1, MemoryMiB: 512},
	}
}

func TestPlanRollback_SaysWhatIsLostAndRefusesWhatCannotBe(t *testing.T) {
	damaged, foreign := snapshotOf("damaged", lifecycle.Standby), snapshotOf("foreign", lifecycle.Standby)
	damaged.Problem, foreign.InstanceUID = "its checkpoint has no memory", "uid-2"
	snapshots := []*host.Snapshot{snapshotOf("warm", lifecycle.Standby), snapshotOf("cold", lifecycle.Stopped), damaged, foreign}
	for name, c := range map[string]struct {
		state     string
		arguments map[string]any
		warning   string
		failure   string
	}{
		"running, to memory":        {"running", map[string]any{"restore_from": "warm"}, "taken at 2023-11-14T22:13:20Z, with its memory. All that was written to the instance's disk and memory since is lost. Its process is ended, its guest is not shut down. It goes on from there, and is led to the state \"running\"", ""},
		"paused, by its id":         {"paused", map[string]any{"restore_from": "lab/snapshots/warm"}, "Its process is ended", ""},
		"standby":                   {"standby", map[string]any{"restore_from": "warm", "state": "standby"}, "is lost. It goes on from there, and is led to the state \"standby\"", ""},
		"stopped, without memory":   {"stopped", map[string]any{"restore_from": "cold"}, "without memory. All that was written to the instance's disk and memory since is lost. It boots from there", ""},
		"not known yet":             {"running", map[string]any{"restore_from": prototest.Unknown{}, "allow_restart": false}, "is not known yet", ""},
		"without a restart":         {"running", map[string]any{"restore_from": "warm", "allow_restart": false}, "", "allow_restart is false"},
		"of what does not run":      {"standby", map[string]any{"restore_from": "warm", "allow_restart": false}, "is lost", ""},
		"missing":                   {"running", map[string]any{"restore_from": "nowhere"}, "", "There is no snapshot nowhere"},
		"damaged":                   {"running", map[string]any{"restore_from": "damaged"}, "", "damaged: its checkpoint has no memory"},
		"of another instance":       {"running", map[string]any{"restore_from": "foreign"}, "", "of another instance (web, uid uid-2)"},
		"on another host":           {"running", map[string]any{"restore_from": "edge/snapshots/warm"}, "", "is on another host"},
		"other vcpus, with memory":  {"running", map[string]any{"restore_from": "warm", "vcpus": 2}, "", "vcpus = 1, and 2 is asked for"},
		"other vcpus, without":      {"running", map[string]any{"restore_from": "cold", "vcpus": 2}, "is lost", ""},
		"other memory, with memory": {"running", map[string]any{"restore_from": "warm", "memory_mib": 1024}, "", "memory_mib = 512, and 1024 is asked for"},
		"unknown memory":            {"running", map[string]any{"restore_from": "warm", "memory_mib": prototest.Unknown{}}, "is lost", ""},
	} {
		h := newFakeHost()
		h.snapshots = snapshots
		r := &instanceResource{drive: func(string) (driver, error) { return h, nil }}
		before := modelOf(t, map[string]any{"image": "lab/images/i", "uid": "uid-1", "state": c.state})
		arguments := map[string]any{"image": "lab/images/i", "allow_restart": true}
		for argument, value := range c.arguments {
			arguments[argument] = value
		}
		var diags diag.Diagnostics
		r.planRollback(t.Context(), before, modelOf(t, arguments), &diags)
		if got := details(diags.Warnings()); (c.warning == "") != (got == "") || !strings.Contains(got, c.warning) {
			t.Errorf("%s: warning %q; want %q", name, got, c.warning)
		}
		if got := details(diags.Errors()); (c.failure == "") != (got == "") || !strings.Contains(got, c.failure) {
			t.Errorf("%s: error %q; want %q", name, got, c.failure)
		}
	}
}

func details(diags diag.Diagnostics) string {
	var all []string
	for _, d := range diags {
		all = append(all, d.Detail())
	}
	return strings.Join(all, "; ")
}

func TestPlanRollback_OnAHostThatCannotBeAskedWarnsOnly(t *testing.T) {
	r := &instanceResource{drive: func(string) (driver, error) { return nil, errBroken }}
	var diags diag.Diagnostics
	r.planRollback(t.Context(), modelOf(t, nil), modelOf(t, map[string]any{"restore_from": "warm", "allow_restart": true}), &diags)
	if diags.HasError() || !strings.Contains(details(diags), "could not be looked at") {
		t.Error(diags)
	}
}

func TestConflicts_AreOfTheKernelToo(t *testing.T) {
	snap := snapshotOf("warm", lifecycle.Standby)
	snap.Machine.Kernel, snap.KernelImage = &qemu.Kernel{CommandLine: "quiet"}, host.Ref{Kind: host.Images, Name: "k"}
	for line, want := range map[any]int{"quiet": 0, "debug": 1, nil: 1, prototest.Unknown{}: 0} {
		m := modelOf(t, map[string]any{"kernel": map[string]any{"image": "lab/images/k", "command_line": line}})
		if got := m.conflicts(snap); len(got) != want {
			t.Errorf("command_line = %v: %v; want %d conflicts", line, got, want)
		}
	}
	for name, c := range map[string]struct {
		arguments map[string]any
		want      int
	}{
		"another kernel":          {map[string]any{"kernel": map[string]any{"image": "lab/images/other", "command_line": "quiet"}}, 1},
		"an initrd":               {map[string]any{"kernel": map[string]any{"image": "lab/images/k", "initrd": "lab/images/i", "command_line": "quiet"}}, 1},
		"no kernel":               {map[string]any{"image": "lab/images/i"}, 2},
		"one that is not known":   {map[string]any{"kernel": prototest.Unknown{}}, 0},
		"that of a fork's source": {map[string]any{"fork_of": "lab/snapshots/s"}, 0},
	} {
		if got := modelOf(t, c.arguments).conflicts(snap); len(got) != c.want {
			t.Errorf("%s: %v; want %d conflicts", name, got, c.want)
		}
	}
}

func TestRollBack_IsDoneOnceFromEveryStateAndLedOn(t *testing.T) {
	for _, c := range []struct {
		from, kind, to lifecycle.State
		calls          []string
	}{
		{lifecycle.Running, lifecycle.Standby, lifecycle.Running, []string{"rollback to s", "restore", "ready"}},
		{lifecycle.Paused, lifecycle.Standby, lifecycle.Standby, []string{"rollback to s"}},
		{lifecycle.Standby, lifecycle.Standby, lifecycle.Stopped, []string{"rollback to s", "restore", "stop"}},
		{lifecycle.Stopped, lifecycle.Stopped, lifecycle.Standby, []string{"rollback to s", "start", "ready", "standby"}},
		{lifecycle.Running, lifecycle.Stopped, lifecycle.Stopped, []string{"rollback to s"}},
		{lifecycle.Unknown, lifecycle.Standby, lifecycle.Running, []string{"rollback to s", "restore", "ready"}},
	} {
		h := newFakeHost()
		r := &instanceResource{drive: func(string) (driver, error) { return h, nil }}
		h.snapshots = []*host.Snapshot{snapshotOf("s", c.kind)}
		m := modelOf(t, map[string]any{"image": "lab/images/i", "restore_from": "s", "allow_restart": true, "ready": map[string]any{"check": "console", "pattern": "x"}})
		desire(m, string(c.to))
		inst, err := h.Create(t.Context(), m.spec())
		if err != nil {
			t.Fatal(err)
		}
		inst.State, h.instances["a"].State, h.calls = c.from, c.from, nil
		inst, err = r.update(t.Context(), m.id(), inst.UID, m, announced{rollback: true})
		if calls := h.done(); err != nil || !slices.Equal(calls, c.calls) || inst.State != c.to {
			t.Errorf("%s -> %s -> %s: %v, %v, in the end %s; want %v", c.from, c.kind, c.to, calls, err, inst.State, c.calls)
		}
		_, err = r.update(t.Context(), m.id(), inst.UID, m, announced{rollback: true})
		if calls := h.done(); err != nil || len(calls) > 0 {
			t.Errorf("%s -> %s, once more: %v, %v", c.from, c.to, calls, err)
		}
	}
}

func TestRollBack_ThatCollidedWithAnotherChangeIsFinished(t *testing.T) {
	h := newFakeHost()
	h.snapshots = []*host.Snapshot{snapshotOf("s", lifecycle.Standby)}
	h.fail["rollback to s"] = once(host.ErrChanged)
	inst, err := rollBack(t.Context(), h, h.add("a", host.Record{}, lifecycle.Running), modelOf(t, map[string]any{"restore_from": "s", "allow_restart": true}), announced{rollback: true})
	if err != nil || inst.RestoredFrom.Name != "s" || inst.State != lifecycle.Standby {
		t.Errorf("%v, %+v", err, inst)
	}
}

func TestRollBack_ChecksAgainWhatThePlanChecked(t *testing.T) {
	for name, c := range map[string]struct {
		arguments map[string]any
		change    func(*host.Snapshot)
	}{
		"it is gone":               {nil, func(s *host.Snapshot) { s.Name = "other" }},
		"it is another instance's": {nil, func(s *host.Snapshot) { s.InstanceUID = "uid-2" }},
		"it is damaged":            {nil, func(s *host.Snapshot) { s.Problem = "its checkpoint has no memory" }},
		"it has another machine":   {map[string]any{"vcpus": 1}, func(s *host.Snapshot) { s.Machine.VCPUs = 2 }},
		"the instance runs now":    {map[string]any{"allow_restart": false}, func(*host.Snapshot) {}},
	} {
		h := newFakeHost()
		snap := snapshotOf("s", lifecycle.Standby)
		c.change(snap)
		h.snapshots = []*host.Snapshot{snap}
		arguments := map[string]any{"restore_from": "s", "allow_restart": true}
		for argument, value := range c.arguments {
			arguments[argument] = value
		}
		_, err := rollBack(t.Context(), h, h.add("a", host.Record{}, lifecycle.Running), modelOf(t, arguments), announced{rollback: true})
		if calls := h.done(); err == nil || len(calls) > 0 {
			t.Errorf("%s: %v, %v; want it refused before any call", name, err, calls)
		}
	}
}

func TestFillRestored_KeepsTheNameAsItWasWritten(t *testing.T) {
	restored := host.Ref{Kind: host.Snapshots, Name: "s"}
	for _, c := range []struct {
		was, want types.String
		restored  host.Ref
	}{
		{types.StringValue("s"), types.StringValue("s"), restored},
		{types.StringValue("lab/snapshots/s"), types.StringValue("lab/snapshots/s"), restored},
		{types.StringNull(), types.StringValue("lab/snapshots/s"), restored},
		{types.StringValue("other"), types.StringValue("lab/snapshots/s"), restored},
		{types.StringValue("s"), types.StringNull(), host.Ref{}},
		{types.StringNull(), types.StringNull(), host.Ref{}},
	} {
		m := model{Host: types.StringValue("lab"), RestoreFrom: c.was}
		m.fillRestored(&host.Instance{Record: host.Record{RestoredFrom: c.restored}})
		if !m.RestoreFrom.Equal(c.want) {
			t.Errorf("%s became %s; want %s", c.was, m.RestoreFrom, c.want)
		}
	}
}

func TestRestoreFrom_IsPlannedWhenItIsToBeDoneAndOnlyThen(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	first, second := snapshotOf("first", lifecycle.Standby), snapshotOf("second", lifecycle.Stopped)
	lab.snapshots = []*host.Snapshot{first, second}
	config := func(more string) string { return instance("image = \"lab/images/debian\"\n" + more) }
	update := planned(plancheck.ResourceActionUpdate)
	nothing := tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: config(`restore_from = "first"`), PlanOnly: true, ExpectError: regexp.MustCompile(`yet to be made`)},
		{Config: config(""), Check: calls(lab, "create", "start")},
		{Config: config(`restore_from = "first"`), ConfigPlanChecks: update, Check: calls(lab, "rollback to first", "restore")},
		{Config: config(`restore_from = "lab/snapshots/first"`), ConfigPlanChecks: nothing, Check: calls(lab)},
		{ResourceName: web, ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"restore_from"}},
		{Config: config("restore_from = \"second\"\nvcpus = 2"), ConfigPlanChecks: update, Check: calls(lab, "rollback to second", "update", "start")},
		{Config: config("vcpus = 2"), ConfigPlanChecks: update, Check: calls(lab, "update")},
		{Config: config("restore_from = \"second\"\nvcpus = 2\nstate = \"stopped\""), ConfigPlanChecks: update, Check: calls(lab, "rollback to second", "update")},
		{Config: config("restore_from = \"first\"\nvcpus = 2"), PlanOnly: true, ExpectError: regexp.MustCompile(`vcpus = 1,\s+and\s+2\s+is`)},
		{
			PreConfig: func() { lab.fail["rollback to first"] = once(errBroken) },
			Config:    config(`restore_from = "first"`), ExpectError: regexp.MustCompile(`Broken`),
		},
		{Config: config(`restore_from = "first"`), ConfigPlanChecks: update, Check: calls(lab, "rollback to first", "rollback to first", "restore")},
		{ // it is another one now, and what the instance was restored to stays
			PreConfig: func() { lab.snapshots[0].UID = "retaken" },
			Config:    config(`restore_from = "first"`), ConfigPlanChecks: nothing,
		},
		{ // it is gone, and that it was restored from it stays
			PreConfig: func() { lab.snapshots = nil },
			Config:    config(`restore_from = "first"`), ConfigPlanChecks: nothing,
		},
		{
			PreConfig: func() { lab.snapshots = []*host.Snapshot{second} },
			Config:    config(`restore_from = "second"`), ConfigPlanChecks: update, Check: calls(lab, "rollback to second", "start"),
		},
	}})
}

func TestRestoreFrom_TakesNamesAndIdsOfSnapshots(t *testing.T) {
	for text, valid := range map[string]bool{"before": true, "lab/snapshots/before": true, "": false, "Before": false, "lab/instances/web": false} {
		if _, err := snapshotNamed(text, "lab"); (err == nil) != valid {
			t.Errorf("%q: %v", text, err)
		}
	}
	if id, err := snapshotNamed("edge/snapshots/s", "lab"); err != nil || id.Host != "edge" {
		t.Errorf("%s, %v", id, err)
	}
}

func TestRollBack_ThatWasNotPlannedIsRefused(t *testing.T) {
	h := newFakeHost()
	h.snapshots = []*host.Snapshot{snapshotOf("s", lifecycle.Standby)}
	inst := h.add("a", host.Record{RestoredFrom: host.Ref{Kind: host.Snapshots, Name: "other"}}, lifecycle.Running)
	_, err := rollBack(t.Context(), h, inst, modelOf(t, map[string]any{"restore_from": "s", "allow_restart": true}), announced{restart: true})
	if calls := h.done(); err == nil || !strings.Contains(err.Error(), "Run terraform plan again") || len(calls) > 0 {
		t.Errorf("%v, %v; want it refused before any call", err, calls)
	}
}

func TestRollBack_BehindWhichAChangeCannotBeMadeIsRefused(t *testing.T) {
	for name, arguments := range map[string]map[string]any{
		"a disk that would shrink": {"disk_gib": 2},
		"an image that is missing": {"kernel": map[string]any{"image": "lab/images/nowhere"}},
	} {
		h := newFakeHost()
		snap := snapshotOf("s", lifecycle.Stopped)
		snap.Machine.Disk = &qemu.Disk{SizeBytes: 3 << 30}
		h.snapshots = []*host.Snapshot{snap}
		arguments["restore_from"], arguments["allow_restart"] = "s", true
		_, err := rollBack(t.Context(), h, h.add("a", host.Record{}, lifecycle.Running), modelOf(t, arguments), announced{rollback: true})
		if calls := h.done(); err == nil || slices.Contains(calls, "rollback to s") {
			t.Errorf("%s: %v, %v; want it refused before", name, err, calls)
		}
	}
}
