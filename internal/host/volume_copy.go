package host

import (
	"fmt"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// withoutVolumes is the machine of a copy: a volume is one disk, and has one
// writer.
func (c call) withoutVolumes(inst *Instance) (qemu.Machine, error) {
	m := inst.Machine
	if why := inst.MissesVolumes(); why != "" {
		return m, c.invalid("%s", why)
	}
	for _, disk := range m.Disks {
		if disk.Volume != "" {
			m = m.WithoutDisk(disk.Key)
		}
	}
	return m, nil
}

// MissesVolumes says, in a sentence without its full stop, why no copy can be made
// of an instance that has volumes: what is copied with its memory knows the disks
// that it has, and cannot go on without them. "" when one can.
func (i *Instance) MissesVolumes() string {
	var names []string
	for _, disk := range i.Machine.Disks {
		if disk.Volume != "" {
			names = append(names, fmt.Sprintf("%s (disk %s)", disk.Volume, disk.Key))
		}
	}
	if len(names) == 0 || i.State == lifecycle.Stopped {
		return ""
	}
	return fmt.Sprintf("instance %s is %s and has volumes attached: %s. A volume belongs to no snapshot and no fork, and a copy with memory would miss it. Detach it first, or stop the instance",
		i.Name, i.State, strings.Join(names, ", "))
}
