package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A script that is killed at any of its steps leaves a disk that is attached or
// one that is not, and whoever talks to QEMU next finds it so.
func TestDisks_OfWhichTheChangeIsKilledAreThereOrNot(t *testing.T) {
	t.Parallel()
	base := another(t, testhost.Options{})
	ctx := context.Background()
	base.volume(host.VolumeSpec{Name: "shot", SizeGiB: 1})
	base.volume(host.VolumeSpec{Name: "shot-other", SizeGiB: 1})
	base.fork("shot-disk")
	agree := func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
		// What talks to QEMU heals, also where it is about something else.
		must(t, base.give(base.find("shot-disk"), with(volumesOf(base.find("shot-disk")), "other", "shot-other")))
		inst := base.find("shot-disk")
		base.device(inst, "other")
		said := base.qmp("shot-disk", `{"execute":"query-block"}`)
		if _, has := inst.Disks()["data"]; has != strings.Contains(said, `"disk-data"`) {
			t.Errorf("its metadata has the disk: %t; QEMU says %s", has, said)
		} else if has {
			base.writeTo(inst, "data", "written")
		}
		without := volumesOf(inst)
		delete(without, "other")
		must(t, base.give(inst, without))
	}
	l, s := base.sabotaged(t, "attach volume shot to", shot)
	s.each(t, func() error {
		must(t, base.give(base.find("shot-disk"), map[string]string{}))
		return l.give(l.find("shot-disk"), map[string]string{"data": "shot"})
	}, agree)
	l, s = base.sabotaged(t, "detach disk data from", shot)
	s.each(t, func() error {
		must(t, base.give(base.find("shot-disk"), map[string]string{"data": "shot"}))
		return l.give(l.find("shot-disk"), map[string]string{})
	}, agree)
	must(t, base.give(base.find("shot-disk"), map[string]string{}))
	must(t, base.Stop(ctx, base.find("shot-disk"), 0))
}

// with is disks with one more.
func with(disks map[string]string, key, volume string) map[string]string {
	disks[key] = volume
	return disks
}

func volumesOf(inst *host.Instance) map[string]string {
	volumes := map[string]string{}
	for key, disk := range inst.Disks() {
		volumes[key] = disk.Volume
	}
	return volumes
}
