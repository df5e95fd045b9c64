package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// virtualGiB is the size of the disk that a layer is.
func (l *lab) virtualGiB(object, layer string) int {
	l.t.Helper()
	out, err := exec.Command("qemu-img", "info", "-U", "--output=json", l.path(object, "disk", layer)).Output()
	must(l.t, err)
	var info struct {
		Bytes int64 `json:"virtual-size"`
	}
	must(l.t, json.Unmarshal(out, &info))
	return int(info.Bytes >> 30)
}

// A script that is killed at any of its steps leaves a volume that is whole, has at
// least the size that it is said to have, and can be made larger again.
func TestVolume_OfWhichTheScriptIsKilledIsThereOrNot(t *testing.T) {
	base := shared(t)
	ctx := context.Background()
	lost := func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
	}
	l, s := base.sabotaged(t, "create", shot)
	s.each(t, func() error {
		_, err := l.CreateVolume(ctx, host.VolumeSpec{Name: "killed", Image: "disk", SizeGiB: 1})
		return err
	}, func(err error) {
		lost(err)
		base.Forget()
		volume, found := base.Volume(ctx, "killed")
		if found == nil {
			if volume.Problem != "" {
				t.Error(volume.Problem)
			}
			must(t, base.DeleteVolume(ctx, "killed", volume.UID))
		} else if err == nil {
			t.Error(found)
		}
	})
	base.volume(host.VolumeSpec{Name: "sweeps", SizeGiB: 1}) // whoever makes something sweeps
	if left, _ := filepath.Glob(base.path("volumes/.tmp-*")); len(left) > 0 {
		t.Errorf("left is %v", left)
	}

	base.volume(host.VolumeSpec{Name: "grows", SizeGiB: 1})
	l, s = base.sabotaged(t, "update", shot)
	gib := 1
	s.each(t, func() error {
		gib++
		return l.UpdateVolume(ctx, l.findVolume("grows"), host.VolumeChange{SizeGiB: &gib})
	}, func(err error) {
		lost(err)
		volume := base.findVolume("grows")
		if has := base.virtualGiB("volumes/grows", volume.Layers[0].File); has < volume.SizeGiB || volume.Problem != "" {
			t.Errorf("it has %d GiB, and is said to have %d (%s)", has, volume.SizeGiB, volume.Problem)
		}
		must(t, base.UpdateVolume(ctx, volume, host.VolumeChange{SizeGiB: &gib}))
		if has := base.virtualGiB("volumes/grows", volume.Layers[0].File); has != gib {
			t.Errorf("it has %d GiB in the end; want %d", has, gib)
		}
	})
}

// What a script that was killed has left beside a seed, which may hold secrets, goes
// with the next start, which comes after every change of one.
func TestSeed_OfWhichTheChangeIsKilledLeavesNoOther(t *testing.T) {
	base := shared(t)
	ctx := context.Background()
	spec := baseSpec("sown-killed")
	spec.Image, spec.Seed = "", seedOf(t, "first")
	inst, err := base.Create(ctx, spec)
	must(t, err)
	t.Cleanup(func() { must(t, base.DeleteInstance(ctx, inst.Name, inst.UID)) })
	l, s := base.sabotaged(t, "update", shot)
	s.each(t, func() error {
		return l.Update(ctx, l.find(inst.Name), host.Change{Seed: seedOf(t, "another")})
	}, func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
		must(t, base.Start(ctx, base.find(inst.Name)))
		must(t, base.Stop(ctx, base.find(inst.Name), 0))
		left, _ := filepath.Glob(base.path("instances", inst.Name, "boot", "*.*s*")) // seed.iso, and what is as one
		if len(left) != 1 {
			t.Errorf("there are %v", left)
		}
		if others, _ := filepath.Glob(base.path("instances", inst.Name, "boot", "*.tmp")); len(others) > 0 {
			t.Errorf("there are %v", others)
		}
	})
}

// A disk of an instance's own that was to grow has in the end the size that it is
// said to have.
func TestDisk_OfWhichTheGrowthIsKilledHasTheSizeThatItIsSaidToHave(t *testing.T) {
	base := shared(t)
	ctx := context.Background()
	spec := baseSpec("grown-killed")
	spec.Image = ""
	inst, err := base.Create(ctx, spec)
	must(t, err)
	t.Cleanup(func() { must(t, base.DeleteInstance(ctx, inst.Name, inst.UID)) })
	gib := 1
	must(t, base.Update(ctx, base.find(inst.Name), host.Change{Disks: own(map[string]int{"a": gib})}))
	l, s := base.sabotaged(t, "grow disk a of", shot)
	s.each(t, func() error {
		gib++
		return l.Update(ctx, l.find(inst.Name), host.Change{Disks: own(map[string]int{"a": gib})})
	}, func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
		must(t, base.Start(ctx, base.find(inst.Name)))
		now := base.find(inst.Name)
		if has := base.virtualGiB("instances/"+inst.Name, now.Machine.Disks[0].Layers[0].File); has != now.Disks()["a"].SizeGiB {
			t.Errorf("it has %d GiB, and is said to have %d", has, now.Disks()["a"].SizeGiB)
		}
		must(t, base.Stop(ctx, base.find(inst.Name), 0))
		must(t, base.Update(ctx, base.find(inst.Name), host.Change{Disks: own(map[string]int{"a": gib})}))
	})
}
