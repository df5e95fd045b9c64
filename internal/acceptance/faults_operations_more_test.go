package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testguest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// volumeOf is a volume of the name $p-v.
func volumeOf(gib int) string {
	return fmt.Sprintf("resource \"kvm_volume\" \"$p-v\" {\n  name = \"$p-v\"\n  size_gib = %d\n}\n", gib)
}

const itsVolume = "disks = { data = { volume = kvm_volume.$p-v.id } }"

// volumeOperations are those on volumes. off is a stopped instance.
func (l *lab) volumeOperations(off string) []operation {
	const a, b = "$p-a", "$p-b"
	v, more := volumeOf(1), volumeOf(2)
	with := func(o operation) operation {
		o.volumes = []string{"v"}
		return o
	}
	offWith := strings.TrimSuffix(strings.TrimSpace(off), "}") + itsVolume + "\n}\n"
	after := "depends_on = [kvm_instance.$p-a]"
	return []operation{
		{name: "create a volume", target: "resource \"kvm_volume\" \"$p-v\" {\n  name = \"$p-v\"\n  image = \"default/images/disk\"\n  size_gib = 1\n}\n"},
		with(operation{name: "grow a volume", setup: v, target: more}),
		{name: "delete a volume", setup: v},
		with(operation{name: "attach a volume", setup: v + fork(a), target: v + fork(a, itsVolume), guests: []string{"a"}, process: true}),
		with(operation{name: "attach a volume, stopped", setup: v + off, target: v + offWith}),
		with(operation{name: "grow an attached volume", setup: v + fork(a, itsVolume), target: more + fork(a, itsVolume), guests: []string{"a"}, process: true}),
		with(operation{name: "detach a volume", setup: v + fork(a, itsVolume), target: v + fork(a, "disks = {}"), guests: []string{"a"}, process: true}),
		with(operation{name: "detach a volume, stopped", setup: v + offWith, target: v + strings.Replace(off, "state", "disks = {}\n state", 1)}),
		with(operation{name: "move a volume", setup: v + fork(a, itsVolume) + fork(b, "disks = {}", after),
			target: v + fork(a, "disks = {}") + fork(b, itsVolume, after), guests: []string{"a", "b"}, process: true}),
	}
}

// diskOperations are those on disks of an instance's own.
func (l *lab) diskOperations() []operation {
	const a = "$p-a"
	own := func(gib int) string { return fmt.Sprintf("disks = { scratch = { size_gib = %d } }", gib) }
	return []operation{
		{name: "attach a disk", setup: fork(a), target: fork(a, own(1)), guests: []string{"a"}, process: true},
		{name: "grow a disk", setup: fork(a, own(1)), target: fork(a, own(2)), guests: []string{"a"}, process: true},
		{name: "detach a disk", setup: fork(a, own(1)), target: fork(a, "disks = {}"), guests: []string{"a"}, process: true},
	}
}

// bootOperations are those on what a guest boots from beside its disk.
func (l *lab) bootOperations() []operation {
	const a, b = "$p-a", "$p-b"
	uefi := strings.Replace(strings.Replace(stopped(a), `"stopped"`, `"running"`, 1), "image ", "memory_mib = 128\n\t\tfirmware = \"uefi\"\n\t\timage ", 1)
	sown := func(ctx context.Context, p string) error {
		seed, err := os.ReadFile(l.path("instances", p+"-a", "boot", "seed.iso"))
		if err == nil && !strings.Contains(string(seed), "#!two") {
			err = errors.New("it has another seed than was declared")
		}
		return err
	}
	ofUEFI := fmt.Sprintf("resource \"kvm_instance\" %q {\n  name = %q\n  fork_of = kvm_instance.%s.id\n}\n", b, b, a)
	return []operation{
		{name: "change a seed", setup: seeded(a, "#!one", "restart"), target: seeded(a, "#!two", "restart"), process: true, holds: sown},
		{name: "create on UEFI", target: uefi, process: true},
		{name: "fork on UEFI", setup: uefi, target: uefi + ofUEFI, process: true, copies: true},
	}
}

// wired is a snapshot of a guest with a card on a network that is not there any
// more: a fork of it that names another one is given another card.
const wired = "wired"

// wire makes wired.
func (l *lab) wire(ctx context.Context) error {
	yard, err := l.driver.CreateNetwork(ctx, host.NetworkSpec{Name: "yard", NAT: true, Domain: "yard.internal"})
	if err != nil {
		return err
	}
	inst, err := l.driver.Create(ctx, host.InstanceSpec{
		Name: wired, Image: "disk", VCPUs: 1, MemoryMiB: 128,
		Kernel: &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: testhost.CommandLine + " testguest.dhcp"},
		Interfaces: map[string]host.InterfaceSpec{
			"lan":  {Type: "user", Forwards: map[string]qemu.Forward{"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80}}},
			"wire": {Type: "bridge", Network: "yard"},
		},
	})
	if err != nil {
		return err
	}
	if err := l.driver.Start(ctx, inst); err != nil {
		return err
	}
	if _, err := l.tokenOf(ctx, wired); err != nil {
		return err
	}
	snap, err := l.driver.TakeSnapshot(ctx, host.SnapshotSpec{Name: wired, Instance: wired})
	if err != nil {
		return err
	}
	return errors.Join(l.keep(ctx, "snapshots/"+wired, snap.UID),
		l.driver.DeleteInstance(ctx, wired, inst.UID), l.driver.DeleteNetwork(ctx, yard.Name, yard.UID))
}

// networkOperations are those on networks, and on guests that are on one.
func (l *lab) networkOperations() []operation {
	const a = "$p-a"
	net := func(lines string) string {
		return "resource \"kvm_network\" \"$p-n\" {\n  name = \"$p-n\"\n  " + lines + "\n}\n"
	}
	on := forkOf(a, "default/snapshots/"+wired, "network_interfaces = { lan = {}, wire = { type = \"bridge\", network = kvm_network.$p-n.id } }")
	changed := "nat = false\n  domain = \"changed.internal\""
	operations := []operation{
		{name: "create a network", target: net("")},
		{name: "change a network", setup: net("") + on, target: net(changed) + on, process: true, holds: l.hasItsCard},
		{name: "delete a network", setup: net("")},
		{name: "fork onto a network", setup: net(""), target: net("") + on, process: true, holds: l.hasItsCard},
		{name: "delete an instance on a network", setup: net("") + on, target: net(""), process: true},
	}
	lacks := ""
	if l.link == nil {
		lacks = testhost.ErrNoLink.Error()
	}
	for _, program := range []string{"ip", "nft", "dnsmasq"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks = "this needs ip, nft and dnsmasq (packages iproute2, nftables, dnsmasq-base)"
		}
	}
	ready := sync.OnceValue(func() error { return l.wire(context.Background()) })
	for i := range operations {
		operations[i].networks, operations[i].lacks = true, lacks
		operations[i].needs = func(context.Context) error { return ready() }
	}
	return operations
}

// hasItsCard wants the guest of $p-a to have the card that its metadata has, and on
// its bridge no other.
func (l *lab) hasItsCard(ctx context.Context, p string) error {
	inst, err := l.instance(ctx, p+"-a")
	if err != nil {
		return err
	}
	c, err := l.client(ctx, p+"-a")
	if err != nil {
		return err
	}
	seen, err := c.Run(ctx, "cat /sys/class/net/*/address")
	if want := inst.Machine.NICs[1].MAC; err == nil && (!strings.Contains(seen, want) || strings.Count(seen, "52:54:") != 2) {
		err = fmt.Errorf("the guest has the cards %q; want %s and that of its own network, %s", strings.Fields(seen), want, inst.Machine.NICs[0].MAC)
	}
	return err
}

// agentOperations are those in which a guest is told something by its agent.
func (l *lab) agentOperations() []operation {
	var key string
	ready := sync.OnceValue(func() (err error) {
		key, err = testguest.PutDebian(context.Background(), l.DataDir)
		return err
	})
	told := func(ctx context.Context, p string) error {
		inst, err := l.instance(ctx, p+"-a")
		if err != nil {
			return err
		}
		if inst.NeedsAwakening() {
			return errors.New("its guest has not been told")
		}
		argv := l.within("ssh", "-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
			"-p", fmt.Sprint(inst.Forwards["lan"]["ssh"].HostPort), testhost.DebianUser+"@127.0.0.1", "hostname; sudo cat /root/forked")
		said, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
		if lines := strings.Fields(string(said)); err == nil && (len(lines) < 2 || lines[0] != p || lines[1] != p) {
			err = fmt.Errorf("its guest says %q; want it to be %s, and to have been so on the fork", said, p)
		}
		return err
	}
	return []operation{{
		name: "fork with an agent", needs: func(context.Context) error { return ready() }, process: true, holds: told,
		target: ofDebian("$p-a", `identity = { hostname = "$p", ssh_host_keys = false }`, `on_fork = ["hostname >>/root/forked"]`, `ready = { check = "agent", timeout = "10m" }`),
	}}
}

// within is the command that runs argv where the host is.
func (l *lab) within(argv ...string) []string {
	if l.link == nil {
		return argv
	}
	return l.link.Within(argv...)
}
