package host_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func newManagedYard(t *testing.T) *yard {
	t.Helper()
	needsNetworks(t)
	return newYard(t, testhost.Options{})
}

// needsNetworks skips a test where a network lacks a program.
func needsNetworks(t *testing.T) {
	t.Helper()
	for _, program := range []string{"ip", "nft", "dnsmasq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("this needs ip, nft and dnsmasq (packages iproute2, nftables, dnsmasq-base)")
		}
	}
}

// networkedSpec is the tiny guest with a card by which it is asked and nothing
// else, and one on a network, for which it asks for an address.
func networkedSpec(name, network string) host.InstanceSpec {
	spec := baseSpec(name)
	spec.MemoryMiB = 128
	spec.Kernel.CommandLine += " testguest.dhcp"
	spec.Interfaces["lan"] = host.InterfaceSpec{Type: "user", Restrict: new(true), Forwards: map[string]qemu.Forward{"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80}}}
	spec.Interfaces["wire"] = host.InterfaceSpec{Type: "bridge", Network: network}
	return spec
}

// leased is the address that a guest was given for its card on a network.
func (y *yard) leased(inst *host.Instance) string {
	y.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		for line := range strings.Lines(y.cards(inst)) {
			if mac, address, _ := strings.Cut(strings.TrimSpace(line), " "); mac == macOf(inst) && address != "" {
				return address
			}
		}
	}
	y.t.Fatalf("%s was given no address: %s\n%s", inst.Name, y.cards(inst), y.in(inst, "dmesg | tail -n 5"))
	return ""
}

// connects reports whether a guest gets through to a TCP port.
func (y *yard) connects(inst *host.Instance, address string, port int) bool {
	y.t.Helper()
	return strings.Contains(y.in(inst, fmt.Sprintf("busybox nc -w 3 %s %d </dev/null >/dev/null 2>&1 && echo through || true", address, port)), "through")
}

// listener takes TCP connections on an address of the test's, of which the host
// has the next one.
func (y *yard) listener() (address string, port int) {
	y.t.Helper()
	address = netip.MustParseAddr(y.link.HostAddress).Prev().String()
	l, err := net.Listen("tcp", address+":0")
	must(y.t, err)
	y.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return address, l.Addr().(*net.TCPAddr).Port
}

func TestNetwork_GivesGuestsAddressesAndNamesAndKeepsThemApart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	y := newManagedYard(t)
	y.putImages()
	lan, err := y.CreateNetwork(ctx, host.NetworkSpec{Name: "lan", NAT: true, Domain: "lan.internal"})
	must(t, err)
	dmzSpec := host.NetworkSpec{Name: "dmz", CIDR: "10.9.8.0/24", First: "10.9.8.20", Last: "10.9.8.29", Domain: "dmz.internal"}
	dmz, err := y.CreateNetwork(ctx, dmzSpec)
	must(t, err)
	for name, cidr := range map[string]string{"same": lan.CIDR, "within": "10.9.8.128/25", "around": "10.9.0.0/16"} {
		if _, err := y.CreateNetwork(ctx, host.NetworkSpec{Name: name, CIDR: cidr, Domain: "x"}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "overlaps") {
			t.Errorf("%s: %v", name, err)
		}
	}

	base := y.boot(networkedSpec("base", "lan"))
	address := y.leased(base)
	if !netip.MustParsePrefix(lan.CIDR).Contains(netip.MustParseAddr(address)) {
		t.Errorf("base has %s, which is not of %s", address, lan.CIDR)
	}
	y.in(base, "busybox route del default gw 10.0.2.2 || true")
	addresses := map[string]string{address: "base"}
	all := []*host.Instance{base}
	for _, name := range []string{"fork-0", "fork-1", "outsider"} {
		spec := host.ForkSpec{Name: name, Source: host.Ref{Kind: host.Instances, Name: "base"}}
		if name == "outsider" {
			spec.Interfaces = map[string]host.InterfaceSpec{"lan": {Type: "user"}, "wire": {Type: "bridge", Network: "dmz"}}
		}
		fork, err := y.Fork(ctx, spec)
		must(t, err)
		must(t, y.Restore(ctx, fork))
		all = append(all, fork)
	}
	for _, fork := range all[1:] {
		address := y.leased(fork)
		if owner := addresses[address]; owner != "" {
			t.Errorf("%s has the address %s of %s", fork.Name, address, owner)
		}
		addresses[address] = fork.Name
	}
	fork, outsider := all[1], all[3]
	if address := y.leased(outsider); !strings.HasPrefix(address, "10.9.8.2") {
		t.Errorf("the fork on another network has %s", address)
	}
	for _, name := range []string{"base", "fork-1", "fork-1.lan.internal"} {
		found := y.in(fork, "busybox nslookup "+name+" "+lan.Gateway()+" 2>&1 || true")
		want := map[string]string{"base": y.leased(base)}[name]
		if want == "" {
			want = y.leased(all[2])
		}
		if !strings.Contains(found, want) {
			t.Errorf("%s is found as %q; want %s", name, found, want)
		}
	}

	far, port := y.listener()
	for name, c := range map[string]struct{ works, wanted bool }{
		"a fork to its source":             {y.reaches(fork, y.leased(base)), true},
		"a fork to another":                {y.reaches(fork, y.leased(all[2])), true},
		"a guest to the host in it":        {y.reaches(fork, lan.Gateway()), true},
		"a guest to the world":             {y.connects(fork, far, port), true},
		"the test's port, by itself":       {y.connects(fork, far, port+1), false},
		"a guest to the host's SSH":        {y.connects(fork, y.link.HostAddress, y.testhost.Port), false},
		"a guest to SSH at the gateway":    {y.connects(fork, lan.Gateway(), y.testhost.Port), false},
		"a guest to another network":       {y.connects(fork, y.leased(outsider), 80), false},
		"the other network to a guest":     {y.connects(outsider, y.leased(fork), 80), false},
		"a guest to the other's host":      {y.reaches(fork, "10.9.8.1"), false},
		"a guest without NAT to the world": {y.connects(outsider, far, port), false},
	} {
		if c.works != c.wanted {
			t.Errorf("%s: works: %t", name, c.works)
		}
	}
	dmzSpec.NAT = true
	must(t, y.UpdateNetwork(ctx, dmz, dmzSpec))
	y.in(outsider, "busybox route add default gw 10.9.8.1")
	for name, c := range map[string]struct{ works, wanted bool }{
		"a guest that got NAT to the world":    {y.connects(outsider, far, port), true},
		"a guest to another network with NAT":  {y.connects(fork, y.leased(outsider), 80), false},
		"the other network with NAT to guests": {y.connects(outsider, y.leased(fork), 80), false},
	} {
		if c.works != c.wanted {
			t.Errorf("%s: works: %t", name, c.works)
		}
	}
	y.in(fork, "busybox route add -net 127.0.0.0 netmask 255.0.0.0 gw "+lan.Gateway()+" && busybox ifconfig lo down")
	if y.connects(fork, "127.0.0.1", y.testhost.Port) {
		t.Error("a guest reaches the host's 127.0.0.1")
	}
	must(t, y.clean())
}

func TestNetwork_IsChangedLiveMendedAfterARebootAndLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	y := newManagedYard(t)
	y.QEMUUser = "nobody" // who opens no tap, but QEMU has by then
	y.putImages()
	spec := host.NetworkSpec{Name: "lan", CIDR: "10.9.8.0/24", Domain: "lan.internal"}
	lan, err := y.CreateNetwork(ctx, spec)
	must(t, err)
	base := y.boot(networkedSpec("base", "lan"))
	y.leased(base)
	index := y.within("ip", "-o", "link", "show", "dev", lan.Bridge())
	index, _, _ = strings.Cut(index, ":")

	spec.CIDR, spec.First, spec.Last, spec.Domain, spec.NAT, spec.Labels = "10.9.7.0/24", "10.9.7.77", "10.9.7.77", "new.internal", true, map[string]string{"a": "b"}
	must(t, y.UpdateNetwork(ctx, lan, spec))
	now, err := y.Network(ctx, "lan")
	must(t, err)
	if !now.Up || now.CIDR != "10.9.7.0/24" || now.Labels["a"] != "b" || now.Gateway() != "10.9.7.1" {
		t.Errorf("it is %+v", now)
	}
	if after, _, _ := strings.Cut(y.within("ip", "-o", "link", "show", "dev", lan.Bridge()), ":"); after != index {
		t.Errorf("the bridge was number %s and is %s", index, after)
	}
	if addresses := y.within("ip", "-4", "-o", "addr", "show", "dev", lan.Bridge()); strings.Contains(addresses, "10.9.8.1") || !strings.Contains(addresses, "10.9.7.1/24") {
		t.Errorf("the host has %s", addresses)
	}
	y.in(base, "busybox ifconfig eth1 0.0.0.0; busybox udhcpc -q -n -t 20 -T 1 -s /tmp/dhcp -i eth1 2>&1")
	if address := y.leased(base); address != "10.9.7.77" {
		t.Errorf("after the change it is given %s", address)
	}

	// A bridge that somebody has removed comes back with the guests that were on it.
	y.within("ip", "link", "del", "dev", lan.Bridge())
	y.Forget()
	if now, err = y.Network(ctx, "lan"); err != nil || now.Up {
		t.Errorf("without its bridge it is up: %v", err)
	}
	must(t, y.UpdateNetwork(ctx, now, spec))
	if !y.reaches(base, "10.9.7.1") {
		t.Error("with a new bridge, the guest does not reach the host")
	}
	if err := y.DeleteNetwork(ctx, "lan", lan.UID); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "guests are connected to it: base") {
		t.Errorf("deleted while a guest is connected: %v", err)
	}
	must(t, y.Standby(ctx, y.read("base")))

	// As after a reboot: what is not on the disk is gone.
	y.within("sh", "-c", `kill "$(cut -d' ' -f1 "$1")" && nft delete table inet "$2" && ip link del dev "$2" && rm -r "/run/terraform-kvm/$3"`, "sh", y.path("networks/lan/run/dnsmasq.pid"), lan.Bridge(), lan.UID)
	y.Forget()
	if now, err = y.Network(ctx, "lan"); err != nil || now.Up {
		t.Errorf("after a reboot it is up: %v", err)
	}
	base = y.read("base")
	if err := y.Restore(ctx, base); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "its network lan is down") {
		t.Errorf("restored to a network that is down: %v", err)
	}
	must(t, y.UpdateNetwork(ctx, now, spec))
	must(t, y.Restore(ctx, base))
	y.await(base)
	if !y.reaches(base, "10.9.7.1") {
		t.Error("after the network was mended, its host is not reached")
	}

	must(t, y.clean())
	for what, left := range map[string]string{
		"bridges": y.within("ip", "-o", "link", "show", "type", "bridge"),
		"tables":  y.within("nft", "list", "tables"),
	} {
		if strings.Contains(left, lan.Bridge()) {
			t.Errorf("%s are left: %s", what, left)
		}
	}
	if _, err := os.Stat("/run/terraform-kvm/" + lan.UID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("names are left: %v", err)
	}
}

func TestNetwork_NeedsRootOrItsPowersAndSaysWhichAreMissing(t *testing.T) {
	if why := testhost.NoPlainUser(); why != "" {
		t.Skip(why)
	}
	t.Parallel()
	for says, some := range map[string][]string{
		"without CAP_NET_ADMIN CAP_NET_BIND_SERVICE:": nil,
		"without CAP_NET_BIND_SERVICE:":               {"net_admin", "net_raw"},
	} {
		if some != nil && os.Geteuid() != 0 {
			t.Skip("only root can give a login capabilities")
		}
		l := newLab(t, testhost.Options{PlainUser: true, Capabilities: some})
		_, err := l.CreateNetwork(t.Context(), host.NetworkSpec{Name: "lan", Domain: "lan.internal"})
		if !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), says) {
			t.Errorf("created by one %s %v", says, err)
		}
	}
}

// TestNetwork_OfALoginThatIsNotRootButMay is by a login that has capabilities,
// which none of its guests' processes has.
func TestNetwork_OfALoginThatIsNotRootButMay(t *testing.T) {
	if why := testhost.NoPlainUser(); why != "" {
		t.Skip(why)
	}
	t.Parallel()
	ctx := t.Context()
	for _, program := range []string{"nft", "dnsmasq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("this needs nft and dnsmasq (packages nftables, dnsmasq-base)")
		}
	}
	y := newYard(t, testhost.Options{PlainUser: true, Mounts: openTun(t), Capabilities: []string{"net_admin", "net_bind_service"}})
	y.putImages()
	spec := host.NetworkSpec{Name: "lan", NAT: true, Domain: "lan.internal"}
	lan, err := y.CreateNetwork(ctx, spec)
	must(t, err)
	base := y.boot(networkedSpec("base", "lan"))
	fork, err := y.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Instances, Name: "base"}})
	must(t, err)
	must(t, y.Restore(ctx, fork))
	if y.leased(base) == y.leased(fork) || !y.reaches(fork, y.leased(base)) || !y.reaches(fork, lan.Gateway()) {
		t.Errorf("base has %s, its fork %s, and does not reach it or %s", y.leased(base), y.leased(fork), lan.Gateway())
	}
	if found := y.in(fork, "busybox nslookup base.lan.internal "+lan.Gateway()+" 2>&1 || true"); !strings.Contains(found, y.leased(base)) {
		t.Errorf("base is found as %q", found)
	}
	for _, name := range []string{"base", "fork"} {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", y.pid(name)))
		must(t, err)
		for _, set := range []string{"CapEff", "CapPrm", "CapInh", "CapAmb"} {
			if !strings.Contains(string(status), set+":\t0000000000000000\n") {
				t.Errorf("the QEMU of %s has capabilities:\n%s", name, status)
				break
			}
		}
	}
	if now, err := y.Network(ctx, "lan"); err != nil || !now.Up {
		t.Errorf("it is not up: %v", err)
	}
	if err := y.DeleteNetwork(ctx, "lan", lan.UID); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "guests are connected to it: base fork") {
		t.Errorf("deleted while guests are connected: %v", err)
	}

	// A tap that is free is the next guest's: there are as many as guests at once.
	must(t, y.Standby(ctx, y.read("base")))
	other, err := y.Fork(ctx, host.ForkSpec{Name: "other", Source: host.Ref{Kind: host.Instances, Name: "base"}})
	must(t, err)
	must(t, y.Restore(ctx, other))
	y.leased(other)
	if taps := strings.Count(y.within("ip", "-o", "link", "show", "master", lan.Bridge()), "\n"); taps != 2 {
		t.Errorf("there are %d taps", taps)
	}
	must(t, y.Restore(ctx, y.read("base"))) // whose tap has the name of the other's
	if !y.reaches(other, y.leased(base)) {
		t.Error("base is not reached any more")
	}

	must(t, y.clean())
	for what, left := range map[string]string{
		"links":  y.within("ip", "-o", "link", "show"),
		"tables": y.within("nft", "list", "tables"),
	} {
		if strings.Contains(left, lan.Bridge()) || strings.Contains(left, "terraform-kvm") {
			t.Errorf("%s are left: %s", what, left)
		}
	}
}
