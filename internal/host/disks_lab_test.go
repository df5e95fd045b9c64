package host_test

import (
	"context"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// volume makes a volume that lives as long as the test.
func (l *lab) volume(spec host.VolumeSpec) *host.Volume {
	l.t.Helper()
	volume, err := l.CreateVolume(context.Background(), spec)
	must(l.t, err)
	must(l.t, l.Keep(context.Background(), host.Ref{Kind: host.Volumes, Name: spec.Name}, volume.UID))
	l.t.Cleanup(func() { must(l.t, l.DeleteVolume(context.Background(), spec.Name, volume.UID)) })
	return l.findVolume(spec.Name)
}

func (l *lab) findVolume(name string) *host.Volume {
	l.t.Helper()
	l.Forget()
	volume, err := l.Volume(context.Background(), name)
	must(l.t, err)
	return volume
}

// give makes the volumes, by key, the disks of an instance.
func (l *lab) give(inst *host.Instance, volumes map[string]string) error {
	return l.Update(context.Background(), inst, host.Change{Disks: attached(volumes)})
}

func attached(volumes map[string]string) map[string]host.DiskSpec {
	disks := map[string]host.DiskSpec{}
	for key, volume := range volumes {
		disks[key] = host.DiskSpec{Volume: volume}
	}
	return disks
}

// device is the disk of a key in a guest.
func (l *lab) device(inst *host.Instance, key string) string {
	l.t.Helper()
	const find = `for d in /sys/block/sd*; do tail -c +5 $d/device/vpd_pg80 | grep -q "^KEY$" && echo /dev/${d##*/}; done; :`
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if found := strings.TrimSpace(l.in(inst, strings.ReplaceAll(find, "KEY", key))); found != "" {
			return found
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s has no disk %s: %s", inst.Name, key, l.in(inst, "ls /sys/block; dmesg | tail"))
		}
	}
}

func (l *lab) writeTo(inst *host.Instance, key, text string) {
	l.t.Helper()
	l.in(inst, "echo "+text+" | dd of="+l.device(inst, key)+" conv=fsync 2>/dev/null")
}

func (l *lab) readFrom(inst *host.Instance, key string) string {
	l.t.Helper()
	text, _, _ := strings.Cut(l.in(inst, "echo 3 >/proc/sys/vm/drop_caches; head -c 64 "+l.device(inst, key)), "\n")
	return strings.Trim(text, "\x00")
}

// stoppedForkOf makes a fork that does not run.
func (l *lab) stoppedForkOf(name string, source host.Ref) *host.Instance {
	l.t.Helper()
	fork, err := l.Fork(context.Background(), host.ForkSpec{Name: name, Source: source})
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, l.DeleteInstance(context.Background(), name, fork.UID)) })
	return fork
}
