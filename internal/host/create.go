package host

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// An InstanceSpec is what a new instance is to be.
type InstanceSpec struct {
	Name               string
	Image              string      // an image's name; "": none
	Kernel             *KernelSpec // nil: boot from the disk
	Seed               *Seed       // nil: none
	VCPUs, MemoryMiB   int
	CPU, MachineType   string // QEMU's CPU model and versioned machine type; "": the host's best, and its newest
	Firmware           string // [qemu.FirmwareBIOS], also "", or [qemu.FirmwareUEFI]
	DiskGiB            int    // 0: the image's virtual size, or no disk without an image
	Interfaces         map[string]InterfaceSpec
	Agent              bool // the guest has a channel to its agent
	Labels             map[string]string
	DeletionProtection bool
	Settings           json.RawMessage
}

// A KernelSpec names the images to boot from; Initrd may be "".
type KernelSpec struct{ Image, Initrd, CommandLine string }

// An InterfaceSpec is a NIC and what is forwarded to it.
type InterfaceSpec struct {
	Type     string                  // "user", "passt" or "bridge"
	MAC      string                  // "": one is chosen, once
	Bridge   string                  // the host's bridge, for type "bridge" without a network
	Network  string                  // or the name of the network whose bridge it is
	Forwards map[string]qemu.Forward // host port 0: one is chosen, once
	Restrict *bool                   // no way out but the forwards; nil: false, and on a fork as its source's
}

// cpuModel is what guests see under each accelerator: all that it has.
var cpuModel = map[string]string{"kvm": "host", "tcg": "max"}

// Create makes an instance, stopped: links to its images, a disk layer of its
// own, its host ports. Two round trips, one more for the first of a host, and one
// for the first that names a CPU model or a machine type.
// With ssh.ErrLost it returns the instance that may be there; so do the other
// verbs that make something.
func (h *Host) Create(ctx context.Context, spec InstanceSpec) (*Instance, error) {
	c := h.call("create", Instances, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	program, err := h.program(ctx)
	if err != nil {
		return nil, err
	}
	inst := &Instance{State: lifecycle.Stopped, Record: Record{
		Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second),
		DiskGiB: spec.DiskGiB, Labels: spec.Labels, DeletionProtection: spec.DeletionProtection, Settings: spec.Settings,
		Machine: qemu.Machine{
			Type: cmp.Or(spec.MachineType, program.machineType), Accelerator: h.Accelerator, CPU: cmp.Or(spec.CPU, cpuModel[h.Accelerator]),
			VCPUs: spec.VCPUs, MemoryMiB: spec.MemoryMiB, Agent: spec.Agent, SCSI: true,
		},
	}}
	image, err := h.giveDisk(ctx, c, inst, spec)
	if err != nil {
		return nil, err
	}
	if spec.Kernel != nil {
		inst.setKernel(*spec.Kernel)
	}
	firmware, err := program.giveFirmware(c, inst, spec.Firmware)
	if err != nil {
		return nil, err
	}
	if spec.Seed != nil {
		inst.setSeed(*spec.Seed)
	}
	has := Record{Machine: qemu.Machine{Type: program.machineType, CPU: cpuModel[h.Accelerator]}}
	if err := h.checkBoot(ctx, c, has, inst.Record); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(spec.Interfaces)) {
		inst.Machine.NICs = append(inst.Machine.NICs, newNIC(key, spec.Interfaces[key]))
	}
	if err := h.checkNICs(ctx, c, inst); err != nil {
		return nil, err
	}

	boot := []string{inst.KernelImage.String(), inst.InitrdImage.String()}
	args := slices.Concat(diskArgs(inst.Machine.Disk, image), boot, firmware, spec.Seed.args())
	err = h.withPorts(ctx, c, inst, spec.Interfaces, nil, func(ports string) error {
		inst.raw = compact(inst.Record)
		_, err := c.write(ctx, createScript, append([]string{h.DataDir, c.object.String(), inst.raw, ports}, args...)...)
		return err
	})
	return made(inst, inst.raw != "", err)
}

func isTrue(b *bool) bool { return b != nil && *b }

// giveDisk plans the instance's disk: an empty layer above its image, if it has
// one.
func (h *Host) giveDisk(ctx context.Context, c call, inst *Instance, spec InstanceSpec) (*Image, error) {
	if spec.Image == "" && spec.DiskGiB == 0 {
		return nil, nil
	}
	disk, image, err := h.newDisk(ctx, c, "disk_gib", spec.Image, spec.DiskGiB)
	if err != nil {
		return nil, err
	}
	inst.Machine.Disk = &disk
	if image != nil {
		inst.Image = Ref{Images, image.Name}
	}
	return image, nil
}

// intactImage reads an image that something is to be made from, and refuses one
// that is damaged.
func (h *Host) intactImage(ctx context.Context, c call, name string) (*Image, error) {
	image, err := h.Image(ctx, name)
	if err == nil && image.Problem != "" {
		err = c.invalid("image %s is damaged: %s", name, image.Problem)
	}
	return image, err
}

// checkBoot returns an error where an instance is to have a kernel or an initrd
// that it has not yet, and that is not intact, or a machine type or a CPU model
// that QEMU does not have.
func (h *Host) checkBoot(ctx context.Context, c call, has, wanted Record) error {
	if err := h.checkModels(ctx, c, has.Machine, wanted.Machine); err != nil {
		return err
	}
	for _, image := range without(
		[]string{wanted.KernelImage.Name, wanted.InitrdImage.Name},
		[]string{"", has.KernelImage.Name, has.InitrdImage.Name},
	) {
		if _, err := h.intactImage(ctx, c, image); err != nil {
			return err
		}
	}
	return nil
}

// Kernel is what the instance boots from; it has no image when that is its disk.
func (i *Instance) Kernel() KernelSpec { return kernelOf(i.Machine, i.KernelImage, i.InitrdImage) }

// Kernel is what the snapshot's instance booted from.
func (s *Snapshot) Kernel() KernelSpec { return kernelOf(s.Machine, s.KernelImage, s.InitrdImage) }

func kernelOf(m qemu.Machine, kernel, initrd Ref) KernelSpec {
	if m.Kernel == nil {
		return KernelSpec{}
	}
	return KernelSpec{kernel.Name, initrd.Name, m.Kernel.CommandLine}
}

func (i *Instance) setKernel(k KernelSpec) {
	i.Machine.Kernel, i.KernelImage, i.InitrdImage = nil, Ref{}, Ref{}
	if k.Image == "" {
		return
	}
	i.Machine.Kernel = &qemu.Kernel{Initrd: k.Initrd != "", CommandLine: k.CommandLine}
	i.KernelImage = Ref{Images, k.Image}
	if k.Initrd != "" {
		i.InitrdImage = Ref{Images, k.Initrd}
	}
}

func (i *Instance) setSeed(s Seed) { i.SeedDigest, i.Machine.Seed = s.Digest, s.machine() }
