package acceptance_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// Sources of forks: an instance in each state, and what a snapshot of each kind
// can be of.
const forkSources = `
	resource "kvm_instance" "source" {
		for_each = toset(["running", "standby", "stopped"])
		name     = "matrix-${each.key}"
		fork_of  = "default/snapshots/golden"
		state    = each.key
		ready    = { check = "http", port = 80, path = "/token" }
	}
	resource "kvm_snapshot" "stopped" {
		name     = "matrix-snapshot"
		instance = kvm_instance.source["stopped"].id
	}
	`

// Forks of all of them into every state, and a fork of a fork of a fork.
const forksOfSources = `
	locals {
		sources = merge(
			{ for state, source in kvm_instance.source : state => source.id },
			{ memory = "default/snapshots/golden", disk = kvm_snapshot.stopped.id },
		)
		pairs = { for p in setproduct(keys(local.sources), ["running", "standby", "stopped"]) : "${p[0]}-${p[1]}" => p }
	}
	resource "kvm_instance" "fork" {
		for_each = local.pairs
		name     = "matrix-${each.key}"
		fork_of  = local.sources[each.value[0]]
		state    = each.value[1]
		ready    = { check = "http", port = 80, path = "/token" }
	}
	resource "kvm_instance" "grandchild" {
		name    = "matrix-grandchild"
		fork_of = kvm_instance.fork["running-running"].id
	}
	resource "kvm_instance" "great-grandchild" {
		name    = "matrix-great-grandchild"
		fork_of = kvm_instance.grandchild.id
	}
	`

func TestFork_OfEverySourceIntoEveryStateLeavesTheSourceAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorkspace(t, forkSources)
	w.want(0, "apply", "-auto-approve")
	must(t, shared.in("matrix-running", "echo remembered >/tmp/memory", "")(ctx))
	counter, err := shared.counter(ctx, "matrix-running")
	must(t, err)
	pid, err := shared.pid("matrix-running")
	must(t, err)
	states := []lifecycle.State{lifecycle.Running, lifecycle.Standby, lifecycle.Stopped}
	before := map[lifecycle.State]map[string]string{}
	for _, state := range states {
		before[state] = shared.hashes(t, "matrix-"+string(state))
	}

	w.write(forkSources + forksOfSources)
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	for _, source := range []string{"running", "standby", "stopped", "memory", "disk"} {
		for _, state := range states {
			must(t, shared.isIn(fmt.Sprintf("matrix-%s-%s", source, state), state)(ctx))
		}
		name, token := "matrix-"+source+"-running", &shared.token
		if source == "stopped" || source == "disk" {
			must(t, shared.hasNewToken(name, new(*token))(ctx))
		} else {
			must(t, shared.hasToken(name, token)(ctx))
		}
	}
	for _, name := range []string{"matrix-running-running", "matrix-grandchild", "matrix-great-grandchild"} {
		must(t, shared.in(name, "cat /tmp/memory", "remembered")(ctx))
	}

	for _, state := range states {
		name := "matrix-" + string(state)
		must(t, shared.isIn(name, state)(ctx))
		if after := shared.hashes(t, name); !includes(after, before[state]) {
			t.Errorf("the files of %s were %v and are %v", name, before[state], after)
		}
	}
	now, err := shared.counter(ctx, "matrix-running")
	if same, pidErr := shared.pid("matrix-running"); err != nil || pidErr != nil || now <= counter || same != pid {
		t.Errorf("the source that runs had counter %d in process %d, and has %d in %d: %v", counter, pid, now, same, errors.Join(err, pidErr))
	}
	w.write(forkSources)
	w.want(0, "apply", "-auto-approve")
	must(t, shared.isIn("matrix-running", lifecycle.Running)(ctx))
}

func TestFork_ThatNamesAnotherMachineThanItsSourcesIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	shared.apply(t, "other",
		refused(fork("other", "memory_mib = 256"), "memory_mib", "128"),
		refused(fork("other", "vcpus = 2"), "vcpus", "1"),
		refused(fork("other", `cpu_model = "qemu64"`), `cpu_model = "max"`, "qemu64"),
		refused(fork("other", `machine_type = "pc-q35-6.2"`), `machine_type = "pc-q35-`, "pc-q35-6.2"),
		refused(fork("other", `firmware = "uefi"`), `firmware = "bios"`, "uefi"),
	)
}

// hashes are the SHA-256 sums of an instance's layers and memory, but for the
// layer that its guest writes to.
func (l *lab) hashes(t *testing.T, name string) map[string]string {
	t.Helper()
	inst, err := l.instance(context.Background(), name)
	must(t, err)
	files := []string{"checkpoint/memory"}
	for i, layer := range inst.Machine.Disk.Layers {
		if i > 0 || inst.State != lifecycle.Running {
			files = append(files, "disk/"+layer.File)
		}
	}
	sums := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(l.DataDir, "instances", name, file))
		if errors.Is(err, os.ErrNotExist) && file == "checkpoint/memory" {
			continue // of one that is not in standby
		}
		must(t, err)
		sums[file] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return sums
}

// includes reports whether all of part is in whole, with the same values.
func includes(whole, part map[string]string) bool {
	both := maps.Clone(whole)
	maps.Copy(both, part)
	return maps.Equal(both, whole)
}
