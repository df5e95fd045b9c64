package qemu

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"regexp"
)

// A definition is read from the host's metadata, which anybody may have written,
// and becomes options, QMP and file names. Values that could end an option
// there, begin another or lead to another directory are refused: -cpu, for one,
// has no way to write a comma that is none.
var (
	// wordPattern is what a machine type and a CPU model match.
	wordPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// layerPattern is what a layer's file name matches; of it a node is named.
	layerPattern = regexp.MustCompile(`^[0-9a-f]{16}\.(qcow2|raw)$`)
	macPattern   = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$`)
)

// mostSeedBytes is far more than any version's seeds have.
const mostSeedBytes = 1 << 30

// Check refuses a definition that could not have come from this provider.
func (m Machine) Check() error {
	switch {
	case m.VCPUs < 1 || m.MemoryMiB < 1 || m.Type == "" || m.CPU == "":
		return errors.New("its machine definition is incomplete")
	case !wordPattern.MatchString(m.Type):
		return fmt.Errorf("its machine type is %q", m.Type)
	case !wordPattern.MatchString(m.CPU):
		return fmt.Errorf("its CPU model is %q", m.CPU)
	case m.Accelerator != "kvm" && m.Accelerator != "tcg":
		return fmt.Errorf("its accelerator is %q", m.Accelerator)
	case m.Firmware != nil && !m.Firmware.fits():
		return fmt.Errorf("its firmware has %d bytes, and %d of variables", m.Firmware.CodeBytes, m.Firmware.VariablesBytes)
	case m.Seed != nil && (m.Seed.SizeBytes < 1 || m.Seed.SizeBytes > mostSeedBytes || m.Seed.SizeBytes%512 != 0):
		return fmt.Errorf("its cloud-init seed has %d bytes", m.Seed.SizeBytes)
	case len(m.NICs) > MaxNICs:
		return fmt.Errorf("it has %d network interfaces, and %d is the most", len(m.NICs), MaxNICs)
	}
	if m.Disk != nil {
		if err := m.Disk.check(); err != nil {
			return err
		}
	}
	if err := m.checkDisks(); err != nil {
		return err
	}
	passts := 0
	for _, nic := range m.NICs {
		if err := nic.check(); err != nil {
			return err
		}
		if nic.Type == PasstType {
			passts++
		}
	}
	if passts > 1 {
		return errors.New("it has more than one network interface of type passt")
	}
	return nil
}

// check refuses layers that could be other files.
func (d Disk) check() error {
	if len(d.Layers) == 0 {
		return errors.New("its disk has no layers")
	}
	for _, layer := range d.Layers {
		if !layerPattern.MatchString(layer.File) || path.Ext(layer.File) != "."+layer.Format {
			return fmt.Errorf("%q is not a disk layer", layer.File)
		}
	}
	return nil
}

// Check refuses a forward that could not have come from this provider. Without
// an address it is on all of the host's.
func (f Forward) Check() error {
	address, err := netip.ParseAddr(f.HostAddress)
	switch {
	case f.Protocol != "tcp" && f.Protocol != "udp":
		return fmt.Errorf("the protocol of a forward is %q", f.Protocol)
	case f.HostAddress != "" && (err != nil || !address.Is4()):
		return fmt.Errorf("the address of a forward is %q", f.HostAddress)
	case f.HostPort < 0 || f.HostPort > 65535 || f.GuestPort < 0 || f.GuestPort > 65535:
		return fmt.Errorf("the ports of a forward are %d and %d", f.HostPort, f.GuestPort)
	}
	return nil
}
