package host_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// An interrupter has something happen to the network when a script has begun on
// the host.
type interrupter struct {
	host.Transport
	script string // the name of the script
	marker string // a file that it makes when it begins
	happen func()
	once   sync.Once
}

func (i *interrupter) Run(ctx context.Context, s ssh.Script) (ssh.Result, error) {
	if s.Name == i.script {
		s.Text = fmt.Sprintf(": >%s\n%s", ssh.Quote(i.marker), s.Text)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go i.await(ctx)
	}
	return i.Transport.Run(ctx, s)
}

func (i *interrupter) await(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := os.Stat(i.marker); err == nil {
			i.once.Do(i.happen)
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// interrupted is l's host with something that happens in the middle of a verb.
func (l *lab) interrupted(script string, happen func()) *host.Host {
	return host.New(l.Config, &interrupter{Transport: l.trips, script: script, marker: l.t.TempDir() + "/begun", happen: happen})
}

func TestVerbs_OutliveALinkThatGoesAwayFor30Seconds(t *testing.T) {
	t.Parallel()
	const outage = 30 * time.Second
	type run struct {
		operation
		lab   *lab
		verb  func(*host.Host) error
		cut   chan struct{} // closed when the link goes
		ended chan error
		took  time.Duration
	}
	var runs []*run
	for _, op := range operations {
		link := testhost.NewLink(t, testhost.LinkOptions{RTT: 20 * time.Millisecond})
		r := &run{operation: op, lab: another(t, testhost.Options{Link: link}), cut: make(chan struct{}), ended: make(chan error, 1)}
		goes := func() {
			link.SetDown(true)
			time.AfterFunc(outage, func() { link.SetDown(false) })
			close(r.cut)
		}
		r.verb = op.prepare(r.lab, goes)
		interrupted := r.lab.interrupted(op.script, goes)
		runs = append(runs, r)
		go func() {
			begun := time.Now()
			err := r.verb(interrupted)
			r.took = time.Since(begun)
			r.ended <- err
		}()
	}
	for _, r := range runs {
		select {
		case <-r.cut:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was not interrupted", r.name)
		}
	}
	time.Sleep(5 * time.Second)
	for _, r := range runs {
		if r.name != "live snapshot" && r.name != "restore" {
			continue
		}
		if said := r.lab.qmp("it", `{"execute":"query-status"}`); !strings.Contains(said, `"running": true`) {
			t.Errorf("%s: after 5 s without a link the guest does not run: %s", r.name, said)
		}
	}
	for _, r := range runs {
		select {
		case err := <-r.ended:
			t.Logf("%s ended after %.1f s: %v", r.name, r.took.Seconds(), err)
			r.wantDone(r.lab, err, r.verb)
		case <-time.After(90 * time.Second):
			t.Fatalf("%s does not end", r.name)
		}
	}
}

func TestVerbs_OutliveARestartOfSSHD(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			l := another(t, testhost.Options{})
			happened := false
			restart := func() {
				happened = true
				l.testhost.StopSSHD() // and all connections
				if err := l.testhost.StartSSHD(context.Background()); err != nil {
					t.Error(err)
				}
			}
			verb := op.prepare(l, restart)
			err := verb(l.interrupted(op.script, restart))
			if err == nil && op.name == "upload" || !happened {
				t.Errorf("it was not interrupted: %v", err)
			}
			op.wantDone(l, err, verb)
		})
	}
}

// What a service manager restarts is the server that listens: its connections
// are other processes, and live on.
func TestVerbs_DoNotMindARestartOfTheServerThatListens(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	restarts := 0
	for _, op := range operations[:3] {
		restart := func() {
			restarts++
			if err := l.testhost.RestartSSHD(context.Background()); err != nil {
				t.Error(err)
			}
		}
		verb := op.prepare(l, restart)
		if err := verb(l.interrupted(op.script, restart)); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
		must(t, op.done(l))
		must(t, l.DeleteInstance(context.Background(), "it", l.find("it").UID))
	}
	log, err := os.ReadFile(l.testhost.SSHDLog)
	must(t, err)
	if n := strings.Count(string(log), "Connection from"); n != 1 || restarts != 3 {
		t.Errorf("%d restarts, %d connections; want 3 and 1", restarts, n)
	}
}
