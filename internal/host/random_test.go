package host_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// TestFork_HasRandomNumbersOfItsOwn asks forks of one memory for their first random
// numbers, and their kernels whether they have seen that they are forks: for up to
// a minute one that has not draws the same as its siblings. The tiny guest's, which
// is that of Debian 12 for clouds, does not know vmgenid.
func TestFork_HasRandomNumbersOfItsOwn(t *testing.T) {
	l := newDebianLab(t)
	forks := 6
	if n, err := strconv.Atoi(os.Getenv("KVM_TEST_FORKS")); err == nil {
		forks = n
	}
	numbers := map[string]string{}
	for i := range forks {
		name := fmt.Sprintf("random-%d", i)
		fork, err := l.Fork(t.Context(), host.ForkSpec{Name: name, Source: debian})
		must(t, err)
		must(t, l.Restore(t.Context(), fork))
		out := l.inGuest(fork, "head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo; dmesg | grep -c 'reseeded due to virtual machine fork' || :")
		must(t, l.DeleteInstance(context.Background(), name, fork.UID))
		random, reseeded, _ := strings.Cut(out, "\n")
		if len(random) != 64 || reseeded == "0" {
			t.Errorf("%s said %q; want 32 bytes, and that its kernel has reseeded", name, out)
		}
		if other, same := numbers[random]; same {
			t.Errorf("%s has the random numbers of %s", name, other)
		}
		numbers[random] = name
	}
}

// TestAwaken_GivesAGuestRandomNumbers has a guest's kernel take what is sent to it,
// whether or not it needs that.
func TestAwaken_GivesAGuestRandomNumbers(t *testing.T) {
	l := newDebianLab(t)
	fork := l.forkDebian(host.ForkSpec{Name: "web"})
	if said := l.inGuest(fork, "for program in perl python3; do command -v $program; done | wc -l"); said != "2" {
		t.Fatalf("the guest has %s of perl and python3; want both", said)
	}
	l.agent(fork, host.Reseed())
	l.inGuest(fork, "mv /usr/bin/perl /usr/bin/perl.away")
	l.agent(fork, host.Reseed())
	l.inGuest(fork, "mv /usr/bin/python3 /usr/bin/python3.away")
	l.agent(fork, host.Reseed())
}
