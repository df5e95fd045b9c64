package host_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// A guest that writes when the host has no space is paused by QEMU. That is told
// with its reason, and the guest goes on where it stood when there is space.
func TestGuest_WhoseDiskGetsNoSpaceIsPausedAndGoesOn(t *testing.T) {
	l := newSmallLab(t)
	l.putImages()
	spec := baseSpec("base")
	spec.MemoryMiB = 128
	base := l.boot(spec)
	token := l.token(base)

	for _, c := range []struct {
		name  string
		go_on func() error
	}{
		{"resumed", func() error { return l.Resume(t.Context(), l.find("base")) }},
		{"put into standby", func() error {
			if err := l.Standby(t.Context(), l.find("base")); err != nil {
				return err
			}
			return l.Restore(t.Context(), l.find("base"))
		}},
	} {
		l.in(base, "rm -f /disk/big /tmp/done; sync; echo 3 >/proc/sys/vm/drop_caches")
		must(t, l.testhost.Leave(0, plenty))
		l.chatter("base", 200)
		l.in(base, "(dd if=/dev/urandom of=/disk/big bs=64k count=240 conv=fsync; sha256sum /disk/big >/tmp/done) >/dev/null 2>&1 </dev/null &")
		eventually(t, time.Minute, "paused", func() bool { return l.state("base") == lifecycle.Paused })
		if inst := l.find("base"); !strings.Contains(inst.Failed, "No space left") {
			t.Errorf("it does not say why its guest is paused: %q", inst.Failed)
		}
		if err := l.Resume(t.Context(), l.find("base")); err == nil || !strings.Contains(err.Error(), "Free space in") {
			t.Errorf("to resume it without space: %v; want it to say what to do", err)
		}
		must(t, l.testhost.Leave(plenty, plenty))
		if state := l.state("base"); state != lifecycle.Paused {
			t.Fatalf("it is %s before anybody has let it go on", state)
		}
		must(t, c.go_on())
		l.await(base)
		if inst := l.find("base"); inst.State != lifecycle.Running || inst.Failed != "" || l.token(base) != token {
			t.Fatalf("%s, it is %s (%s), or another guest", c.name, inst.State, inst.Failed)
		}
		eventually(t, time.Minute, "done", func() bool { return l.in(base, "cat /tmp/done 2>/dev/null || true") != "" })
		if sums := strings.Fields(l.in(base, "cat /tmp/done; echo 3 >/proc/sys/vm/drop_caches; sha256sum /disk/big")); len(sums) != 4 || sums[0] != sums[2] {
			t.Errorf("%s, its disk does not have what it wrote: %v", c.name, sums)
		}
	}
	must(t, l.clean())
}

// chatter has QEMU say so many lines, for which it may have no space.
func (l *lab) chatter(instance string, lines int) {
	l.t.Helper()
	in, err := os.OpenFile(l.path("instances", instance, "run/control.in"), os.O_RDWR, 0)
	must(l.t, err)
	defer in.Close()
	for range lines {
		_, err := in.WriteString(`{"execute":"query-version"}` + "\n")
		must(l.t, err)
		time.Sleep(2 * time.Millisecond)
	}
}
