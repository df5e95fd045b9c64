package host_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestRestrict_CutsTheGuestOffFromTheHost asks a server on the host's loopback,
// directly and by the name server that QEMU has for guests, from guests of both
// kinds. That the others reach it is what QEMU's user network does: SECURITY.md
// says so, and this says when it has changed.
func TestRestrict_CutsTheGuestOffFromTheHost(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the host's loopback") })}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	port := listener.Addr().(*net.TCPAddr).Port
	reaches := func(inst *host.Instance) string {
		t.Helper()
		return l.in(inst, fmt.Sprintf("for a in 10.0.2.2 10.0.2.3; do busybox timeout 5 busybox wget -qO- http://$a:%d/ 2>/dev/null || printf nothing; printf ';'; done", port))
	}
	const open, closed = "the host's loopback;nothing;", "nothing;nothing;"

	if got := reaches(l.fork("unrestricted")); got != open {
		t.Errorf("without restrict the guest reaches %q; want %q", got, open)
	}

	spec, yes := baseSpec("restricted"), true
	lan := spec.Interfaces["lan"]
	lan.Restrict = &yes
	spec.Interfaces["lan"] = lan
	inst := l.boot(spec) // its forward works
	defer func() { must(t, l.DeleteInstance(ctx, inst.Name, inst.UID)) }()
	if got := reaches(inst); got != closed {
		t.Errorf("with restrict the guest reaches %q", got)
	}

	fork := l.forkOf("restricted-fork", host.Ref{Kind: host.Instances, Name: "restricted"}) // live, with its memory
	if got := reaches(fork); got != closed || !fork.Machine.NICs[0].Restrict {
		t.Errorf("a fork of it reaches %q", got)
	}
	must(t, l.Standby(ctx, fork))
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	if got := reaches(fork); got != closed {
		t.Errorf("after standby it reaches %q", got)
	}
}
