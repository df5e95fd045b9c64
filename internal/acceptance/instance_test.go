package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// booted is an instance of the shared images, which is waited for.
func booted(name, more string, words ...string) string {
	return fmt.Sprintf(`resource "kvm_instance" %q {
		name               = %q
		image              = "default/images/disk"
		kernel             = { image = "default/images/vmlinuz", initrd = "default/images/initrd", command_line = %q }
		memory_mib         = 128
		network_interfaces = { lan = { forward = { http = { guest_port = 80 } } } }
		%s
	}
	`, name, name, join(testhost.CommandLine, words...), more)
}

const readyHTTP = `ready = { check = "http", port = 80, path = "/token" }`

func TestInstance_OfKernelAndImageIsChangedInPlaceOrRestarted(t *testing.T) {
	t.Parallel()
	var token string
	uid := same("kvm_instance.boot", "uid")
	steps := []tf.TestStep{
		{
			Config: booted("boot", readyHTTP),
			ConfigStateChecks: checks{
				shared.hasNewToken("boot", &token), shared.in("boot", "cat /disk/data", "testguest"), uid(),
			},
		},
		// Nothing is stopped for a change that cannot be made.
		refused(strings.Replace(booted("boot", readyHTTP+"\nvcpus = 2"), "default/images/initrd", "default/images/nowhere", 1),
			"image nowhere", "does not exist", "Host: default", "The instance is running."),
		{ // live: the guest sees a larger disk and goes on
			Config:           booted("boot", readyHTTP+"\ndisk_gib = 1"),
			ConfigPlanChecks: planned("kvm_instance.boot", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{
				shared.hasToken("boot", &token), shared.in("boot", "cat /sys/block/vda/size", fmt.Sprint(1<<30/512)), uid(),
			},
		},
		refused(booted("boot", readyHTTP+"\nallow_restart = false\nvcpus = 2\ndisk_gib = 1"), "The change needs a restart", "vcpus"),
		{ // a restart: the guest boots anew on the same disk
			Config:           booted("boot", readyHTTP+"\nvcpus = 2\ndisk_gib = 1"),
			ConfigPlanChecks: planned("kvm_instance.boot", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{
				shared.hasNewToken("boot", &token), shared.in("boot", "grep -c ^processor /proc/cpuinfo", "2"), uid(),
			},
		},
		// in standby: woken, shut down, changed, booted and put back
		{Config: booted("boot", readyHTTP+"\nvcpus = 2\ndisk_gib = 1\nstate = \"standby\""), ConfigStateChecks: checks{shared.isIn("boot", lifecycle.Standby), uid()}},
		{
			Config:            booted("boot", readyHTTP+"\nvcpus = 1\ndisk_gib = 1\nstate = \"standby\""),
			ConfigPlanChecks:  planned("kvm_instance.boot", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{shared.isIn("boot", lifecycle.Standby), uid()},
		},
		{
			Config: booted("boot", readyHTTP+"\nvcpus = 1\ndisk_gib = 1"),
			ConfigStateChecks: checks{
				shared.hasNewToken("boot", &token), shared.in("boot", "grep -c ^processor /proc/cpuinfo", "1"), uid(),
			},
		},
		{ // another kernel: here the same from another image, and another command line
			PreConfig:        func() { must(t, shared.putImage(t.Context(), "boot-kernel", shared.guest.Kernel)) },
			Config:           strings.Replace(booted("boot", readyHTTP+"\nvcpus = 1\ndisk_gib = 1", "other"), "default/images/vmlinuz", "default/images/boot-kernel", 1),
			ConfigPlanChecks: planned("kvm_instance.boot", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{
				shared.hasNewToken("boot", &token), shared.in("boot", "grep -c other /proc/cmdline", "1"), uid(),
			},
		},
		{ // which it keeps when that image is gone
			PreConfig: func() { must(t, shared.remove(t.Context(), "images/boot-kernel")) },
			Config:    strings.Replace(booted("boot", readyHTTP+"\nvcpus = 1\ndisk_gib = 1", "third"), "default/images/vmlinuz", "default/images/boot-kernel", 1),
			ConfigStateChecks: checks{
				shared.hasNewToken("boot", &token), shared.in("boot", "grep -c third /proc/cmdline", "1"), uid(),
			},
		},
	}
	shared.apply(t, "boot", append(steps, imported("kvm_instance.boot", "default/instances/boot")...)...)
}

func TestInstance_OfAKernelAloneGoesIntoStandbyWhenItIsReady(t *testing.T) {
	t.Parallel()
	config := func(state string) string {
		return fmt.Sprintf(`resource "kvm_instance" "bare" {
			name       = "bare"
			kernel     = { image = "default/images/vmlinuz", initrd = "default/images/initrd", command_line = %q }
			memory_mib = 128
			state      = %q
			ready      = { check = "console", pattern = "testguest ready", timeout = "1m" }
		}`, testhost.CommandLine, state)
	}
	shared.apply(t, "bare",
		tf.TestStep{Config: config("standby"), ConfigStateChecks: checks{shared.isIn("bare", lifecycle.Standby)}},
		tf.TestStep{Config: config("running"), ConfigStateChecks: checks{shared.isIn("bare", lifecycle.Running)}},
	)
}

func TestState_FollowsTheConfigurationAndKeepsWhatItCan(t *testing.T) {
	t.Parallel()
	uid := same("kvm_instance.state", "uid")
	moved := func(state string, also ...any) tf.TestStep {
		step := tf.TestStep{Config: fork("state", fmt.Sprintf("state = %q", state)), ConfigStateChecks: checks{shared.isIn("state", lifecycle.State(state)), uid()}}
		for _, c := range also {
			step.ConfigStateChecks = append(step.ConfigStateChecks, c.(check))
		}
		return step
	}
	written := shared.in("state", "cat /disk/data", "written")
	shared.apply(t, "state",
		moved("running", shared.hasToken("state", &shared.token)),
		moved("standby"),
		// memory survives, on the way to the disk, too
		moved("running", shared.hasToken("state", &shared.token), shared.in("state", "echo written > /disk/data", "")),
		moved("standby"),
		moved("stopped"),
		moved("running", written, shared.hasNewToken("state", new(shared.token))),
	)
}

func TestForwardsAndLabels_ChangeWhileTheGuestRuns(t *testing.T) {
	t.Parallel()
	config := func(forwards, label string) string {
		return fork("live", fmt.Sprintf("labels = { role = %q }", label), "network_interfaces = { lan = { forward = { "+forwards+" } } }")
	}
	http, ssh := "http = { guest_port = 80 },", "ssh = { guest_port = 22 },"
	uid, created := same("kvm_instance.live", "uid"), same("kvm_instance.live", "created_at")
	var port int
	unchanged := func(also ...check) checks {
		all := checks{shared.hasToken("live", &shared.token), uid(), created()}
		for _, c := range also {
			all = append(all, c)
		}
		return all
	}
	steps := []tf.TestStep{
		{Config: config(http, "web"), ConfigStateChecks: unchanged()},
		{
			Config:            config(http, "db"),
			ConfigPlanChecks:  planned("kvm_instance.live", plancheck.ResourceActionUpdate),
			ConfigStateChecks: unchanged(shared.hasLabel("live", "role", "db")),
		},
		{Config: config(http+ssh, "db"), ConfigStateChecks: unchanged(shared.hasBanner("live", &port))},
		{Config: config(http, "db"), ConfigStateChecks: unchanged(isFree(&port))},
	}
	shared.apply(t, "live", append(steps, imported("kvm_instance.live", "default/instances/live")...)...)
}

func TestDeletionProtection_RefusesToDestroy(t *testing.T) {
	t.Parallel()
	protected, free := fork("safe", "deletion_protection = true"), fork("safe", "deletion_protection = false")
	shared.apply(t, "safe",
		tf.TestStep{Config: protected},
		refused(" ", "Unable to delete instance safe", "is protected", "Host: default", "set deletion_protection = false"),
		tf.TestStep{Config: protected, Destroy: true, ExpectError: says("Unable to delete instance safe")},
		tf.TestStep{Config: protected, PlanOnly: true},
		tf.TestStep{Config: free, ConfigStateChecks: checks{shared.hasToken("safe", &shared.token)}},
	)
}

func TestDeletionProtection_OfATaintedInstanceIsLiftedAsItSays(t *testing.T) {
	t.Parallel()
	config := func(protected bool) string {
		return fmt.Sprintf(`resource "kvm_instance" "tainted" {
			name                = "tainted"
			fork_of             = "default/snapshots/golden"
			ready               = { check = "console", pattern = "never said", timeout = "1s" }
			deletion_protection = %t
		}`, protected)
	}
	w := newWorkspace(t, config(true))
	tells(t, w.want(1, "apply", "-auto-approve"), "is running and is kept, marked as tainted", "It is protected, so that no apply replaces it", "terraform untaint ADDRESS", "deletion_protection = false")
	tells(t, w.want(1, "apply", "-auto-approve"), "Unable to delete instance tainted", "is protected", "set deletion_protection = false", "run terraform untaint ADDRESS before")
	w.want(0, "untaint", "kvm_instance.tainted")
	w.write(config(false))
	tells(t, w.want(0, "apply", "-auto-approve"), "0 added, 1 changed, 0 destroyed")
	must(t, shared.hasToken("tainted", &shared.token)(t.Context()))
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "tainted")()
}
