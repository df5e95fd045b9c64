package host

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A uefi is the firmware that a host has for its guests: its code, and the
// variables that a new one begins with.
type uefi struct {
	qemu.UEFI
	code, variables string // paths on the host
}

// parseUEFI reads what facts.sh says of it: sizes and paths; nil when there is
// none.
func parseUEFI(text string) *uefi {
	var u uefi
	if n, _ := fmt.Sscan(text, &u.CodeBytes, &u.VariablesBytes, &u.code, &u.variables); n != 4 {
		return nil
	}
	return &u
}

// giveFirmware plans the instance's firmware, "" being [qemu.FirmwareBIOS]; it
// returns the arguments of create.sh that have it copied. A package that is
// upgraded later changes nothing of the instance.
func (p program) giveFirmware(c call, inst *Instance, name string) ([]string, error) {
	switch u := p.firmware; {
	case name == "" || name == qemu.FirmwareBIOS:
		return make([]string, 4), nil
	case name != qemu.FirmwareUEFI:
		return nil, c.invalid("firmware is %q, and there is %s and %s", name, qemu.FirmwareBIOS, qemu.FirmwareUEFI)
	case u == nil:
		return nil, c.fail(ErrUnfit, noFirmware, "")
	default:
		inst.Machine.Firmware = &u.UEFI
		return []string{u.code, u.variables, fmt.Sprint(u.CodeBytes), fmt.Sprint(u.VariablesBytes)}, nil
	}
}

const noFirmware = "it has no UEFI firmware (OVMF) where distributions put it"

// bootFiles are the names of what a machine has in boot/ that nobody writes to.
func bootFiles(m qemu.Machine) []string {
	var files []string
	if m.Kernel != nil {
		files = append(files, "kernel")
		if m.Kernel.Initrd {
			files = append(files, "initrd")
		}
	}
	if m.Firmware != nil {
		files = append(files, "firmware")
	}
	return files
}
