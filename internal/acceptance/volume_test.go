package acceptance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// volumes are two volumes, an empty one and one of an image, and two forks of the shared
// snapshot with the disks that are given.
func volumes(gib int, a, b string) string {
	return fmt.Sprintf(`resource "kvm_volume" "data" {
		name     = "vol-data"
		size_gib = %d
		labels   = { role = "data" }
	}
	resource "kvm_volume" "site" {
		name  = "vol-site"
		image = "default/images/disk"
	}
	`, gib) + fork("vol-a", "disks = {"+a+"}") + fork("vol-b", "disks = {"+b+"}")
}

func TestVolume_IsAttachedMovedAndGrownWhileItsGuestsGoOn(t *testing.T) {
	t.Parallel()
	const data, site = "data = { volume = kvm_volume.data.id }", "\nsite = { volume = kvm_volume.site.id }\n"
	uid := same("kvm_volume.data", "uid")

	on := func(name string, commands ...string) checks {
		all := checks{shared.hasToken("vol-a", &shared.token), shared.hasToken("vol-b", &shared.token), uid()}
		for i := 0; i < len(commands); i += 2 {
			all = append(all, shared.in(name, commands[i], commands[i+1]))
		}
		return all
	}
	steps := []tf.TestStep{
		tf.TestStep{Config: volumes(1, data+site, ""), ConfigStateChecks: on("vol-a",
			"echo moved | dd of="+disk("data")+" conv=fsync 2>/dev/null", "",
			"mkdir /site && mount "+disk("site")+" /site && cat /site/data", "testguest",
		)},
		// What the guest has open it keeps.
		refused(volumes(1, data, ""), "unmount it there", "The instance is running."),
		tf.TestStep{Config: volumes(1, data+site, ""), ConfigStateChecks: on("vol-a", "cat /site/data && umount /site", "testguest")},
		tf.TestStep{
			Config:           volumes(1, "", data),
			ConfigPlanChecks: planned("kvm_instance.vol-b", plancheck.ResourceActionUpdate),
			ConfigStateChecks: append(on("vol-b", "head -n 1 "+disk("data"), "moved"),
				shared.in("vol-a", "ls /sys/block | grep -c sd || :", "0")),
		},
		tf.TestStep{
			Config:            volumes(2, "", data),
			ConfigPlanChecks:  planned("kvm_volume.data", plancheck.ResourceActionUpdate),
			ConfigStateChecks: on("vol-b", "for i in 1 2 3 4 5 6 7 8 9; do grep -q 4194304 /sys/block/sda/size && break; sleep 0.5; done; cat /sys/block/sda/size", "4194304"),
		},
		refused(volumes(1, "", data), "A volume never shrinks"),
		refused(volumes(2, "a = { volume = \"default/volumes/vol-data\" }, b = { volume = \"default/volumes/vol-data\" }", ""), "A volume twice"),
		// A volume whose instance stays goes only when it is detached.
		refused(fork("vol-a")+fork("vol-b", `disks = { data = { volume = "default/volumes/vol-data" } }`), "Unable to delete volume vol-data", "attached to instance vol-b"),
		tf.TestStep{Config: volumes(2, "", data), ConfigStateChecks: on("vol-b", "head -n 1 "+disk("data"), "moved")},
	}
	steps = append(steps, imported("kvm_volume.data", "default/volumes/vol-data")...)
	steps = append(steps, imported("kvm_volume.site", "default/volumes/vol-site")...)
	steps = append(steps, imported("kvm_instance.vol-b", "default/instances/vol-b")...)
	// The disks of one in standby change, too, and it is in standby again.
	steps = append(steps, tf.TestStep{
		Config:            volumes(2, "", data+"}\nstate = \"standby\"\nlabels = {"),
		ConfigStateChecks: checks{shared.isIn("vol-b", lifecycle.Standby), hasDisks("vol-b", "data")},
	}, tf.TestStep{
		Config:            volumes(2, "", site+"}\nstate = \"standby\"\nlabels = {"),
		ConfigStateChecks: checks{shared.isIn("vol-b", lifecycle.Standby), hasDisks("vol-b", "site")},
	})
	shared.apply(t, "vol", steps...)
}

// disk is a disk of a key, in a guest without udev.
func disk(key string) string {
	return "/dev/$(basename $(dirname $(dirname $(grep -l " + key + " /sys/block/sd*/device/vpd_pg80))))"
}

// hasDisks wants an instance to have these disks.
func hasDisks(name string, keys ...string) check {
	return func(ctx context.Context) error {
		inst, err := shared.instance(ctx, name)
		if err != nil {
			return err
		}
		var found []string
		for key := range inst.Disks() {
			found = append(found, key)
		}
		if slices.Sort(found); !slices.Equal(found, keys) {
			return fmt.Errorf("%s has the disks %v; want %v", name, found, keys)
		}
		return nil
	}
}

// What no apply can do the plan says, at the argument, of what is known; what the
// same apply is yet to make known is not refused.
func TestVolume_RefusesCopiesOfItsGuestInThePlan(t *testing.T) {
	t.Parallel()
	attached := "resource \"kvm_volume\" \"laden\" {\n  name = \"laden\"\n  size_gib = 1\n}\n" +
		fork("laden", "disks = { data = { volume = kvm_volume.laden.id } }")
	snapshot := func(instance string) string {
		return "resource \"kvm_snapshot\" \"laden\" {\n  name = \"laden\"\n  instance = " + instance + "\n}\n"
	}
	why := "instance laden is running and has volumes attached: laden (disk data)"
	w := newWorkspace(t, attached)
	w.want(0, "apply", "-auto-approve")
	w.write(attached + snapshot("kvm_instance.laden.id"))
	tells(t, w.want(1, "plan"), "Unable to take snapshot laden", "instance = kvm_instance.laden.id", why, "Host: default", "-target=ADDRESS")
	w.write(attached + snapshot("terraform_data.laden.output") + "resource \"terraform_data\" \"laden\" {\n  input = kvm_instance.laden.id\n}\n")
	w.want(0, "plan")
	w.write(attached + forkOf("laden-fork", "default/instances/laden"))
	tells(t, w.want(1, "plan"), "The source of the fork cannot be forked", "fork_of =", why, "Host: default", "-target=ADDRESS")
	w.write(strings.Replace(attached, "disks =", "state = \"stopped\"\n  disks =", 1))
	w.want(0, "apply", "-auto-approve")
	w.write(strings.Replace(attached, "disks =", "state = \"stopped\"\n  disks =", 1) + snapshot("kvm_instance.laden.id"))
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
}
