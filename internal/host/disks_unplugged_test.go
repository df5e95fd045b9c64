package host_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// What somebody takes from a running QEMU behind the driver's back the next listing
// shows, and the next change of the disks gives back, with what is on it.
func TestDisks_ThatSomebodyTakesFromQEMUAreSeenAndGivenBack(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	l.volume(host.VolumeSpec{Name: "taken", SizeGiB: 1})
	inst := l.fork("taken")
	disks := map[string]host.DiskSpec{"own": {SizeGiB: 1}, "data": {Volume: "taken"}}
	must(t, l.Update(ctx, inst, host.Change{Disks: disks}))
	l.writeTo(inst, "own", "kept")
	l.writeTo(inst, "data", "kept, too")
	lacks := func(after string, keys ...string) {
		t.Helper()
		now := l.find("taken")
		for end := time.Now().Add(5 * time.Second); !slices.Equal(now.Unplugged, keys) && time.Now().Before(end); now = l.find("taken") {
			time.Sleep(50 * time.Millisecond) // QEMU says so when the last of it is gone
		}
		if !slices.Equal(now.Unplugged, keys) || now.Problem != "" {
			t.Errorf("after %s it lacks %v, and not %v: %s", after, now.Unplugged, keys, now.Problem)
		}
	}
	lacks("they were attached")
	l.qmp("taken", `{"execute":"device_del","arguments":{"id":"disk-own"}}{"execute":"device_del","arguments":{"id":"disk-data"}}`)
	lacks("a device_del", "data", "own")
	// Of the one that is a volume they close the files, too.
	inst = l.find("taken")
	for _, disk := range inst.Machine.Disks {
		if disk.Key == "data" {
			l.qmp("taken", `{"execute":"blockdev-del","arguments":{"node-name":"disk`+string(rune('0'+disk.Target))+`-`+disk.Layers[0].File[:16]+`"}}`)
		}
	}
	must(t, l.Update(ctx, inst, host.Change{Disks: disks}))
	lacks("they were given back")
	if got := l.readFrom(inst, "own") + ", " + l.readFrom(inst, "data"); got != "kept, kept, too" {
		t.Errorf("it reads %q", got)
	}
	// What is to go goes, whether or not QEMU has it.
	l.qmp("taken", `{"execute":"device_del","arguments":{"id":"disk-own"}}`)
	lacks("another", "own")
	must(t, l.Update(ctx, l.find("taken"), host.Change{Disks: map[string]host.DiskSpec{"data": {Volume: "taken"}}}))
	lacks("it was detached")
	// A new one of its name is another one.
	must(t, l.Update(ctx, l.find("taken"), host.Change{Disks: disks}))
	lacks("a new one was attached")
	if got := l.readFrom(l.find("taken"), "own"); got != "" {
		t.Errorf("on the new one it reads %q", got)
	}
	must(t, l.give(l.find("taken"), map[string]string{}))
	l.wantLayersOf(l.find("taken"))
}
