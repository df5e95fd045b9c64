package host_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestLife(t *testing.T) {
	l := newLab(t, testhost.Options{})
	ctx := context.Background()
	defer l.clean()
	l.putImages()
	base := l.boot(baseSpec("base"))
	token := l.token(base)
	t.Log("token", token, "state", base.State)

	must(t, l.Standby(ctx, base))
	got, err := l.Instance(ctx, "base")
	must(t, err)
	if got.State != lifecycle.Standby {
		out, _ := exec.Command("sh", "-c", "cd "+l.testhost.DataDir+"; ls -lR instances/base; cat instances/base/instance.json; cat instances/base/checkpoint/machine.json").CombinedOutput()
		t.Log(string(out))
		t.Fatalf("state %s %s", got.State, got.Problem)
	}
	must(t, l.Restore(ctx, got))
	l.await(got)
	if again := l.token(got); again != token {
		t.Fatalf("token %s", again)
	}
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
	must(t, err)
	t.Logf("snapshot pause %s size %d", snap.Pause, snap.SizeBytes)
	begun := time.Now()
	fork, err := l.Fork(ctx, host.ForkSpec{Name: "web-a", Source: host.Ref{Kind: host.Snapshots, Name: "golden"}})
	must(t, err)
	must(t, l.Restore(ctx, fork))
	t.Log("fork running after", time.Since(begun))
	l.await(fork)
	t.Log("fork answers after", time.Since(begun))
	if again := l.token(fork); again != token {
		t.Fatalf("token %s", again)
	}
	must(t, l.Stop(ctx, fork, 20*time.Second))
	got, err = l.Instance(ctx, "web-a")
	must(t, err)
	t.Log(got.State, got.Ended, got.Problem)
	must(t, l.Start(ctx, got))
	l.await(got)
}
