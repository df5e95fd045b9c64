package qemu

// The names of firmware.
const (
	FirmwareBIOS = "bios" // SeaBIOS, which comes with QEMU
	FirmwareUEFI = "uefi" // OVMF, which is a package of its own
)

// UEFI is firmware in two flash chips: boot/firmware, its code, which nobody
// writes to, and boot/variables, which the guest does. Their contents are in the
// state of the devices: a restored guest writes the variables that it had into
// the file when it goes on, whatever was there, but for the size.
type UEFI struct {
	CodeBytes      int64 `json:"code_bytes"`
	VariablesBytes int64 `json:"variables_bytes"`
}

// FirmwareName is the name of the machine's firmware.
func (m Machine) FirmwareName() string {
	if m.Firmware == nil {
		return FirmwareBIOS
	}
	return FirmwareUEFI
}

// fits reports whether QEMU can have the chips: they consist of sectors of 4 KiB
// and have 8 MiB together (hw/i386/pc_sysfw.c, max-fw-size).
func (u UEFI) fits() bool {
	const sector, most = 4 << 10, 8 << 20
	is := func(size int64) bool { return size > 0 && size <= most && size%sector == 0 }
	return is(u.CodeBytes) && is(u.VariablesBytes) && u.CodeBytes+u.VariablesBytes <= most
}

// flash is what of -machine names the chips.
func flash(u *UEFI) string {
	if u == nil {
		return ""
	}
	return ",pflash0=firmware,pflash1=variables"
}

// flashNodes are the chips' contents. A receiver has none, for the variables are
// the guest's own process's: what is in a chip comes with the memory.
func flashNodes(u *UEFI, role Role) []string {
	if u == nil {
		return nil
	}
	node := func(name string, size int64, readOnly bool) string {
		if role == Receiver {
			return jsonOption(map[string]any{"driver": "null-co", "node-name": name, "size": size, "read-zeroes": true, "read-only": readOnly})
		}
		return jsonOption(map[string]any{"driver": "raw", "node-name": name, "read-only": readOnly,
			"file": map[string]any{"driver": "file", "filename": "boot/" + name}})
	}
	return []string{"-blockdev", node("firmware", u.CodeBytes, true), "-blockdev", node("variables", u.VariablesBytes, false)}
}
