package host_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A port that a stranger listens on is found by QEMU only.
func TestUpdate_OfForwardsThatFailsLeavesThemAsTheyWere(t *testing.T) {
	l := shared(t)
	fork := l.fork("forwarded")
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer stranger.Close()
	taken := stranger.Addr().(*net.TCPAddr).Port

	wanted := maps.Clone(fork.Forwards["lan"])
	http := wanted["http"]
	http.HostPort = taken
	wanted["http"] = http
	wanted["more"] = qemu.Forward{Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22}
	before := fork.Record
	if err = l.Update(context.Background(), fork, host.Change{Forwards: map[string]map[string]qemu.Forward{"lan": wanted}}); err == nil {
		t.Fatal("no error")
	}
	if now := l.find("forwarded"); len(now.Lost) > 0 || len(now.Forwards["lan"]) != 1 || now.Forwards["lan"]["http"] != before.Forwards["lan"]["http"] {
		t.Errorf("it has %v, without %v", now.Forwards, now.Lost)
	}
	if l.token(fork) != common.token {
		t.Error("its forward does not lead to it any more")
	}
	if _, err := os.Lstat(l.path("ports", fmt.Sprint(taken))); err == nil {
		t.Error("the port is claimed nevertheless")
	}
}

func TestSnapshot_OfAnInstanceWhoseKernelWasTakenAway(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst := l.fork("kernelless")
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.Update(ctx, inst, host.Change{Kernel: &host.KernelSpec{}}))
	if snap := l.take("kernelless", "kernelless"); snap.Problem != "" || snap.Kernel() != (host.KernelSpec{}) {
		t.Errorf("%+v", snap)
	}
}
