package host_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func TestLock_IsWaitedForAWhileAndItsHolderNamed(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("locked")
	impatient := connectWith(l.testhost, strings.Replace(host.Prelude, "LOCK_SECONDS=120", "LOCK_SECONDS=1", 1))
	t.Cleanup(func() { _ = impatient.Close() })

	held := make(chan error, 1)
	go func() {
		_, err := l.trips.Transport.Run(ctx, ssh.Script{Name: "hold", Text: "lock \"$1\" && sleep 4", Args: []string{l.path("instances/locked")}})
		held <- err
	}()
	var err error
	for end := time.Now().Add(3 * time.Second); err == nil && time.Now().Before(end); {
		err = impatient.Update(ctx, fork, host.Change{DeletionProtection: new(!fork.DeletionProtection)}) // until the other has it
	}
	want := fmt.Sprintf("of %s, who is logged in from 127.0.0.1, has held its lock for more than 1 s", l.testhost.User)
	if !errors.Is(err, host.ErrBusy) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want it busy, %q", err, want)
	}
	must(t, <-held)
	must(t, impatient.Update(ctx, fork, host.Change{DeletionProtection: new(false)}))
}
