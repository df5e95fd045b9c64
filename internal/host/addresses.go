package host

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
)

//go:embed addresses.sh
var addressesScript string

// Addresses asks a running guest's agent for its IP addresses, by the keys of its
// network interfaces: those that are more than link-local, IPv4 first. It is one
// short try of one round trip; with an error nothing is known of them.
func (h *Host) Addresses(ctx context.Context, inst *Instance) (map[string][]string, error) {
	c := h.call("ask for the addresses of", Instances, inst.Name)
	out, err := c.read(ctx, agentScript+addressesScript, h.dir(c.object), inst.UID)
	if err != nil {
		return nil, err
	}
	return addressesOf(inst, out), nil
}

// mostAddresses is how many addresses of an interface are believed.
const mostAddresses = 64

// addressesOf reads what an agent answered to guest-network-get-interfaces
// (qemu-ga-ref), behind QEMU's own lines.
func addressesOf(inst *Instance, out string) map[string][]string {
	var answer struct {
		Return []struct {
			MAC       string `json:"hardware-address"`
			Addresses []struct {
				Address string `json:"ip-address"`
			} `json:"ip-addresses"`
		} `json:"return"`
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &answer) // what makes no sense has no addresses
	found := map[string][]string{}
	for _, nic := range inst.Machine.NICs {
		var addresses []netip.Addr
		for _, of := range answer.Return {
			if !strings.EqualFold(of.MAC, nic.MAC) {
				continue
			}
			for _, a := range of.Addresses {
				address, err := netip.ParseAddr(a.Address)
				if err == nil && !address.IsLinkLocalUnicast() && address.Zone() == "" && len(addresses) < mostAddresses {
					addresses = append(addresses, address)
				}
			}
		}
		slices.SortFunc(addresses, func(a, b netip.Addr) int { return cmp.Or(cmp.Compare(a.BitLen(), b.BitLen()), a.Compare(b)) })
		found[nic.Key] = []string{}
		for _, address := range slices.Compact(addresses) {
			found[nic.Key] = append(found[nic.Key], address.String())
		}
	}
	return found
}
