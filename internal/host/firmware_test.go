package host_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// variables are a hash of an object's, whose file must have no other name.
func (l *lab) variables(object string) string {
	l.t.Helper()
	file := l.path(object, "boot/variables")
	content, err := os.ReadFile(file)
	must(l.t, err)
	info, err := os.Stat(file)
	must(l.t, err)
	if links := info.Sys().(*syscall.Stat_t).Nlink; links != 1 || info.Mode() != 0o600 {
		l.t.Errorf("%s has %d names, and mode %s", object, links, info.Mode())
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// sharesFirmware wants two objects to have the same file of the firmware's code.
func (l *lab) sharesFirmware(a, b string) {
	l.t.Helper()
	one, err := os.Stat(l.path(a, "boot/firmware"))
	must(l.t, err)
	other, err := os.Stat(l.path(b, "boot/firmware"))
	must(l.t, err)
	if !os.SameFile(one, other) {
		l.t.Errorf("%s and %s have firmware of their own", a, b)
	}
}

// reboots has a guest boot anew, without its process ending.
func (l *lab) reboots(inst *host.Instance) {
	l.t.Helper()
	before := l.token(inst)
	l.in(inst, "(sleep 0.3; reboot -f) >/dev/null 2>&1 &")
	eventually(l.t, 2*time.Minute, "booted anew", func() bool {
		token, err := guestOf(inst).Token(l.t.Context())
		return err == nil && token != before
	})
}

// TestFirmware_UEFIIsOfTheInstanceThroughItsWholeLife boots a guest by OVMF, and
// does with it what is done with instances. OVMF counts its boots in a variable.
func TestFirmware_UEFIIsOfTheInstanceThroughItsWholeLife(t *testing.T) {
	t.Parallel()
	l := newLab(t, testhost.Options{})
	t.Cleanup(func() { must(t, l.clean()) })
	l.putImages()
	ctx := t.Context()
	spec := baseSpec("base")
	spec.Firmware = qemu.FirmwareUEFI
	base, err := l.Create(ctx, spec)
	must(t, err)
	fresh := l.variables("instances/base")
	must(t, l.Start(ctx, base))
	l.await(base)
	if out := l.in(base, "dmesg | grep 'efi: EFI v'"); !strings.Contains(out, "EDK II") && !strings.Contains(out, "EFI v2") {
		t.Errorf("the guest says of its firmware: %q", out)
	}
	booted := l.variables("instances/base")
	if booted == fresh {
		t.Error("its variables are as they were before it booted: the guest cannot write them")
	}

	golden, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
	must(t, err)
	fork, err := l.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Snapshots, Name: golden.Name}})
	must(t, err)
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	_, err = l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "before", Instance: "fork"})
	must(t, err)
	memory := l.token(fork)
	l.reboots(fork)
	again := l.variables("instances/fork")
	if again == booted {
		t.Error("the fork's variables did not change when it booted anew")
	}
	for _, object := range []string{"instances/base", "snapshots/golden", "snapshots/before"} {
		l.sharesFirmware("instances/fork", object)
		if l.variables(object) != booted {
			t.Errorf("the fork wrote to the variables of %s", object)
		}
	}

	must(t, l.Standby(ctx, l.find("fork")))
	l.loses("fork", lifecycle.Standby, "boot/variables", "the file of its firmware's variables is missing")
	must(t, l.Restore(ctx, l.find("fork")))
	eventually(t, 10*time.Second, "written the variables that it has in memory", func() bool { return l.variables("instances/fork") == again })

	must(t, l.Rollback(ctx, l.find("fork"), l.snapshot("before")))
	if l.variables("instances/fork") != booted {
		t.Error("a rollback did not take its variables back")
	}
	must(t, l.Restore(ctx, l.find("fork")))
	l.await(l.find("fork"))
	if l.token(fork) != memory {
		t.Error("a rollback did not take its memory back")
	}
	must(t, l.Stop(ctx, l.find("fork"), 20*time.Second))
	if snap := l.snapshot("before"); snap.Problem != "" || l.variables("snapshots/before") != booted {
		t.Errorf("the snapshot that it was rolled back to: %s", snap.Problem)
	}
	_, err = l.Fork(ctx, host.ForkSpec{Name: "cold", Source: host.Ref{Kind: host.Instances, Name: "fork"}})
	must(t, err)
	if l.variables("instances/cold") != l.variables("instances/fork") {
		t.Error("the fork of a stopped instance has other variables")
	}
	l.sharesFirmware("instances/cold", "instances/base")
	l.loses("cold", lifecycle.Stopped, "boot/variables", "the file of its firmware's variables is missing")
}

// loses takes a file from an instance, which is damaged then, and follows the
// advice that is given.
func (l *lab) loses(name string, was lifecycle.State, file, problem string) {
	l.t.Helper()
	must(l.t, os.Remove(l.path("instances", name, file)))
	inst := l.find(name)
	if inst.State != lifecycle.Unknown || inst.Problem != problem {
		l.t.Errorf("without %s it is %s: %s", file, inst.State, inst.Problem)
	}
	if err := l.Start(l.t.Context(), inst); !errors.Is(err, host.ErrInvalid) {
		l.t.Errorf("it is started without %s: %v", file, err)
	}
	_, command, advised := strings.Cut(inst.Rescue, "of their size: ")
	if was == lifecycle.Stopped {
		command = "cp /usr/share/OVMF/OVMF_VARS_4M.fd " + l.path("instances", name, file)
		advised = strings.Contains(inst.Rescue, "OVMF_VARS_4M.fd, to "+ssh.Quote(l.path("instances", name, file)))
	}
	if !advised {
		l.t.Fatalf("the advice is %q", inst.Rescue)
	}
	must(l.t, exec.Command("sh", "-c", "umask 077; "+command).Run())
	if inst := l.find(name); inst.State != was || inst.Problem != "" {
		l.t.Errorf("as advised, it is %s: %s", inst.State, inst.Problem)
	}
}

// bareUEFI is a machine that has nothing to boot.
func bareUEFI(name string) host.InstanceSpec {
	return host.InstanceSpec{Name: name, VCPUs: 1, MemoryMiB: 128, Firmware: qemu.FirmwareUEFI}
}

func TestFirmware_IsWrittenByTheUserOfQEMU(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	l := newLabAs(t, testhost.Options{}, "nobody")
	ctx := t.Context()
	inst, err := l.Create(ctx, bareUEFI("bare"))
	must(t, err)
	before := l.variables("instances/bare")
	must(t, l.Start(ctx, inst))
	eventually(t, time.Minute, "written its variables", func() bool { return l.variables("instances/bare") != before })
	must(t, l.Standby(ctx, inst))
	must(t, l.Restore(ctx, inst))
	must(t, l.clean())
}

func TestFirmware_ThatAHostDoesNotHaveIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can hide a host's files")
	}
	empty, mounts := filepath.Join(t.TempDir(), "empty"), map[string]string{}
	must(t, os.WriteFile(empty, nil, 0o644))
	for _, pattern := range []string{"OVMF/*CODE*.fd", "qemu/*code.*", "edk2*/*CODE*", "edk2*/*/*CODE*"} {
		files, err := filepath.Glob("/usr/share/" + pattern)
		must(t, err)
		for _, file := range files {
			mounts[file] = empty
		}
	}
	l := newLab(t, testhost.Options{Mounts: mounts})
	_, err := l.Create(t.Context(), bareUEFI("none"))
	if !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "no UEFI firmware") {
		t.Errorf("%v", err)
	}
	var refused *host.Error
	if !errors.As(err, &refused) || !strings.Contains(refused.Remedy, "apt-get install ovmf") {
		t.Errorf("the remedy is %+v", refused)
	}
	if _, err := os.Stat(l.path("instances")); err == nil {
		t.Error("something was made")
	}
}
