package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A port is claimed once, however many want it at the same time, and whether or
// not somebody who is gone had it before.
func TestClaim_IsOneInstancesAlone(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	const port, many = 20017, 8
	for round, before := range []string{"nobody", "gone"} {
		if before == "gone" {
			must(t, os.Symlink("../instances/claim-gone", l.path("ports", fmt.Sprint(port))))
		}
		var made []*host.Instance
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				inst, err := l.Create(ctx, host.InstanceSpec{
					Name: fmt.Sprintf("claim-%d-%d", round, i), VCPUs: 1, MemoryMiB: 64,
					Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{"x": {Protocol: "tcp", HostPort: port, GuestPort: 1}}}},
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made = append(made, inst)
				} else if !errors.Is(err, host.ErrPort) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(made) != 1 {
			t.Errorf("%s had it before: %d instances have claimed it", before, len(made))
		}
		for _, inst := range made {
			if to, err := os.Readlink(l.path("ports", fmt.Sprint(port))); to != "../instances/"+inst.Name {
				t.Errorf("the claim of %s is of %q, %v", inst.Name, to, err)
			}
			must(t, l.DeleteInstance(ctx, inst.Name, inst.UID))
		}
		if _, err := os.Lstat(l.path("ports", fmt.Sprint(port))); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the claim is still there: %v", err)
		}
	}
}
