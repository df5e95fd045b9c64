package host

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// A ForkSpec is what a new fork is to be; its machine is its source's.
type ForkSpec struct {
	Name               string
	Source             Ref                      // a snapshot, or an instance in any state
	DiskGiB            int                      // 0: the source's
	Interfaces         map[string]InterfaceSpec // those without forwards have the source's, with new host ports
	VCPUs, MemoryMiB   int                      // 0, or the source's
	Agent              *bool                    // nil, or the source's
	Renewal            Renewal                  // what its guest is told when it runs first, if it has an agent
	MustRenew          bool                     // it is an error if it has none
	CPU, MachineType   string                   // "", or the source's; so is Firmware
	Firmware           string
	Seed               *Seed // nil: the source's; one of its own it reads when it boots, if it has memory
	Labels             map[string]string
	DeletionProtection bool
	Settings           json.RawMessage // the source's are its own
}

// Fork makes an instance from a source: in standby when that has memory, else
// stopped. It is a few links, whatever the sizes, and depends on nothing
// afterwards; a running source is captured live for it. Two round trips, and one
// where a snapshot was listed in the last seconds.
func (h *Host) Fork(ctx context.Context, spec ForkSpec) (*Instance, error) {
	return ofPresent(h, func() (*Instance, error) { return h.fork(ctx, spec) })
}

func (h *Host) fork(ctx context.Context, spec ForkSpec) (*Instance, error) {
	c := h.call("fork", Instances, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	s, err := h.source(ctx, c, spec.Source)
	if err != nil {
		return nil, err
	}
	if err := spec.agrees(c, s); err != nil {
		return nil, err
	}
	inst := &Instance{State: lifecycle.Stopped, frozen: true, Record: Record{
		Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second),
		ForkOf: spec.Source, KernelImage: s.kernelImage, InitrdImage: s.initrdImage, SeedDigest: s.seedDigest,
		DiskGiB: spec.DiskGiB, Labels: spec.Labels, DeletionProtection: spec.DeletionProtection, Settings: spec.Settings,
		Machine: s.machine,
	}}
	if s.machine.Agent && !reflect.ValueOf(spec.Renewal).IsZero() {
		inst.Renewal = &spec.Renewal
	}
	if spec.Seed != nil {
		inst.setSeed(*spec.Seed)
	}
	inst.Machine.NICs = forkNICs(s.machine.NICs, spec.Interfaces)
	if err := h.checkNICs(ctx, c, inst); err != nil {
		return nil, err
	}
	if s.hasMemory() {
		inst.State, inst.saved = lifecycle.Standby, s.saved
	} else if size := int64(spec.DiskGiB) << 30; size > 0 {
		inst.Machine = withSize(inst.Machine, size) // its first layer of its own will have it
	}
	err = h.withPorts(ctx, c, inst, spec.Interfaces, s.forwards, func(ports string) error {
		inst.raw = compact(inst.Record)
		if s.state == lifecycle.Running { // it goes on with another layer
			defer h.forget(s.ref)
		}
		_, err := c.write(ctx, captureScript+copyScript, h.copyArgs(c, s, inst.raw, ports, spec.Seed)...)
		return err
	})
	return made(inst, inst.raw != "", err)
}

// agrees returns an error where spec names something of the machine that is not
// the source's.
func (spec ForkSpec) agrees(c call, s source) error {
	m := s.machine
	switch {
	case spec.VCPUs != 0 && spec.VCPUs != m.VCPUs:
		return c.invalid("vcpus is %d, but a fork has those of its source, %d", spec.VCPUs, m.VCPUs)
	case spec.MemoryMiB != 0 && spec.MemoryMiB != m.MemoryMiB:
		return c.invalid("memory_mib is %d, but a fork has that of its source, %d", spec.MemoryMiB, m.MemoryMiB)
	case spec.CPU != "" && spec.CPU != m.CPU:
		return c.invalid("cpu_model is %q, but a fork has that of its source, %q", spec.CPU, m.CPU)
	case spec.MachineType != "" && spec.MachineType != m.Type:
		return c.invalid("machine_type is %q, but a fork has that of its source, %q", spec.MachineType, m.Type)
	case spec.Firmware != "" && spec.Firmware != m.FirmwareName():
		return c.invalid("firmware is %q, but a fork has that of its source, %q", spec.Firmware, m.FirmwareName())
	case m.Accelerator != c.host.Accelerator && s.hasMemory():
		return c.invalid("its memory was saved under %s, and this host is configured for %s", m.Accelerator, c.host.Accelerator)
	case spec.Agent != nil && *spec.Agent != m.Agent:
		return c.invalid("guest_agent is %t, but a fork has that of its source, %t", *spec.Agent, m.Agent)
	case spec.MustRenew && !m.Agent:
		return c.invalid("its guest cannot be given an identity of its own, nor be told what to do on a fork: its source has no guest_agent")
	case spec.DiskGiB != 0 && m.Disk == nil:
		return c.invalid("disk_gib is %d, but its source has no disk", spec.DiskGiB)
	case spec.DiskGiB != 0 && int64(spec.DiskGiB)<<30 < m.Disk.SizeBytes:
		return c.invalid("disk_gib is %d, and a disk cannot shrink: its source has %.1f GiB", spec.DiskGiB, float64(m.Disk.SizeBytes)/(1<<30))
	}
	if spec.Seed != nil && s.hasMemory() {
		if err := spec.Seed.fits(c, m); err != nil {
			return err
		}
	}
	asked, has := map[string]string{}, map[string]string{}
	for key, nic := range spec.Interfaces {
		asked[key] = nic.Type
	}
	for _, nic := range m.NICs {
		has[nic.Key] = nic.Type
	}
	if spec.Interfaces != nil && !maps.Equal(asked, has) {
		return c.invalid("its network interfaces are %v, but a fork has those of its source, %v", asked, has)
	}
	for _, nic := range m.NICs {
		if wanted := spec.Interfaces[nic.Key].MAC; nic.Type != bridged && wanted != "" && !strings.EqualFold(wanted, nic.MAC) {
			return c.invalid("mac_address of its network interface %s is %s, but a fork has that of its source, %s, unless it is on a bridge", nic.Key, wanted, nic.MAC)
		}
		if wanted := spec.Interfaces[nic.Key].Restrict; wanted != nil && *wanted != nic.Restrict {
			return c.invalid("restrict of its network interface %s is %t, but a fork has that of its source, %t", nic.Key, *wanted, nic.Restrict)
		}
	}
	return nil
}
