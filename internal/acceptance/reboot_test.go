package acceptance_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestReboot_OfTheHostIsMendedByOneApply has a host go down with all that runs
// on it, and come up again with another boot id and with its files as they were.
func TestReboot_OfTheHostIsMendedByOneApply(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{})
	booted := func(name, origin string) string {
		return fmt.Sprintf(`resource "kvm_instance" %q {
			name               = %q
			kernel             = { image = kvm_image.vmlinuz.id, initrd = kvm_image.initrd.id, command_line = %q }
			memory_mib         = 128
			network_interfaces = { lan = { forward = { http = { guest_port = 80 } } } }
			%s
			%s
		}
		`, name, name, testhost.CommandLine, origin, readyHTTP)
	}
	ofGolden := func(name string, lines ...string) string {
		return strings.Replace(forkOf(name, "", lines...), `""`, "kvm_snapshot.golden.id", 1)
	}
	config := func(asleep string) string {
		return own.provider(nil) + image("vmlinuz", own.guest.Kernel, "") + image("initrd", own.guest.Initrd, "") + image("disk", own.guest.Disk, "") +
			booted("base", "image = kvm_image.disk.id") + booted("diskless", "") + `
			resource "kvm_snapshot" "golden" {
				name     = "golden"
				instance = kvm_instance.base.id
			}
			resource "kvm_instance" "off" {
				name  = "off"
				image = kvm_image.disk.id
				state = "stopped"
			}
			resource "kvm_snapshot" "cold" {
				name     = "cold"
				instance = kvm_instance.off.id
			}
			` + ofGolden("a") + ofGolden("b", `labels = { role = "web" }`) + ofGolden("grown", "disk_gib = 1") + ofGolden("asleep", `state = "`+asleep+`"`)
	}
	w := newWorkspace(t, config("running"))
	w.want(0, "apply", "-auto-approve")
	ctx := t.Context()
	running := []string{"base", "diskless", "a", "b", "grown"}
	var token string
	must(t, own.hasNewToken("base", &token)(ctx))
	tokens, ports := map[string]string{}, map[string]int{}
	for _, name := range running {
		got, err := own.tokenOf(ctx, name)
		must(t, err)
		inst, err := own.instance(ctx, name)
		must(t, err)
		tokens[name], ports[name] = got, inst.Forwards["lan"]["http"].HostPort
		if name != "diskless" {
			must(t, own.in(name, "echo of "+name+" >/disk/note; sync", "")(ctx))
		}
	}
	must(t, own.in("asleep", "echo remembered >/tmp/memory; echo written >/disk/note; sync", "")(ctx))
	w.write(config("standby"))
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")

	own.reboot(t, running)
	strangers := own.takePIDs(t, running)
	must(t, own.StartSSHD(ctx))
	for _, socket := range []string{"qmp.sock", "control.in"} { // what was there is there
		if _, err := os.Lstat(own.path("instances/base/run", socket)); err != nil {
			t.Error(err)
		}
	}

	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, fmt.Sprintf("Plan: 0 to add, %d to change, 0 to destroy", len(running)))
	for _, name := range running {
		tells(t, planOf(plan, name), "will be updated in-place", `state = "stopped" -> "running"`)
		tells(t, plan, "instance "+name+" does not run any more", "The host has restarted since")
	}
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")

	for _, name := range running {
		was := tokens[name]
		checks := []check{own.isIn(name, lifecycle.Running), own.hasNewToken(name, &was)}
		if name != "diskless" {
			checks = append(checks, own.in(name, "cat /disk/note", "of "+name))
		}
		for _, c := range append(checks, own.forwards(name, "http", new(ports[name]))) {
			if err := c(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	for _, c := range []check{own.in("grown", "cat /sys/block/vda/size", fmt.Sprint(1<<30/512)), own.isIn("asleep", lifecycle.Standby), own.isIn("off", lifecycle.Stopped)} {
		if err := c(ctx); err != nil {
			t.Error(err)
		}
	}
	for _, stranger := range strangers {
		if command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", stranger)); len(command) == 0 {
			t.Errorf("the stranger %d that had the pid of a guest is gone", stranger)
		}
	}

	w.write(config("running") + ofGolden("late"))
	w.want(0, "apply", "-auto-approve")
	for _, c := range []check{
		own.hasToken("asleep", &token), own.in("asleep", "cat /tmp/memory /disk/note", "remembered\nwritten"),
		own.hasToken("late", &token), own.isIn("late", lifecycle.Running),
	} {
		if err := c(ctx); err != nil {
			t.Error(err)
		}
	}
	w.want(0, "destroy", "-auto-approve")
}

// reboot ends what runs on the host, all at once, and has it another boot id from
// when its sshd is started again. It skips the test where nobody may do that.
func (l *lab) reboot(t *testing.T, names []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "boot_id")
	must(t, os.WriteFile(file, []byte(uuid.NewString()+"\n"), 0o644))
	// The mount is of sshd's own namespace, and goes with it.
	under := []string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, file}
	if out, err := exec.Command(under[0], append(under[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("a boot id cannot be replaced here: %v: %s", err, out)
	}
	var failures []error
	for _, name := range names {
		pid, err := l.pid(name)
		failures = append(failures, err, syscall.Kill(pid, syscall.SIGKILL))
	}
	l.StopSSHD()
	must(t, errors.Join(failures...))
	for _, name := range names {
		eventually(t, func() bool { _, err := l.pid(name); return err != nil })
	}
	l.RunSSHDUnder(under)
}

// takePIDs gives the pids and start times of guests that are gone to processes
// of others: nothing but the boot id tells them apart.
func (l *lab) takePIDs(t *testing.T, names []string) (strangers []int) {
	t.Helper()
	for _, name := range names {
		stranger := exec.Command("sleep", "900")
		must(t, stranger.Start())
		t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", stranger.Process.Pid))
		must(t, err)
		start := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[19]
		record := l.path("instances", name, "run/control.pid")
		text, err := os.ReadFile(record)
		must(t, err)
		fields := strings.Fields(string(text))
		must(t, os.WriteFile(record, []byte(fmt.Sprintln(stranger.Process.Pid, start, fields[2], fields[3])), 0o600))
		strangers = append(strangers, stranger.Process.Pid)
	}
	return strangers
}
