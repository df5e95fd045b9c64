package host_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestDetach_DoesNotTakeADiskThatTheGuestHasOpen(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	l.volume(host.VolumeSpec{Name: "open", SizeGiB: 1})
	inst := l.fork("open")
	must(t, l.give(inst, map[string]string{"data": "open"}))
	l.in(inst, "sleep 600 <"+l.device(inst, "data")+" >/dev/null 2>&1 & echo $! >/tmp/pid")
	if err := l.give(inst, map[string]string{}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "unmount it there") {
		t.Fatalf("%v", err)
	}
	l.writeTo(inst, "data", "still")
	if now := l.find("open"); now.Disks()["data"].Volume != "open" {
		t.Errorf("%+v", now.Disks())
	}
	l.in(inst, "kill $(cat /tmp/pid)")
	must(t, l.give(inst, map[string]string{}))
}

func TestDisks_OfAGuestWhoseQEMUIsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	t.Parallel()
	ctx := context.Background()
	l := newLabAs(t, testhost.Options{}, "nobody")
	defer func() { must(t, l.clean()) }()
	l.putImages()
	l.volume(host.VolumeSpec{Name: "data", Image: "disk", SizeGiB: 1})
	inst := l.boot(baseSpec("other"))
	must(t, l.Update(ctx, inst, host.Change{Disks: map[string]host.DiskSpec{"data": {Volume: "data"}, "own": {SizeGiB: 1}}}))
	l.writeTo(inst, "data", "volume")
	l.writeTo(inst, "own", "own")
	must(t, l.Standby(ctx, inst))
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"own": 2})}))
	l.take("other", "other")
	inst = l.find("other")
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.give(inst, map[string]string{"data": "data"}))
	must(t, l.Start(ctx, inst))
	l.await(inst)
	if got := l.readFrom(inst, "data"); got != "volume" {
		t.Errorf("it reads %q", got)
	}
	must(t, l.give(inst, map[string]string{}))
}
