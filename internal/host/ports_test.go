package host

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func withNIC() *Instance {
	return &Instance{Record: Record{Machine: qemu.Machine{NICs: []qemu.NIC{{Key: "lan", Type: "user"}}}}}
}

func TestChoosePorts_KeepsWhatWasAskedForAndChoosesTheRest(t *testing.T) {
	inst := withNIC()
	asked := map[string]InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{
		"ssh": {Protocol: "tcp", GuestPort: 22, HostPort: 2201}, "http": {Protocol: "tcp", GuestPort: 80},
	}}}
	chosen, ok := choosePorts(inst, asked, nil, func(port int) bool { return port != 2201 && port != 23456 && port != 23457 })
	if got := inst.Forwards["lan"]; got["ssh"].HostPort != 2201 || len(chosen) != 1 || !ok || got["http"].HostPort != chosen[0] {
		t.Errorf("%v, chosen %v", got, chosen)
	}
	if !slices.Contains([]int{23456, 23457}, chosen[0]) {
		t.Errorf("chose %d, which is taken", chosen[0])
	}
}

func TestChoosePorts_GivesInheritedForwardsPortsOfTheirOwn(t *testing.T) {
	inst := withNIC()
	inherited := map[string]map[string]qemu.Forward{"lan": {"ssh": {Protocol: "tcp", GuestPort: 22, HostPort: 22222}}}
	_, ok := choosePorts(inst, nil, inherited, func(port int) bool { return port != 30000 })
	if got := inst.Forwards["lan"]["ssh"]; !ok || got.HostPort != 30000 || got.GuestPort != 22 {
		t.Errorf("%v, %t", got, ok)
	}
	inst = withNIC()
	choosePorts(inst, map[string]InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{}}}, inherited, func(int) bool { return false })
	if len(inst.Forwards) != 0 {
		t.Errorf("an empty set of forwards became %v", inst.Forwards)
	}
}

func TestChoosePorts_EndsWhenAllAreTaken(t *testing.T) {
	asked := map[string]InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{
		"ssh": {Protocol: "tcp", GuestPort: 22, HostPort: 20001}, "http": {Protocol: "tcp", GuestPort: 80}, "dns": {Protocol: "udp", GuestPort: 53},
	}}}
	inst := withNIC()
	chosen, ok := choosePorts(inst, asked, nil, func(port int) bool { return port != 20001 && port != 20002 })
	if ok || !slices.Equal(chosen, []int{20002}) {
		t.Errorf("chosen %v, %t", chosen, ok)
	}
}

func TestFork_HasItsSourcesMachine(t *testing.T) {
	disk := &qemu.Disk{SizeBytes: 2 << 30, Layers: []qemu.Layer{newLayer()}}
	s := source{state: lifecycle.Standby, machine: qemu.Machine{Accelerator: "tcg", VCPUs: 2, MemoryMiB: 512, Disk: disk, NICs: []qemu.NIC{{Key: "lan", Type: "user"}}}}
	c := New(Config{Accelerator: "tcg"}, nil).call("fork", Instances, "a")
	for name, good := range map[string]ForkSpec{
		"nothing named":   {},
		"as its source's": {Interfaces: map[string]InterfaceSpec{"lan": {Type: "user", Restrict: new(false)}}},
		"all named":       {VCPUs: 2, MemoryMiB: 512, DiskGiB: 3, Interfaces: map[string]InterfaceSpec{"lan": {Type: "user"}}},
	} {
		if err := good.agrees(c, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]ForkSpec{
		"vcpus":           {VCPUs: 1},
		"memory":          {MemoryMiB: 256},
		"a smaller disk":  {DiskGiB: 1},
		"another network": {Interfaces: map[string]InterfaceSpec{"wan": {Type: "user"}}},
		"one too many":    {Interfaces: map[string]InterfaceSpec{"lan": {Type: "user"}, "wan": {Type: "user"}}},
		"restricted":      {Interfaces: map[string]InterfaceSpec{"lan": {Type: "user", Restrict: new(true)}}},
		"another type":    {Interfaces: map[string]InterfaceSpec{"lan": {Type: "bridge"}}},
	} {
		if err := bad.agrees(c, s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// listed is an obedient host that has nothing.
type listed struct{ obedient }

func (l *listed) Run(ctx context.Context, s ssh.Script) (ssh.Result, error) {
	if s.Text == inventoryScript {
		return ssh.Result{Stdout: "[metadata]\n[files]\n[processes]\nboot machine\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n"}, nil
	}
	return l.obedient.Run(ctx, s)
}

func TestCreate_TellsTheHostNothingThatQEMUWouldTakeForMoreThanItIs(t *testing.T) {
	good := InterfaceSpec{Type: "user", Forwards: map[string]qemu.Forward{"ssh": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22}}}
	for name, c := range map[string]struct {
		change func(*InterfaceSpec)
		says   string
	}{
		"nothing":      {func(*InterfaceSpec) {}, ""},
		"another type": {func(s *InterfaceSpec) { s.Type = "tap,script=/tmp/x" }, "tap,script=/tmp/x"},
		"another address": {func(s *InterfaceSpec) {
			s.Forwards["ssh"] = qemu.Forward{Protocol: "tcp", HostAddress: "1.1.1.1:1-:1,x"}
		}, "1.1.1.1:1-:1,x"},
		"another protocol": {func(s *InterfaceSpec) { s.Forwards["ssh"] = qemu.Forward{Protocol: "unix:/x"} }, "unix:/x"},
	} {
		transport := &listed{}
		h := New(Config{Name: "lab", DataDir: "/data", Accelerator: "tcg"}, transport)
		h.facts.program.machineType = "pc-q35-7.2"
		spec := InterfaceSpec{Type: good.Type, Forwards: maps.Clone(good.Forwards)}
		c.change(&spec)
		_, err := h.Create(t.Context(), InstanceSpec{Name: "a", VCPUs: 1, MemoryMiB: 1, Interfaces: map[string]InterfaceSpec{"lan": spec}})
		if refused := errors.Is(err, ErrInvalid) && strings.Contains(err.Error(), c.says); refused != (c.says != "") || refused == (transport.told.Text == createScript) {
			t.Errorf("%s: %v, told %q", name, err, transport.told.Args)
		}
	}
}
