package host_test

import (
	"context"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// disksOf is a machine with no disk but those that it is given.
func disksOf(name string) host.InstanceSpec {
	spec := baseSpec(name)
	spec.Image = ""
	return spec
}

func TestVerbs_OnVolumesAndDisksAreOnTheDiskWhenTheyAreAcknowledged(t *testing.T) {
	l := newTracedLab(t, testhost.Options{})
	guest, err := testhost.BuildGuest(t.Context())
	must(t, err)
	l.putImage("vmlinuz", guest.Kernel)
	l.putImage("initrd", guest.Initrd)
	l.putImage("disk", guest.Disk)
	create := func(spec host.VolumeSpec) {
		l.wants("create volume "+spec.Name, func(ctx context.Context) error { _, err := l.CreateVolume(ctx, spec); return err })
	}
	grow := func(what string, gib int) {
		l.wants("grow a volume, "+what, func(ctx context.Context) error {
			return l.UpdateVolume(ctx, l.findVolume("data"), host.VolumeChange{SizeGiB: &gib})
		})
	}
	disks := func(what string, disks map[string]host.DiskSpec) {
		l.wants(what, func(ctx context.Context) error { return l.Update(ctx, l.find("base"), host.Change{Disks: disks}) })
	}
	data, both := map[string]host.DiskSpec{"data": {Volume: "data"}}, map[string]host.DiskSpec{"data": {Volume: "data"}, "site": {Volume: "site"}}
	none := map[string]host.DiskSpec{}

	create(host.VolumeSpec{Name: "data", SizeGiB: 1})
	create(host.VolumeSpec{Name: "site", Image: "disk"})
	l.wants("label a volume", func(ctx context.Context) error {
		return l.UpdateVolume(ctx, l.findVolume("data"), host.VolumeChange{Labels: &map[string]string{"a": "b"}})
	})
	grow("unattached", 2)
	l.wants("create base", func(ctx context.Context) error { _, err := l.Create(ctx, disksOf("base")); return err })
	disks("attach a volume, stopped", data)
	grow("attached, stopped", 3)
	disks("attach another, stopped", both)
	disks("detach volumes, stopped", none)
	disks("attach a disk, stopped", own(map[string]int{"a": 1}))
	disks("grow a disk, stopped", own(map[string]int{"a": 2}))
	disks("detach a disk, stopped", none)

	l.wants("start", func(ctx context.Context) error { return l.Start(ctx, l.find("base")) })
	l.await(l.find("base"))
	disks("attach volumes", both)
	l.writeTo(l.find("base"), "data", "before")
	grow("attached", 4)
	disks("detach one", data)
	disks("detach the other", none)
	disks("attach a disk", own(map[string]int{"a": 1}))
	l.writeTo(l.find("base"), "a", "before")
	disks("grow a disk", own(map[string]int{"a": 2}))
	l.wants("snapshot with a disk", func(ctx context.Context) error {
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "with", Instance: "base"})
		return err
	})
	disks("grow a disk of which there is a snapshot", own(map[string]int{"a": 3}))
	disks("detach a disk", none)
	disks("attach a volume to be deleted with", data)
	l.deletes("instances/base", "snapshots/with", "volumes/data", "volumes/site", "images/disk", "images/vmlinuz", "images/initrd")
}

func TestVerbs_OnNetworksAreOnTheDiskWhenTheyAreAcknowledged(t *testing.T) {
	needsNetworks(t)
	l := newTracedLab(t, testhost.Options{Link: testhost.NewLink(t, testhost.LinkOptions{})})
	spec := host.NetworkSpec{Name: "lan", CIDR: "10.9.8.0/24", NAT: true, Domain: "lan.internal"}
	l.wants("create a network", func(ctx context.Context) error { _, err := l.CreateNetwork(ctx, spec); return err })
	l.wants("change a network", func(ctx context.Context) error {
		l.Forget()
		network, err := l.Network(ctx, "lan")
		must(t, err)
		spec.CIDR, spec.Labels = "10.9.9.0/24", map[string]string{"a": "b"}
		return l.UpdateNetwork(ctx, network, spec)
	})
	l.deletes("networks/lan")
}

// TestDurability_OfVolumesAndNetworksIsMissedWhereASyncIsLeftOut shows that the
// tests of it can fail. What qemu-img resizes it syncs itself.
func TestDurability_OfVolumesAndNetworksIsMissedWhereASyncIsLeftOut(t *testing.T) {
	needsNetworks(t)
	l := newTracedLab(t, testhost.Options{Link: testhost.NewLink(t, testhost.LinkOptions{})})
	l.mutate("create a volume", `make_layer "$@" && sync "disk/$1"`, `make_layer "$@"`, "becomes volumes/data before what was written", func(ctx context.Context) error {
		_, err := l.CreateVolume(ctx, host.VolumeSpec{Name: "data", SizeGiB: 1})
		return err
	})
	spec := disksOf("base")
	spec.Kernel = nil // it never starts
	_, err := l.Create(t.Context(), spec)
	must(t, err)
	disks := func(disks map[string]host.DiskSpec) func(ctx context.Context) error {
		return func(ctx context.Context) error { return l.Update(ctx, l.find("base"), host.Change{Disks: disks}) }
	}
	l.mutate("attach a volume", "done\nsync disk\n", "done\n", "before the name disk/", disks(map[string]host.DiskSpec{"data": {Volume: "data"}}))
	l.mutate("create a network", `mkdir -p networks && sync .`, `mkdir -p networks`, "the name networks is not", func(ctx context.Context) error {
		_, err := l.CreateNetwork(ctx, host.NetworkSpec{Name: "lan", CIDR: "10.9.8.0/24", Domain: "lan.internal"})
		return err
	})
	l.deletes("networks/lan", "instances/base", "volumes/data")
}
