package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

func TestCheck_KnowsWhatUpdateWouldRefuseInWhateverState(t *testing.T) {
	disk := &qemu.Disk{SizeBytes: 3 << 30, Layers: []qemu.Layer{newLayer()}}
	boots := Record{Name: "a", KernelImage: Ref{Images, "gone"}, Machine: qemu.Machine{Disk: disk, Kernel: &qemu.Kernel{}}}
	for name, c := range map[string]struct {
		record Record
		change Change
		want   error // nil: it is possible
		says   string
	}{
		"nothing":                    {boots, Change{}, nil, ""},
		"memory":                     {boots, Change{MemoryMiB: new(1)}, nil, ""},
		"a larger disk":              {boots, Change{DiskGiB: new(4)}, nil, ""},
		"a smaller disk":             {boots, Change{VCPUs: new(2), DiskGiB: new(2)}, ErrInvalid, "a disk cannot shrink"},
		"a disk where there is none": {Record{Name: "a"}, Change{DiskGiB: new(2)}, ErrInvalid, "no disk to grow"},
		"another command line":       {boots, Change{Kernel: &KernelSpec{Image: "gone", CommandLine: "quiet"}}, nil, ""}, // it has its own link
		"another kernel":             {boots, Change{Kernel: &KernelSpec{Image: "disk"}}, nil, ""},
		"a kernel that is not there": {boots, Change{Kernel: &KernelSpec{Image: "nowhere"}}, ErrNotFound, "image nowhere"},
		"an initrd that is not":      {boots, Change{Kernel: &KernelSpec{Image: "gone", Initrd: "nowhere"}}, ErrNotFound, "image nowhere"},
		"no kernel any more":         {boots, Change{Kernel: &KernelSpec{}}, nil, ""},
	} {
		for _, state := range lifecycle.Observed() {
			inst := &Instance{Record: c.record, State: state}
			err := New(Config{}, breaking{}).Check(t.Context(), inst, c.change)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v; want %v, %q", name, state, err, c.want, c.says)
			}
			if inst.State != state || inst.Machine.Disk != c.record.Machine.Disk || inst.Machine.VCPUs != 0 {
				t.Errorf("%s: it changed the instance: %+v", name, inst)
			}
		}
	}
}
