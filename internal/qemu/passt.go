package qemu

import (
	"fmt"
	"maps"
	"slices"
)

// PasstType is the type of a NIC whose backend is a passt process, which carries
// its connections as sockets of the host's.
const PasstType = "passt"

// passtNetdev is that NIC's backend: a socket that passt listens on, in a
// directory of its own, named by the uid, by which its process is known, too. Of
// a checkpoint it is nothing. A receiver needs no passt: without the header for
// offloads, which neither of them has, the NIC is the same whatever is behind it.
func passtNetdev(i int, p Process) string {
	if p.Role == Receiver {
		return fmt.Sprintf("hubport,id=net%d,hubid=%d", i, i)
	}
	return fmt.Sprintf("stream,id=net%d,server=off,addr.type=unix,addr.path=run/passt/%s", i, p.UID)
}

// Passt returns the arguments of the passt process of a machine's run, which is
// started in run/passt; nil for a machine that needs none. It serves one QEMU, and
// ends with that.
//
// Addresses are those of QEMU's user network, and not copied from an interface of
// the host's, as passt would: so a guest that goes on elsewhere finds the network
// that it knows, the gateway's MAC address among it. The interface that they are not
// copied from has to be one that every host has. As it would be, too, the
// gateway's address were the host's 127.0.0.1 without --no-map-gw. Options are
// those that versions have had since 2023, with one argument each.
func (m Machine) Passt(p Process) []string {
	at := slices.IndexFunc(m.NICs, func(n NIC) bool { return n.Type == PasstType })
	if at < 0 {
		return nil
	}
	args := []string{
		"--foreground", "--one-off", "--socket", p.UID, "--ipv4-only", "--interface", "lo",
		"--address", "10.0.2.15", "--netmask", "24", "--gateway", "10.0.2.2", "--mac-addr", "52:55:0a:00:02:02",
		"--dns-forward", "10.0.2.3", "--search", "none", "--no-map-gw",
	}
	option := map[string]string{"tcp": "--tcp-ports", "udp": "--udp-ports"}
	none := map[string]bool{"tcp": true, "udp": true} // ports of one are those of the other, unless it is told
	forwards := p.Forwards[m.NICs[at].Key]
	for _, key := range slices.Sorted(maps.Keys(forwards)) {
		f := forwards[key]
		ports := fmt.Sprintf("%d:%d", f.HostPort, f.GuestPort)
		if f.HostAddress != "" {
			ports = f.HostAddress + "/" + ports
		}
		args, none[f.Protocol] = append(args, option[f.Protocol], ports), false
	}
	for _, protocol := range []string{"tcp", "udp"} {
		if none[protocol] {
			args = append(args, option[protocol], "none")
		}
	}
	return args
}
