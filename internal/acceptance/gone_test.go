package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestDrift_OfWhatIsGoneOrRewrittenIsToldAndMended deletes objects of every kind,
// lets another take a name, and rewrites metadata.
func TestDrift_OfWhatIsGoneOrRewrittenIsToldAndMended(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, image("gone-image", shared.guest.Disk, "")+`
		resource "kvm_instance" "gone-user" {
			name  = "gone-user"
			image = kvm_image.gone-image.id
			state = "stopped"
		}
		resource "kvm_snapshot" "gone-snapshot" {
			name     = "gone-snapshot"
			instance = kvm_instance.gone-user.id
		}
		resource "kvm_instance" "gone-fork" {
			name    = "gone-fork"
			fork_of = kvm_snapshot.gone-snapshot.id
			state   = "stopped"
		}
		resource "kvm_instance" "gone-edited" {
			name       = "gone-edited"
			image      = "default/images/disk"
			memory_mib = 128
			disk_gib   = 1
			labels     = { role = "web" }
			state      = "stopped"
		}
	`+stopped("gone-dir")+stopped("gone-name"))
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")

	ctx := t.Context()
	must(t, shared.remove(ctx, "images/gone-image"))
	must(t, shared.remove(ctx, "snapshots/gone-snapshot"))
	must(t, os.RemoveAll(shared.path("instances/gone-dir")))
	must(t, shared.remove(ctx, "instances/gone-name"))
	other, err := shared.driver.Create(ctx, host.InstanceSpec{Name: "gone-name", Image: "disk", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	must(t, shared.keep(t.Context(), "instances/gone-name", other.UID))
	t.Cleanup(func() { must(t, shared.driver.DeleteInstance(context.WithoutCancel(ctx), "gone-name", other.UID)) })
	editMetadata(t, "gone-edited", func(record map[string]any) {
		record["labels"] = map[string]any{"role": "db"}
		record["disk_gib"] = 5 // the disk has 1 GiB nevertheless
		record["machine"].(map[string]any)["memory_mib"] = 256
	})
	stranger := hashes(t, "gone-name")

	// What an interrupted create leaves is nothing, and is swept once its maker has ended.
	maker := exec.CommandContext(ctx, "sleep", "600")
	must(t, maker.Start())
	dead, alive := shared.path("instances/.tmp-999999999-gone-half"), shared.path(fmt.Sprintf("instances/.tmp-%d-gone-half", maker.Process.Pid))
	for _, dir := range []string{dead, alive} {
		must(t, os.MkdirAll(dir+"/disk", 0o700))
		must(t, os.WriteFile(dir+"/instance.json", []byte("{}\n"), 0o600))
	}
	t.Cleanup(func() { _ = maker.Process.Kill(); _ = maker.Wait(); must(t, os.RemoveAll(alive)) })

	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, "Plan: 4 to add, 1 to change, 0 to destroy")
	for _, object := range []string{"kvm_image.gone-image", "kvm_snapshot.gone-snapshot", "kvm_instance.gone-dir", "kvm_instance.gone-name"} {
		tells(t, plan, "# "+object+" will be created")
	}
	tells(t, planOf(plan, "gone-edited"), `"role" = "db" -> "web"`, "memory_mib", "= 256 -> 128")
	if strings.Contains(planOf(plan, "gone-edited"), "disk_gib") || planOf(plan, "gone-user") != "" || planOf(plan, "gone-fork") != "" {
		t.Errorf("the plan has more:\n%s", plan)
	}
	tells(t, plan, "Another object has the name of instance gone-name", "is left alone", "terraform import ADDRESS default/instances/gone-name")

	applied := w.want(1, "apply", "-auto-approve")
	tells(t, applied, "Unable to create instance gone-name", "name is taken: instance gone-name was made at "+other.CreatedAt.Format(time.RFC3339)+" (uid "+other.UID+")", "terraform import ADDRESS default/instances/gone-name")
	if after := hashes(t, "gone-name"); after != stranger {
		t.Errorf("what took the name was\n%sand is\n%s", stranger, after)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Errorf("%s was not swept", dead)
	}
	if _, err := os.Stat(alive); err != nil {
		t.Errorf("what somebody is making was swept: %v", err)
	}
	must(t, shared.remove(ctx, "instances/gone-name"))
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	must(t, shared.isIn("gone-dir", lifecycle.Stopped)(ctx))
	must(t, shared.hasLabel("gone-edited", "role", "web")(ctx))
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "gone-")()
}

func TestDrift_OfARunningInstanceWhoseDirectoryIsGoneNamesItsProcess(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, fork("gone-running"))
	w.want(0, "apply", "-auto-approve")
	pid, err := shared.pid("gone-running")
	must(t, err)
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	must(t, os.RemoveAll(shared.path("instances/gone-running")))

	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, "instance gone-running still runs, without its directory", fmt.Sprintf("process %d", pid), fmt.Sprintf("kill %d", pid))
	tells(t, plan, "# kvm_instance.gone-running will be created")
	must(t, syscall.Kill(pid, syscall.SIGTERM)) // as it says
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	must(t, shared.hasToken("gone-running", &shared.token)(t.Context()))
	w.want(0, "destroy", "-auto-approve")
}
