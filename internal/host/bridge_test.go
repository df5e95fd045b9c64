package host_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A yard is a lab in a network namespace of its own, in which there is a bridge.
// All that is made there is gone with it.
type yard struct {
	*lab
	link *testhost.Link
}

func newYard(t *testing.T, opts testhost.Options) *yard {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("this needs ip (package iproute2)")
	}
	opts.Link = testhost.NewLink(t, testhost.LinkOptions{})
	y := &yard{newLab(t, opts), opts.Link}
	y.far = true
	y.within("ip", "link", "add", "br0", "type", "bridge")
	y.within("ip", "link", "set", "br0", "up")
	return y
}

// within runs a command on the host.
func (y *yard) within(argv ...string) string {
	y.t.Helper()
	argv = y.link.Within(argv...)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		y.t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

// bridgedSpec is the tiny guest with a card by which it is asked, and one on a
// bridge.
func bridgedSpec(name string) host.InstanceSpec {
	spec := baseSpec(name)
	spec.MemoryMiB = 128
	spec.Interfaces["wire"] = host.InterfaceSpec{Type: "bridge", Bridge: "br0"}
	return spec
}

// macOf is the address of an instance's card on the bridge.
func macOf(inst *host.Instance) string {
	for _, nic := range inst.Machine.NICs {
		if nic.Type == "bridge" {
			return nic.MAC
		}
	}
	return ""
}

// wireOf is the address that the tiny guest then has.
func wireOf(inst *host.Instance) string {
	mac, _ := net.ParseMAC(macOf(inst))
	return fmt.Sprintf("10.77.%d.%d", mac[4], mac[5])
}

// cards are the addresses that a guest itself sees, a line of both for each card
// that is up, but for the loopback.
func (y *yard) cards(inst *host.Instance) string {
	y.t.Helper()
	return y.in(inst, `for i in /sys/class/net/eth*; do
		echo "$(cat "$i/address") $(busybox ifconfig "${i##*/}" | busybox sed -n 's/.*inet addr:\([0-9.]*\).*/\1/p')"
	done | busybox sort`)
}

// awaitWire waits until a guest has its card on the bridge, with its address.
func (y *yard) awaitWire(inst *host.Instance) {
	y.t.Helper()
	want := macOf(inst) + " " + wireOf(inst)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		cards := y.cards(inst)
		if strings.Contains(cards, want) {
			return
		}
		if time.Now().After(end) {
			y.t.Fatalf("%s has the cards %q; want %s", inst.Name, cards, want)
		}
	}
}

// reaches reports whether a guest has an answer from an address.
func (y *yard) reaches(inst *host.Instance, address string) bool {
	y.t.Helper()
	return strings.Contains(y.in(inst, "busybox ping -c 3 -W 2 "+address+" || true"), "bytes from "+address)
}

func (y *yard) taps() int {
	y.t.Helper()
	return strings.Count(y.within("ip", "-o", "link", "show", "master", "br0"), "\n")
}

func TestBridge_ForksOfAGuestTalkToItAndToEachOtherByAddressesOfTheirOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	y := newYard(t, testhost.Options{})
	y.putImages()
	base := y.boot(bridgedSpec("base"))
	y.awaitWire(base)
	token := y.token(base)

	all := []*host.Instance{base}
	macs := map[string]bool{macOf(base): true}
	for i := range forksOnABridge() {
		name := fmt.Sprintf("fork-%d", i)
		fork, err := y.Fork(ctx, host.ForkSpec{Name: name, Source: host.Ref{Kind: host.Instances, Name: "base"}})
		must(t, err)
		begun := time.Now()
		must(t, y.Restore(ctx, fork))
		t.Logf("%s was restored with a card of its own after %d ms", name, time.Since(begun).Milliseconds())
		if macs[macOf(fork)] {
			t.Errorf("%s has the address %s, which another has", name, macOf(fork))
		}
		macs[macOf(fork)] = true
		all = append(all, fork)
	}
	for _, fork := range all[1:] {
		y.awaitWire(fork)
		if got := y.token(fork); got != token {
			t.Errorf("%s has the token %s; want %s", fork.Name, got, token)
		}
		if cards := y.cards(fork); strings.Contains(cards, macOf(base)) || strings.Count(cards, "\n") != 2 {
			t.Errorf("%s has the cards %q; want two, and none with %s", fork.Name, cards, macOf(base))
		}
	}
	for i, from := range all {
		for _, to := range []*host.Instance{base, all[(i+1)%len(all)]} {
			if !y.reaches(from, wireOf(to)) {
				t.Errorf("%s does not reach %s", from.Name, to.Name)
			}
		}
	}
	if taps := y.taps(); taps != len(all) {
		t.Errorf("%d taps are on the bridge; want %d", taps, len(all))
	}
	must(t, y.clean())
	if left := y.within("ip", "-o", "link", "show", "type", "tun"); strings.Contains(left, "terraform-kvm") || y.taps() != 0 {
		t.Errorf("left behind: %s", left)
	}
}

// forksOnABridge is how many forks are to talk to each other.
func forksOnABridge() int {
	if n, err := strconv.Atoi(os.Getenv("KVM_TEST_FORKS")); err == nil {
		return n
	}
	return 4
}

func TestBridge_StandbyRollbackAndForksOfForksKeepOrGetTheRightAddress(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	y := newYard(t, testhost.Options{})
	y.putImages()
	spec := bridgedSpec("base")
	spec.Interfaces["wire"] = host.InterfaceSpec{Type: "bridge", Bridge: "br0", MAC: "02:00:01:00:00:AB"}
	base := y.boot(spec)
	if macOf(base) != "02:00:01:00:00:ab" {
		t.Errorf("it has the address %s", macOf(base))
	}
	y.awaitWire(base)
	spec.Name = "twin"
	if _, err := y.Create(ctx, spec); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "is the MAC address of instance base") {
		t.Errorf("another one with the same address: %v", err)
	}

	must(t, y.Standby(ctx, base))
	base = y.read("base")
	must(t, y.Restore(ctx, base))
	y.awaitWire(base)
	if macOf(base) != "02:00:01:00:00:ab" || y.read("base").Machine.NICs[1].Port != 0 {
		t.Errorf("after standby it has %+v", y.read("base").Machine.NICs)
	}

	// A fork that never ran is forked, and itself snapshotted and rolled back.
	must(t, y.Standby(ctx, base))
	_, err := y.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Instances, Name: "base"}})
	must(t, err)
	fresh, err := y.TakeSnapshot(ctx, host.SnapshotSpec{Name: "fresh", Instance: "fork"})
	must(t, err)
	_, err = y.Fork(ctx, host.ForkSpec{Name: "grandchild", Source: host.Ref{Kind: host.Snapshots, Name: "fresh"}})
	must(t, err)
	fork, grandchild := y.read("fork"), y.read("grandchild")
	for _, inst := range []*host.Instance{fork, grandchild} {
		must(t, y.Restore(ctx, inst))
		y.awaitWire(inst)
	}
	if !y.reaches(fork, wireOf(grandchild)) {
		t.Error("the fork does not reach its own fork")
	}
	mac := macOf(fork)
	must(t, y.Standby(ctx, fork))
	later, err := y.TakeSnapshot(ctx, host.SnapshotSpec{Name: "later", Instance: "fork"})
	must(t, err)
	for _, snap := range []*host.Snapshot{fresh, later} {
		fork = y.read("fork")
		must(t, y.Rollback(ctx, fork, y.snapshot(snap.Name)))
		fork = y.read("fork")
		must(t, y.Restore(ctx, fork))
		y.awaitWire(fork)
		if macOf(fork) != mac {
			t.Errorf("rolled back to %s it has the address %s; want %s", snap.Name, macOf(fork), mac)
		}
	}
	// Its card is where it was put, also after a boot.
	must(t, y.Stop(ctx, fork, 20*time.Second))
	must(t, y.Start(ctx, fork))
	y.await(fork)
	y.awaitWire(fork)

	// Another bridge and another address are had by a boot.
	change := host.Change{NICs: map[string]host.NICChange{"wire": {Bridge: "br1", MAC: "02:00:01:00:00:ab"}}}
	if err := y.Update(ctx, fork, change); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "only when it is stopped") {
		t.Errorf("changed while it runs: %v", err)
	}
	must(t, y.Stop(ctx, fork, 20*time.Second))
	if err := y.Update(ctx, fork, change); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "is the MAC address of instance base") {
		t.Errorf("changed to the address of another: %v", err)
	}
	y.within("ip", "link", "add", "br1", "type", "bridge")
	y.within("ip", "link", "set", "br1", "up")
	change.NICs["wire"] = host.NICChange{Bridge: "br1", MAC: "02:00:01:00:00:ac"}
	must(t, y.Update(ctx, fork, change))
	must(t, y.Start(ctx, fork))
	y.await(fork)
	y.awaitWire(fork)
	if taps := y.within("ip", "-o", "link", "show", "master", "br1"); !strings.Contains(taps, "alias terraform-kvm fork wire") {
		t.Errorf("on the other bridge are %q", taps)
	}
	must(t, y.clean())
}

func TestBridge_AForkWhoseGuestDoesNotLetGoIsNotConnected(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	y := newYard(t, testhost.Options{})
	y.putImages()
	spec := bridgedSpec("deaf")
	spec.Kernel.CommandLine += " acpi=off" // no hotplug without
	base := y.boot(spec)
	fork, err := y.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Instances, Name: "deaf"}})
	must(t, err)
	if err := y.Restore(ctx, fork); !errors.Is(err, host.ErrFailed) || !strings.Contains(err.Error(), "does not let go of the network card") {
		t.Errorf("restored: %v", err)
	}
	if fork = y.read("fork"); fork.State != "standby" || fork.Problem != "" {
		t.Errorf("the fork is %s, %s", fork.State, fork.Problem)
	}
	// A script that is killed meanwhile leaves what the next one does not mistake for
	// a fork that runs.
	killed := make(chan error)
	go func() { killed <- y.Restore(ctx, fork) }()
	eventually(t, time.Minute, "replacing", func() bool {
		_, err := os.Stat(y.path("instances/fork/run/replacing"))
		said, _ := os.ReadFile(y.path("instances/fork/run/control.out"))
		return err == nil && strings.Contains(string(said), "RESUME")
	})
	y.in(base, "true")
	y.killScript("fork", "control")
	if err := <-killed; err == nil {
		t.Error("a script that was killed restored it")
	}
	if fork = y.read("fork"); fork.State != "standby" || fork.Problem != "" {
		t.Errorf("after that the fork is %s, %s", fork.State, fork.Problem)
	}
	if err := y.Restore(ctx, fork); !errors.Is(err, host.ErrFailed) {
		t.Errorf("restored: %v", err)
	}
	fork = y.read("fork")
	y.wantTidy(fork)
	if taps := y.taps(); taps != 1 {
		t.Errorf("%d taps are on the bridge; want the source's", taps)
	}
	y.await(base)
	must(t, y.clean())
}

func TestBridge_ThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	y := newYard(t, testhost.Options{})
	y.putImages()
	spec := bridgedSpec("base")
	spec.Interfaces["wire"] = host.InterfaceSpec{Type: "bridge", Bridge: "br9"}
	inst, err := y.Create(t.Context(), spec)
	must(t, err)
	if err := y.Start(t.Context(), inst); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "there is no bridge br9") {
		t.Errorf("started: %v", err)
	}
	must(t, y.clean())
}

// openTun is a /dev/net/tun that anybody may open, as on most hosts.
func openTun(t *testing.T) map[string]string {
	t.Helper()
	tun := filepath.Join(t.TempDir(), "tun")
	if err := unix.Mknod(tun, unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))); err != nil {
		t.Skip("this needs a device of its own: ", err)
	}
	must(t, os.Chmod(tun, 0o666))
	return map[string]string{"/dev/net/tun": tun}
}

func TestBridge_APlainUserTakesTapsThatWerePreparedForThem(t *testing.T) {
	if why := testhost.NoPlainUser(); why != "" {
		t.Skip(why)
	}
	t.Parallel()
	ctx := t.Context()
	y := newYard(t, testhost.Options{PlainUser: true, Mounts: openTun(t)})
	y.putImages()
	base, err := y.Create(ctx, bridgedSpec("base"))
	must(t, err)
	if err := y.Start(ctx, base); !errors.Is(err, host.ErrUnfit) || !strings.Contains(err.Error(), "ip tuntap add dev NAME mode tap user "+y.testhost.User) {
		t.Errorf("without a tap: %v", err)
	}
	owner, err := os.Stat(y.testhost.DataDir)
	must(t, err)
	uid := fmt.Sprint(owner.Sys().(*syscall.Stat_t).Uid)
	for _, tap := range []string{"tap-a", "tap-b"} {
		y.within("ip", "tuntap", "add", "dev", tap, "mode", "tap", "user", uid)
		y.within("ip", "link", "set", "dev", tap, "master", "br0", "up")
	}
	must(t, y.Start(ctx, base))
	y.await(base)
	y.awaitWire(base)
	fork, err := y.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Instances, Name: "base"}})
	must(t, err)
	must(t, y.Restore(ctx, fork))
	y.awaitWire(fork)
	if !y.reaches(fork, wireOf(base)) {
		t.Error("the fork does not reach its source")
	}
	must(t, y.Standby(ctx, y.read("base"))) // its receiver needs no tap, and its own is free
	third, err := y.Fork(ctx, host.ForkSpec{Name: "third", Source: host.Ref{Kind: host.Instances, Name: "fork"}})
	must(t, err)
	must(t, y.Restore(ctx, third))
	y.awaitWire(third)
	must(t, y.clean())
	if taps := y.taps(); taps != 2 {
		t.Errorf("%d taps are on the bridge; want the two that were prepared", taps)
	}
}

// read is an instance as it is now.
func (y *yard) read(name string) *host.Instance {
	y.t.Helper()
	y.Forget()
	inst, err := y.Instance(context.Background(), name)
	must(y.t, err)
	return inst
}

func (y *yard) snapshot(name string) *host.Snapshot {
	y.t.Helper()
	snap, err := y.Snapshot(context.Background(), name)
	must(y.t, err)
	return snap
}
