package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// restored are forks, by the state in which each is found, their snapshots,
// and more of their arguments.
func restored(states map[string]lifecycle.State, snapshots, arguments string) string {
	var of strings.Builder
	for from, state := range states {
		fmt.Fprintf(&of, "      %q = %q\n", from, state)
	}
	return fmt.Sprintf(`
		resource "kvm_instance" "back" {
			for_each = {
				%s
			}
			name     = "back-${each.key}"
			fork_of  = "default/snapshots/golden"
			state    = each.value
			ready    = { check = "http", port = 80, path = "/token" }
			%s
		}
		%s`, of.String(), arguments, snapshots)
}

// TestRestoreFrom_TakesAnInstanceBackFromEveryState proves it of each state in
// which an instance can be found, and of each to which it can be led.
func TestRestoreFrom_TakesAnInstanceBackFromEveryState(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const snapshots = `
		resource "kvm_snapshot" "before" {
			for_each = kvm_instance.back
			name     = "${each.value.name}-before"
			instance = each.value.id
		}`
	const back = `restore_from = "back-${each.key}-before"`
	running, found := map[string]lifecycle.State{}, map[string]lifecycle.State{}
	wanted := map[string]lifecycle.State{"running": lifecycle.Running, "paused": lifecycle.Standby, "standby": lifecycle.Stopped, "stopped": lifecycle.Running, "panicked": lifecycle.Running}
	for from := range wanted {
		running[from], found[from] = lifecycle.Running, lifecycle.State(from)
	}
	found["paused"], found["panicked"] = lifecycle.Running, lifecycle.Running // at first
	each := func(do check, of string) {
		t.Helper()
		if err := do(ctx); err != nil {
			t.Errorf("from %s: %v", of, err)
		}
	}
	write := func(note string) {
		t.Helper()
		for from := range wanted {
			each(shared.in("back-"+from, fmt.Sprintf("echo %[1]s >/disk/data && sync && echo %[1]s >/tmp/memory", note), ""), from)
		}
	}

	w := newWorkspace(t, restored(running, "", ""))
	w.want(0, "apply", "-auto-approve")
	write("before")
	w.write(restored(running, snapshots, ""))
	w.want(0, "apply", "-auto-approve")
	write("after")
	w.write(restored(found, snapshots, ""))
	w.want(0, "apply", "-auto-approve")
	must(t, shared.qmp("back-paused", `{"execute":"stop"}`))
	must(t, shared.panics(ctx, "back-panicked"))

	w.write(restored(wanted, snapshots, back))
	plan := w.want(2, "plan", "-detailed-exitcode")
	for from, to := range wanted {
		each(shared.isIn("back-"+from, lifecycle.State(from)), from)
		ends := ""
		if from == "running" || from == "paused" || from == "panicked" {
			ends = "Its process is ended, its guest is not shut down."
		}
		if !says("Warning: The instance back-"+from+" is restored to snapshot back-"+from+"-before", "with its memory", "All that was written", "since is lost. "+ends, "led to the state "+fmt.Sprintf("%q", to), "Host: default").MatchString(plan) {
			t.Errorf("of what is lost from %s the plan says nothing:\n%s", from, plan)
		}
	}
	if !strings.Contains(plan, "0 to add, 5 to change, 0 to destroy") {
		t.Errorf("the plan is\n%s", plan)
	}
	w.want(0, "apply", "-auto-approve")
	for from, to := range wanted {
		each(shared.isIn("back-"+from, to), from)
	}
	w.want(0, "plan", "-detailed-exitcode")

	w.write(restored(running, snapshots, ""))
	w.want(0, "apply", "-auto-approve")
	for from, to := range wanted {
		each(shared.in("back-"+from, "cat /disk/data", "before"), from)
		if to == lifecycle.Stopped { // it went on and was shut down
			each(shared.hasNewToken("back-"+from, new(shared.token)), from)
			continue
		}
		each(shared.in("back-"+from, "cat /tmp/memory", "before"), from)
		each(shared.hasToken("back-"+from, &shared.token), from)
	}
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "back")()
}

func TestRestoreFrom_IsRefusedInThePlanAndDoneOnce(t *testing.T) {
	t.Parallel()
	config := func(lines ...string) string {
		return fork("once", lines...) + `resource "kvm_snapshot" "once" {
			name     = "once"
			instance = kvm_instance.once.id
		}`
	}
	w := newWorkspace(t, fork("once", `restore_from = "golden"`))
	fails := func(config string, parts ...string) {
		t.Helper()
		w.write(config)
		if out := w.want(1, "plan"); !says(parts...).MatchString(out) {
			t.Errorf("the plan says\n%s", out)
		}
	}
	fails(fork("once", `restore_from = "golden"`), "Error: Nothing to restore", "yet to be made", "fork_of")
	w.write(config())
	w.want(0, "apply", "-auto-approve")
	fails(config(`restore_from = "golden"`), "Error: Unable to restore instance once", "of another instance (base", "Host: default")
	fails(config(`restore_from = "nowhere"`), "Error: Unable to restore instance once", "There is no snapshot nowhere", "Host: default")
	fails(config(`restore_from = "once"`, "allow_restart = false"), "Error: Unable to restore instance once", "allow_restart is false", "Host: default")
	fails(config(`restore_from = "once"`, "memory_mib = 256"), "Error: Unable to restore instance once", "memory_mib = 128, and 256 is asked for", "Host: default")
	must(t, shared.in("once", "echo before >/tmp/memory", "")(t.Context()))

	w.write(config(`restore_from = "once"`))
	w.want(0, "apply", "-auto-approve")
	must(t, shared.hasToken("once", &shared.token)(t.Context()))
	must(t, shared.in("once", "cat /tmp/memory 2>/dev/null; echo later >/tmp/memory", "")(t.Context()))
	w.write(config(`restore_from = "default/snapshots/once"`))
	w.want(0, "plan", "-detailed-exitcode")
	w.want(0, "state", "rm", "kvm_instance.once")
	w.want(0, "import", "kvm_instance.once", "once")
	w.want(0, "plan", "-detailed-exitcode")
	w.write(config())
	if out := w.want(0, "apply", "-auto-approve"); !strings.Contains(out, "1 changed") || strings.Contains(out, "Warning: The instance") {
		t.Errorf("without the attribute:\n%s", out)
	}
	must(t, shared.in("once", "cat /tmp/memory", "later")(t.Context()))
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "once")()
}
