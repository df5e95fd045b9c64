package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A drift is something done to an instance behind Terraform's back.
type drift struct {
	name   string
	config string // beside the name and the source
	do     func(*testing.T)
	plan   []string // what a warning says of it, after its name and in this order
	mended []check  // what an apply leads to
}

// TestDrift_OfWhatRunsIsToldAndMended has all that happens to instances that
// run, or should not, in one plan and one apply.
func TestDrift_OfWhatRunsIsToldAndMended(t *testing.T) {
	t.Parallel()
	var stranger *exec.Cmd
	booted := func(name string) []check {
		return []check{shared.isIn(name, lifecycle.Running), shared.hasNewToken(name, new(shared.token))}
	}
	same := func(name string) []check { return []check{shared.hasToken(name, &shared.token)} }
	const twoForwards = `network_interfaces = { lan = { forward = { http = { guest_port = 80 }, ssh = { guest_port = 22 } } } }`
	var before struct{ inherited, hidden, unwritten int }
	port := func(of *int, name, key string) func(*host.Instance) string {
		return func(inst *host.Instance) string {
			*of = inst.Forwards["lan"][key].HostPort
			return qemu.RemoveForward(0, inst.Forwards["lan"][key])
		}
	}
	drifts := []drift{
		{
			name: "killed", do: func(t *testing.T) { shared.kill(t, "ran-killed") },
			plan:   []string{"does not run any more", "QEMU did not say why", "run/control.log"},
			mended: booted("ran-killed"),
		},
		{
			name: "off", do: func(t *testing.T) {
				pid, err := shared.pid("ran-off")
				must(t, err)
				must(t, shared.qmp("ran-off", `{"execute":"system_powerdown"}`))
				eventually(t, func() bool { now, _ := shared.pid("ran-off"); return now != pid })
			},
			plan:   []string{"does not run any more", "has shut itself down"},
			mended: booted("ran-off"),
		},
		{
			name: "panic", do: func(t *testing.T) { must(t, shared.panics(t.Context(), "ran-panic")) },
			plan:   []string{"has panicked", "run/console.log", "in memory only is lost"},
			mended: booted("ran-panic"),
		},
		{
			name: "paused", do: func(t *testing.T) { must(t, shared.qmp("ran-paused", `{"execute":"stop"}`)) },
			plan:   []string{"is paused", "An apply lets it go on"},
			mended: same("ran-paused"),
		},
		{
			name: "reboot", do: func(t *testing.T) {
				shared.kill(t, "ran-reboot")
				edit(t, "instances/ran-reboot/run/control.pid", func(text string) string {
					fields := strings.Fields(text)
					fields[2] = "00000000-0000-0000-0000-000000000000"
					return strings.Join(fields, " ") + "\n"
				})
			},
			plan:   []string{"does not run any more", "The host has restarted since"},
			mended: booted("ran-reboot"),
		},
		{
			name: "reused", do: func(t *testing.T) {
				shared.kill(t, "ran-reused")
				edit(t, "instances/ran-reused/run/control.pid", func(text string) string {
					fields := strings.Fields(text)
					fields[0] = fmt.Sprint(stranger.Process.Pid)
					return strings.Join(fields, " ") + "\n"
				})
			},
			plan:   []string{"does not run any more"},
			mended: booted("ran-reused"),
		},
		{ // by its metadata and by QMP, of what is named and of what is taken over
			name: "inherited", do: func(t *testing.T) {
				shared.qmpOf(t, "ran-inherited", port(&before.inherited, "ran-inherited", "http"))
			},
			plan:   []string{"is not there", "Nobody listens on port"},
			mended: append(same("ran-inherited"), shared.forwards("ran-inherited", "http", &before.inherited)),
		},
		{
			name: "hidden", config: twoForwards,
			do:     func(t *testing.T) { shared.qmpOf(t, "ran-hidden", port(&before.hidden, "ran-hidden", "ssh")) },
			plan:   []string{"is not there"},
			mended: append(same("ran-hidden"), shared.hasBanner("ran-hidden", new(int)), shared.forwards("ran-hidden", "ssh", &before.hidden)),
		},
		{
			name: "unwritten", config: `labels = { role = "web" }`, do: func(t *testing.T) {
				inst, err := shared.instance(t.Context(), "ran-unwritten")
				must(t, err)
				before.unwritten = inst.Forwards["lan"]["http"].HostPort
				editMetadata(t, "ran-unwritten", func(record map[string]any) {
					record["forwards"] = map[string]any{}
					record["labels"] = map[string]any{"role": "db"}
				})
			},
			mended: append(same("ran-unwritten"), shared.hasLabel("ran-unwritten", "role", "web"), shared.forwards("ran-unwritten", "http", &before.unwritten)),
		},
		{
			name: "lost", config: `state = "standby"`, do: func(t *testing.T) { must(t, os.RemoveAll(shared.path("instances/ran-lost/checkpoint"))) },
			plan:   []string{"has lost its memory", "it boots from its disk"},
			mended: []check{shared.isIn("ran-lost", lifecycle.Standby)},
		},
		{ // the checkpoint beside the process is of the past: the guest is saved anew
			name: "by-hand", config: `state = "standby"`, do: func(t *testing.T) { startByHand(t, "ran-by-hand") },
			mended: []check{shared.isIn("ran-by-hand", lifecycle.Standby), func(ctx context.Context) error {
				return shared.remembers(ctx, "ran-by-hand", "written since")
			}},
		},
	}
	// sleep is a process that has nothing to do with any instance.
	stranger = exec.CommandContext(t.Context(), "sleep", "600")
	must(t, stranger.Start())
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })

	config := ""
	for _, d := range drifts {
		config += fork("ran-"+d.name, d.config)
	}
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	for _, d := range drifts {
		d.do(t)
	}
	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, fmt.Sprintf("Plan: 0 to add, %d to change, 0 to destroy", len(drifts)))
	for name, change := range map[string]string{
		"killed": `state = "stopped" -> "running"`, "off": `state = "stopped" -> "running"`, "reboot": `state = "stopped" -> "running"`,
		"reused": `state = "stopped" -> "running"`, "panic": `state = "panicked" -> "running"`, "paused": `state = "paused" -> "running"`,
		"by-hand": `state = "running" -> "standby"`, "lost": `state = "stopped" -> "standby"`, "inherited": `+ "http" = {`, "hidden": `+ "ssh" = {`, "unwritten": `"role" = "db" -> "web"`,
	} {
		tells(t, planOf(plan, "ran-"+name), "will be updated in-place", change)
	}
	for _, d := range drifts {
		if len(d.plan) > 0 {
			tells(t, plan, append([]string{"instance ran-" + d.name + " " + d.plan[0]}, d.plan[1:]...)...)
		}
	}
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	for _, d := range drifts {
		for _, mended := range d.mended {
			if err := mended(t.Context()); err != nil {
				t.Errorf("%s: %v", d.name, err)
			}
		}
	}
	if command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", stranger.Process.Pid)); len(command) == 0 {
		t.Error("the stranger that had the pid of a guest is gone")
	}
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "ran-")()
}

// startByHand lets an instance in standby run as another tool may: its
// checkpoint stays. What it has in memory then is newer.
func startByHand(t *testing.T, name string) {
	t.Helper()
	checkpoint := shared.path("instances", name, "checkpoint")
	must(t, exec.Command("cp", "-a", checkpoint, checkpoint+".kept").Run())
	inst, err := shared.instance(t.Context(), name)
	must(t, err)
	must(t, shared.driver.Restore(t.Context(), inst))
	must(t, os.Rename(checkpoint+".kept", checkpoint))
	must(t, shared.in(name, "echo written since > /tmp/memory; echo written since > /disk/data; sync", "")(t.Context()))
}

// remembers wants the guest of an instance in standby to have this in memory.
func (l *lab) remembers(ctx context.Context, name, text string) error {
	inst, err := l.instance(ctx, name)
	if err != nil {
		return err
	}
	if err := l.driver.Restore(ctx, inst); err != nil {
		return err
	}
	return l.in(name, "cat /tmp/memory", text)(ctx)
}

// forwards wants a forward to answer on the port that it had.
func (l *lab) forwards(name, key string, port *int) check {
	return func(ctx context.Context) error {
		inst, err := l.instance(ctx, name)
		if err != nil {
			return err
		}
		if got := inst.Present()["lan"][key].HostPort; got != *port {
			return fmt.Errorf("the host port of %s's %s is %d; want %d", name, key, got, *port)
		}
		return nil
	}
}
