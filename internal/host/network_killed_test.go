package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A wiredLab is a host in a namespace of its own, with what shows what networks
// have there.
type wiredLab struct {
	*lab
	link *testhost.Link
}

func (w *wiredLab) says(argv ...string) string {
	argv = w.link.Within(argv...)
	out, _ := exec.Command(argv[0], argv[1:]...).Output() // it fails for what is not there
	return string(out)
}

func (w *wiredLab) network(name string) *host.Network {
	w.t.Helper()
	w.Forget()
	n, err := w.Network(context.Background(), name)
	must(w.t, err)
	return n
}

// served are the arguments of the dnsmasqs that the host's networks have.
func (w *wiredLab) served() (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range files {
		command, _ := os.ReadFile(file) // it may just have gone
		if strings.HasPrefix(string(command), "dnsmasq\x00") || strings.Contains(string(command), "/dnsmasq\x00") {
			if strings.Contains(string(command), w.path("networks")) {
				found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
	}
	return found
}

// agrees wants what the host has of a network that is up to be what its metadata
// says.
func (w *wiredLab) agrees(n *host.Network) {
	w.t.Helper()
	_, length, _ := strings.Cut(n.CIDR, "/")
	if addresses := w.says("ip", "-4", "-o", "addr", "show", "dev", n.Bridge()); strings.Count(addresses, "inet ") != 1 || !strings.Contains(addresses, " "+n.Gateway()+"/"+length+" ") {
		w.t.Errorf("its bridge has the addresses %q; want %s/%s", addresses, n.Gateway(), length)
	}
	rules := w.says("nft", "list", "table", "inet", n.Bridge())
	if !strings.Contains(rules, "ip saddr != "+n.CIDR) || strings.Contains(rules, "masquerade") != n.NAT {
		w.t.Errorf("its rules are %s; want them for %s, with NAT: %t", rules, n.CIDR, n.NAT)
	}
	served := w.served()
	if len(served) != 1 || !strings.Contains(served[0], "--domain="+n.Domain+" ") || !strings.Contains(served[0], ","+n.Gateway()+" ") {
		w.t.Errorf("what is served is %q; want %s with the gateway %s", served, n.Domain, n.Gateway())
	}
}

// nothing wants no part of any network to be left.
func (w *wiredLab) nothing() {
	w.t.Helper()
	if left := w.says("ip", "-o", "link", "show", "type", "bridge") + w.says("nft", "list", "tables") + strings.Join(w.served(), "\n"); left != "" {
		w.t.Errorf("left is %s", left)
	}
}

// A script that is killed at any of its steps leaves a network that is what its
// metadata says, or is told to be down; and whatever is left of one that was being
// made or deleted goes with it.
func TestNetwork_OfWhichTheChangeIsKilledIsDownOrWhatItIsToBe(t *testing.T) {
	t.Parallel()
	needsNetworks(t)
	link := testhost.NewLink(t, testhost.LinkOptions{})
	w := &wiredLab{newLab(t, testhost.Options{Link: link}), link}
	ctx := context.Background()
	was := host.NetworkSpec{Name: "shot", CIDR: "10.9.8.0/24", NAT: true, Domain: "was.internal"}
	becomes := host.NetworkSpec{Name: "shot", CIDR: "10.9.9.0/24", Domain: "becomes.internal"}
	sabotaged := func(script string) (*lab, *saboteur) {
		l, s := w.sabotaged(t, script, shot, "ip", "nft", "rm", "kill")
		s.within = link.Within()
		return l, s
	}
	lost := func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
	}
	gone := func() {
		w.Forget()
		if n, err := w.Network(ctx, "shot"); err == nil {
			must(t, w.DeleteNetwork(ctx, "shot", n.UID))
		}
		w.nothing()
	}

	l, s := sabotaged("create")
	s.each(t, func() error { _, err := l.CreateNetwork(ctx, was); return err }, func(err error) {
		if lost(err); err == nil {
			w.agrees(w.network("shot"))
		}
		gone()
	})

	_, err := w.CreateNetwork(ctx, was)
	must(t, err)
	l, s = sabotaged("update")
	s.each(t, func() error {
		must(t, w.UpdateNetwork(ctx, w.network("shot"), was))
		return l.UpdateNetwork(ctx, w.network("shot"), becomes)
	}, func(err error) {
		lost(err)
		if n := w.network("shot"); n.Up {
			w.agrees(n)
		} else if err == nil {
			t.Error("it is down")
		}
		must(t, w.UpdateNetwork(ctx, w.network("shot"), becomes))
		w.agrees(w.network("shot"))
	})
	gone()

	l, s = sabotaged("delete")
	s.each(t, func() error {
		n, err := w.CreateNetwork(ctx, was)
		must(t, err)
		return l.DeleteNetwork(ctx, "shot", n.UID)
	}, func(err error) {
		lost(err)
		gone()
	})
	if s.n < 2 {
		t.Error(fmt.Sprint("there were too few steps: ", s.n))
	}
}
