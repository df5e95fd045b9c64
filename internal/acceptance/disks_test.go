package acceptance_test

import (
	"fmt"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

func TestDisks_OfItsOwnAreInSnapshotsAndForks(t *testing.T) {
	t.Parallel()
	config := func(gib int, lines ...string) string {
		return fork("own-a", fmt.Sprintf("disks = { scratch = { size_gib = %d } }", gib)) + `resource "kvm_snapshot" "own" {
			name     = "own"
			instance = kvm_instance.own-a.id
		}
		` + forkOf("own-b", "default/snapshots/own", append(lines, "depends_on = [kvm_snapshot.own]")...)
	}
	steps := []tf.TestStep{
		{Config: fork("own-a", "disks = { scratch = { size_gib = 1 } }"), ConfigStateChecks: checks{
			shared.in("own-a", "echo kept | dd of="+disk("scratch")+" conv=fsync 2>/dev/null", ""), shared.hasToken("own-a", &shared.token),
		}},
		{Config: config(1), ConfigStateChecks: checks{
			shared.in("own-b", "head -n 1 "+disk("scratch"), "kept"), shared.hasToken("own-b", &shared.token), hasDisks("own-b", "scratch"),
		}},
		{Config: config(2), ConfigStateChecks: checks{
			shared.in("own-a", "cat /sys/block/sda/size", "4194304"), shared.in("own-b", "cat /sys/block/sda/size", "2097152"),
		}},
		refused(config(1), "A disk never shrinks", "scratch"),
		{Config: config(2, "disks = {}"), ConfigStateChecks: checks{
			hasDisks("own-b"), hasDisks("own-a", "scratch"), shared.hasToken("own-b", &shared.token),
		}},
	}
	shared.apply(t, "own", append(steps, imported("kvm_instance.own-a", "default/instances/own-a")...)...)
}

func TestDisks_OfAnImageAreTheInstancesOwn(t *testing.T) {
	t.Parallel()
	const image = `image = "default/images/disk"`
	config := func(settings string) string { return fork("img-a", "disks = { site = { "+settings+" } }") }
	copies := `resource "kvm_snapshot" "img" {
		name     = "img"
		instance = kvm_instance.img-a.id
	}
	` + forkOf("img-b", "default/snapshots/img", "depends_on = [kvm_snapshot.img]")
	const read = "mkdir -p /site && mount %s /site && cat /site/%s && umount /site"
	steps := []tf.TestStep{
		{Config: config(image), ConfigStateChecks: checks{
			shared.in("img-a", "mkdir /site && mount "+disk("site")+" /site && cat /site/data && echo own >/site/note && umount /site", "testguest"),
			shared.hasToken("img-a", &shared.token),
		}},
	}
	steps = append(steps, imported("kvm_instance.img-a", "default/instances/img-a")...)
	steps = append(steps,
		refused(config(image+`, volume = "default/volumes/x"`), "Two kinds of disk"),
		refused(config(`image = "default/images/none"`), "Unable to read image none", "It does not exist", "The instance is running."),
		tf.TestStep{
			Config:           config(image+", size_gib = 1") + copies,
			ConfigPlanChecks: planned("kvm_instance.img-a", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{
				shared.in("img-a", "cat /sys/block/sda/size", "2097152"), shared.in("img-b", "cat /sys/block/sda/size", "2097152"),
				shared.in("img-b", fmt.Sprintf(read, disk("site"), "note"), "own"), hasDisks("img-b", "site"),
			},
		},
	)
	steps = append(steps, imported("kvm_instance.img-b", "default/instances/img-b")...)
	steps = append(steps, tf.TestStep{
		Config:            config("size_gib = 1") + copies,
		ConfigPlanChecks:  planned("kvm_instance.img-a", plancheck.ResourceActionUpdate),
		ConfigStateChecks: checks{shared.in("img-a", "head -c 2048 "+disk("site")+" | tr -d '\\0' | wc -c", "0"), shared.hasToken("img-a", &shared.token)},
	})
	shared.apply(t, "img", steps...)
}

// A disk that somebody takes from a running QEMU the plan misses, also of a fork
// that has its source's disks without naming them, and the apply gives it back.
func TestDisks_ThatSomebodyTakesFromQEMUAreGivenBack(t *testing.T) {
	t.Parallel()
	config := fork("gone-a", "disks = { scratch = { size_gib = 1 } }") + `resource "kvm_snapshot" "gone" {
		name     = "gone"
		instance = kvm_instance.gone-a.id
	}
	` + forkOf("gone-b", "default/snapshots/gone", "depends_on = [kvm_snapshot.gone]")
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	ctx := t.Context()
	for _, name := range []string{"gone-a", "gone-b"} {
		must(t, shared.in(name, "echo kept | dd of="+disk("scratch")+" conv=fsync 2>/dev/null", "")(ctx))
		must(t, shared.qmp(name, `{"execute":"device_del","arguments":{"id":"disk-scratch"}}`))
	}
	plan := w.want(2, "plan", "-detailed-exitcode")
	for _, name := range []string{"gone-a", "gone-b"} {
		tells(t, plan, "A disk of instance "+name+" is not there", "taken it from its running QEMU", "Host: default")
	}
	tells(t, plan, "0 to add, 2 to change, 0 to destroy")
	w.want(0, "apply", "-auto-approve")
	for _, name := range []string{"gone-a", "gone-b"} {
		must(t, shared.in(name, "head -n 1 "+disk("scratch"), "kept")(ctx))
		must(t, shared.hasToken(name, &shared.token)(ctx))
	}
	w.want(0, "plan", "-detailed-exitcode")
}
