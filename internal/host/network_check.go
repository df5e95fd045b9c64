package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
)

// domainPattern is what a domain matches: it becomes an option of dnsmasq.
var domainPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// bridgePattern is what a network's bridge matches, of whose uid it is named.
var bridgePattern = regexp.MustCompile(`^kvmnet[0-9a-f]{8}$`)

// CheckCIDR refuses what is not a network for guests: IPv4, by its first address,
// of 4 to 65,536 addresses.
func CheckCIDR(text string) error {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !prefix.Addr().Is4():
		return errors.New("it has the form 10.80.0.0/24")
	case prefix.Masked() != prefix:
		return fmt.Errorf("the network is %s", prefix.Masked())
	case prefix.Bits() < 16 || prefix.Bits() > 29:
		return errors.New("its length is 16 to 29")
	case !prefix.Addr().IsPrivate():
		return errors.New("it is not private (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16)")
	}
	return nil
}

// CheckDomain refuses what is no DNS domain in lower case.
func CheckDomain(text string) error {
	if len(text) > 190 || !domainPattern.MatchString(text) { // 253 less the longest name
		return errors.New("it has labels of a-z, 0-9 and hyphen, with dots between them")
	}
	return nil
}

// CheckRange refuses addresses that a network cannot give out: neither the
// host's, which is the first, nor the broadcast address, and the first before
// the last.
func CheckRange(cidr, first, last string) error {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || !prefix.Addr().Is4() {
		return fmt.Errorf("%q is no network", cidr)
	}
	from, errFrom := netip.ParseAddr(first)
	to, errTo := netip.ParseAddr(last)
	if errFrom != nil || errTo != nil || !from.Is4() || !to.Is4() {
		return errors.New("an address has the form 10.80.0.10")
	}
	if gateway := prefix.Addr().Next(); !prefix.Contains(from) || !prefix.Contains(to) || from.Compare(gateway) <= 0 || to.Compare(lastOf(prefix)) >= 0 || to.Less(from) {
		return fmt.Errorf("of %s it can be of %s to %s", cidr, gateway.Next(), lastOf(prefix).Prev())
	}
	return nil
}

// check refuses a network that could not have come from this provider.
func (n *Network) check() error {
	if err := checkUID(n.UID); err != nil {
		return err
	}
	if !bridgePattern.MatchString(n.Bridge()) {
		return fmt.Errorf("%q is not a network's uid", n.UID)
	}
	if err := CheckCIDR(n.CIDR); err != nil {
		return fmt.Errorf("its cidr is %q: %w", n.CIDR, err)
	}
	if err := CheckDomain(n.Domain); err != nil {
		return fmt.Errorf("its domain is %q: %w", n.Domain, err)
	}
	if n.First+n.Last == "" {
		return nil
	}
	if err := CheckRange(n.CIDR, n.First, n.Last); err != nil {
		return fmt.Errorf("it gives out %s to %s: %w", n.First, n.Last, err)
	}
	return nil
}

// readNetwork derives a network from what was seen of it, and of all bridges,
// tables and processes.
func readNetwork(ref Ref, seen *evidence, procs processes, carried map[string]bool) *Network {
	n := &Network{raw: seen.texts["network.json"]}
	err := json.Unmarshal([]byte(n.raw), n)
	if err == nil {
		err = n.check()
	}
	if err != nil {
		n = &Network{UID: believed(n.UID), Problem: "its network.json does not tell what it is: " + err.Error()}
	}
	n.Name, n.Unkept = ref.Name, seen.isUnkept()
	serves, _ := liveness(seen.texts["run/dnsmasq.pid"], procs)
	n.Up = n.Problem == "" && serves == living && carried["bridge "+n.Bridge()] && (carried["table "+n.Bridge()] || carried["tables unknown"])
	return n
}
