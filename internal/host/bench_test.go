package host_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// touch makes the guest write to so much of its memory.
func (l *lab) touch(inst *host.Instance, mib int) {
	l.t.Helper()
	l.in(inst, fmt.Sprintf("(dd if=/dev/zero bs=1M count=%d | tr '\\000' x >/touched; touch /done) >/dev/null 2>&1 &", mib))
	for deadline := time.Now().Add(5 * time.Minute); l.in(inst, "ls / | grep -c done || :") != "1\n"; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			l.t.Fatalf("the guest did not write %d MiB", mib)
		}
	}
}

// BenchmarkFork shows that a fork takes the same time whatever its memory: from
// a snapshot in which half of the memory was touched, to a running guest, and to
// its first answer. With UEFI what is in the flash chips is a part of the state of
// its devices, too.
func BenchmarkFork(b *testing.B) {
	for _, c := range []struct {
		mib      int
		firmware string
	}{{256, qemu.FirmwareBIOS}, {512, qemu.FirmwareBIOS}, {4096, qemu.FirmwareBIOS}, {256, qemu.FirmwareUEFI}} {
		mib := c.mib
		b.Run(fmt.Sprintf("%dMiB-%s", mib, c.firmware), func(b *testing.B) {
			l := newLab(b, testhost.Options{})
			defer func() { must(b, l.clean()) }()
			ctx := context.Background()
			l.putImages()
			spec := baseSpec("base")
			spec.MemoryMiB, spec.Firmware = mib, c.firmware
			base := l.boot(spec)
			l.touch(base, mib/2)
			begun := time.Now()
			snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
			must(b, err)
			took := time.Since(begun)
			must(b, l.DeleteInstance(ctx, base.Name, base.UID))
			devices, err := os.Stat(l.path("snapshots/golden/checkpoint/device-state"))
			must(b, err)

			var running, answer time.Duration
			for i := 0; b.Loop(); i++ {
				begun := time.Now()
				fork, err := l.Fork(ctx, host.ForkSpec{Name: fmt.Sprintf("fork-%d", i), Source: host.Ref{Kind: host.Snapshots, Name: "golden"}})
				must(b, err)
				must(b, l.Restore(ctx, fork))
				running += time.Since(begun)
				l.await(fork)
				answer += time.Since(begun)
				must(b, l.DeleteInstance(ctx, fork.Name, fork.UID))
			}
			b.ReportMetric(float64(snap.Pause.Milliseconds()), "ms-pause") // after the loop, which resets them
			b.ReportMetric(float64(devices.Size())/1024, "KiB-devices")
			b.ReportMetric(float64(took.Milliseconds()), "ms-snapshot")
			b.ReportMetric(float64(running.Milliseconds())/float64(b.N), "ms-running/op")
			b.ReportMetric(float64(answer.Milliseconds())/float64(b.N), "ms-answer/op")
		})
	}
}
