package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// TestFork_HasRandomNumbersOfItsOwn asks each of 50 forks of one memory for its
// first random numbers, and its kernel whether it has seen that it is a fork.
func TestFork_HasRandomNumbersOfItsOwn(t *testing.T) {
	l := shared(t)
	const forks = 50
	numbers := map[string]string{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(4)
	for i := range forks {
		name := fmt.Sprintf("random-%d", i)
		group.Go(func() error {
			fork, err := l.Fork(context.Background(), host.ForkSpec{Name: name, Source: common.golden})
			if err != nil {
				return err
			}
			defer func() { _ = l.DeleteInstance(context.Background(), name, fork.UID) }() // its host is seen to be empty
			if err := l.Restore(context.Background(), fork); err != nil {
				return err
			}
			out, err := l.guest(fork).Run(context.Background(), "head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo; dmesg | grep -c 'reseeded due to virtual machine fork'")
			if err != nil {
				return err
			}
			random, reseeded, _ := strings.Cut(strings.TrimSpace(out), "\n")
			mu.Lock()
			defer mu.Unlock()
			if len(random) != 64 || reseeded == "0" {
				t.Errorf("%s said %q; want 32 bytes, and that its kernel has reseeded", name, out)
			}
			if other, same := numbers[random]; same {
				t.Errorf("%s has the random numbers of %s", name, other)
			}
			numbers[random] = name
			return nil
		})
	}
	must(t, group.Wait())
}
