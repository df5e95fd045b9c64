package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A NICChange is what a NIC on a bridge is to have instead of what it has; "":
// the same.
type NICChange struct{ MAC, Bridge, Network string }

// newBridgedMAC is a random, locally administered address of another range than
// that of newMAC: on a bridge it must differ from those of other hosts, too, and
// among as many as 24 bits tell apart two are soon alike.
func newBridgedMAC() string {
	for {
		if s := random(4); s[:2] != "00" {
			return fmt.Sprintf("52:54:%s:%s:%s:%s", s[0:2], s[2:4], s[4:6], s[6:8])
		}
	}
}

// newNIC is a NIC as it is asked for.
func newNIC(key string, spec InterfaceSpec) qemu.NIC {
	nic := qemu.NIC{Key: key, Type: spec.Type, MAC: strings.ToLower(spec.MAC), Restrict: isTrue(spec.Restrict), Bridge: spec.Bridge, Network: spec.Network}
	switch {
	case nic.MAC != "":
	case nic.Type == bridged:
		nic.MAC = newBridgedMAC()
	default:
		nic.MAC = newMAC()
	}
	return nic
}

const bridged = "bridge" // the type of a NIC

// forkNICs are a fork's NICs: its source's, but on a bridge with addresses of
// their own, and there the fork may be on another bridge.
func forkNICs(source []qemu.NIC, asked map[string]InterfaceSpec) []qemu.NIC {
	nics := slices.Clone(source)
	for i, nic := range nics {
		if nic.Type != bridged {
			continue
		}
		spec := asked[nic.Key]
		nics[i].MAC = newNIC(nic.Key, InterfaceSpec{Type: bridged, MAC: spec.MAC}).MAC
		if spec.Bridge+spec.Network != "" {
			nics[i].Bridge, nics[i].Network = spec.Bridge, spec.Network
		}
	}
	return nics
}

// withNICs is nics of which some are changed.
func withNICs(nics []qemu.NIC, changes map[string]NICChange) []qemu.NIC {
	nics = slices.Clone(nics)
	for i, nic := range nics {
		change := changes[nic.Key]
		if change.MAC != "" {
			nics[i].MAC = strings.ToLower(change.MAC)
		}
		if change.Bridge+change.Network != "" {
			nics[i].Bridge, nics[i].Network = change.Bridge, change.Network
		}
	}
	return nics
}

// ofTheirOwn is the NICs of a checkpoint with what of them is an instance's own:
// the address, and the bridge that they are on.
func ofTheirOwn(saved, own []qemu.NIC) []qemu.NIC {
	nics := slices.Clone(saved)
	for i, nic := range nics {
		at := slices.IndexFunc(own, func(o qemu.NIC) bool { return o.Key == nic.Key && o.Type == nic.Type })
		if at >= 0 && nic.Type == bridged {
			nics[i].MAC, nics[i].Bridge, nics[i].Network = own[at].MAC, own[at].Bridge, own[at].Network
		}
	}
	return nics
}

// replaced says how a guest's NICs change when it goes on from a checkpoint. A
// card keeps the address that it had when its memory was saved; so one that is to
// have another is replaced by one in its other port before the guest may talk:
// begin is what QEMU starts with, end what there is then, and lines are three QMP
// commands for each: to take its link down, to remove it, to add the other.
func replaced(own, saved []qemu.NIC) (begin, end []qemu.NIC, lines []string) {
	begin, end = slices.Clone(own), slices.Clone(own)
	for i := range own {
		if i >= len(saved) || saved[i].Key != own[i].Key || own[i].Type != bridged {
			continue
		}
		begin[i].MAC, begin[i].Port = saved[i].MAC, saved[i].Port
		end[i].Port = saved[i].Port
		if !strings.EqualFold(own[i].MAC, saved[i].MAC) {
			end[i].Port = 1 - saved[i].Port
			down, remove, add := qemu.ReplaceNIC(i, end[i])
			lines = append(lines, down, remove, add)
		}
	}
	return begin, end, lines
}

// links are what bridge.sh connects: words of a tap, its bridge or, after an @,
// its network, its address on the host's side, the guest's, and the NIC's key. A
// bridge takes the lowest address of its own interfaces; with fe that is never a
// tap's, and stays the same when taps come and go.
func links(uid string, nics []qemu.NIC) string {
	var list []string
	for i, nic := range nics {
		if nic.Type != bridged {
			continue
		}
		bridge := nic.Bridge
		if nic.Network != "" {
			bridge = "@" + nic.Network
		}
		list = append(list, strings.Join([]string{qemu.Tap(uid, i), bridge, "fe" + nic.MAC[2:], nic.MAC, nic.Key}, "/"))
	}
	return words(list)
}

// oldestPasst is the first QEMU that passt can be connected to: by -netdev stream.
var oldestPasst = version.Must(version.NewVersion("7.2"))

// checkNICs refuses network cards that an instance cannot have on its host. One
// round trip for a driver's first of type passt; see checkMACs.
func (h *Host) checkNICs(ctx context.Context, c call, inst *Instance) error {
	if slices.ContainsFunc(inst.Machine.NICs, func(n qemu.NIC) bool { return n.Type == qemu.PasstType }) {
		switch program, err := h.program(ctx); {
		case err != nil:
			return err
		case !program.passt:
			return c.fail(ErrUnfit, "a network interface of type passt needs the command passt, which is missing (Debian: apt-get install passt)", "")
		case program.version.LessThan(oldestPasst):
			return c.fail(ErrUnfit, fmt.Sprintf("a network interface of type passt needs QEMU %s, and %s is %s", oldestPasst, h.QEMUBinary, program.version), "")
		}
	}
	return h.checkMACs(ctx, c, inst)
}

// checkMACs refuses an address on a bridge that another instance of the host has
// there, or that no card can have. It takes part in the listing of the verb.
func (h *Host) checkMACs(ctx context.Context, c call, inst *Instance) error {
	if !slices.ContainsFunc(inst.Machine.NICs, func(n qemu.NIC) bool { return n.Type == bridged }) {
		return nil
	}
	l, err := h.list(ctx)
	if err != nil {
		return err
	}
	taken := map[string]string{}
	for name, other := range l.instances {
		if other.UID == inst.UID {
			continue
		}
		for _, nic := range other.Machine.NICs {
			if nic.Type == bridged {
				taken[nic.MAC] = "instance " + name
			}
		}
	}
	for _, nic := range inst.Machine.NICs {
		if nic.Type != bridged {
			continue
		}
		if owner, is := taken[nic.MAC]; is {
			return c.invalid("%s is the MAC address of %s", nic.MAC, owner)
		}
		taken[nic.MAC] = "another of its network interfaces"
	}
	return nil
}
