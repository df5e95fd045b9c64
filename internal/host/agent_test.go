package host_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestExperiment(t *testing.T) {
	l := newLab(t, testhost.Options{})
	ctx := context.Background()
	d, err := testhost.BuildDebian(ctx)
	must(t, err)
	l.putImage("debian", d.Image)
	begun := time.Now()
	lap := func(what string) { fmt.Println(what, time.Since(begun).Round(time.Millisecond)); begun = time.Now() }
	base, err := l.Create(ctx, host.InstanceSpec{Name: "base", Image: "debian", VCPUs: 2, MemoryMiB: 768, Agent: true,
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user"}}})
	must(t, err)
	defer l.DeleteInstance(ctx, "base", base.UID)
	must(t, l.Start(ctx, base))
	lap("started")
	err = l.Ready(ctx, base, host.Check{Kind: "agent", Timeout: 4 * time.Minute})
	if err != nil {
		fmt.Println(err)
		out, _ := os.ReadFile(l.path("instances", "base", "run", "control.out"))
		fmt.Println(string(out))
		t.FailNow()
	}
	lap("ready")
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
	must(t, err)
	defer l.DeleteSnapshot(ctx, "golden", snap.UID)
	lap("snapshot " + snap.Pause.String())
	fork, err := l.Fork(ctx, host.ForkSpec{Name: "web-a", Source: host.Ref{Kind: host.Snapshots, Name: "golden"}, Renewal: host.Renewal{Hostname: "web-a", MachineID: true, SSHHostKeys: true, Commands: []string{"date; hostname; cat /etc/machine-id; ls -la /etc/ssh; cat /etc/hosts; false"}}})
	must(t, err)
	defer l.DeleteInstance(ctx, "web-a", fork.UID)
	must(t, l.Restore(ctx, fork))
	lap("restored")
	err = l.Awaken(ctx, fork)
	lap("awake")
	fmt.Println(err, time.Now().UTC())
	a, err := l.Addresses(ctx, fork)
	fmt.Println(a, err)
	lap("addresses")
	must(t, l.Stop(ctx, fork, 60*time.Second))
	lap("stopped")
	out, _ := os.ReadFile(l.path("instances", "web-a", "run", "control.out"))
	fmt.Println(string(out))
}
