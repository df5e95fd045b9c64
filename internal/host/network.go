package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A NetworkSpec is what a network is to be.
type NetworkSpec struct {
	Name        string
	CIDR        string // "" of a new one: a free one of 10.64.0.0/10 is chosen, once
	NAT         bool   // whether guests reach what the host reaches
	First, Last string // addresses that are given out; "": all but the host's
	Domain      string
	Labels      map[string]string
	Settings    json.RawMessage
}

// A Network is a bridge with DHCP and DNS on a host: its network.json, of which
// keys of other tools are ignored, and kept.
type Network struct {
	Name      string            `json:"name"`
	UID       string            `json:"uid"`
	CreatedAt time.Time         `json:"created_at"`
	Labels    map[string]string `json:"labels,omitempty"`
	Settings  json.RawMessage   `json:"settings,omitempty"` // its owner's notes
	CIDR      string            `json:"cidr"`
	NAT       bool              `json:"nat"`
	First     string            `json:"first,omitempty"` // address that is given out, and
	Last      string            `json:"last,omitempty"`  // the last; "" for all
	Domain    string            `json:"domain"`

	Up      bool   `json:"-"` // its bridge, its rules and its dnsmasq are there
	Problem string `json:"-"` // why its metadata does not tell what it is; "" if it does
	Unkept  bool   `json:"-"` // whoever had it made has not said yet that they know of it

	raw    string                     // network.json to the letter
	others map[string]json.RawMessage // keys of it that are none of the above
}

// Bridge is the name of its bridge, and of its table of rules.
func (n *Network) Bridge() string { return bridgeOf(n.UID) }

func bridgeOf(uid string) string {
	first, _, _ := strings.Cut(uid, "-")
	return "kvmnet" + first
}

// Gateway is the host's address in it, the first.
func (n *Network) Gateway() string {
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return ""
	}
	return prefix.Addr().Next().String()
}

// CreateNetwork makes a network and brings it up: a bridge, rules of nftables and
// a dnsmasq. Two round trips. ErrUnfit where the login may not, see lib/networks.sh.
func (h *Host) CreateNetwork(ctx context.Context, spec NetworkSpec) (*Network, error) {
	c := h.call("create", Networks, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	n := &Network{Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second), Up: true}
	const attempts = 5 // a network may be chosen that the host reaches already
	for attempt := 1; ; attempt++ {
		n.take(spec)
		if spec.CIDR == "" {
			var err error
			if n.CIDR, err = h.freeCIDR(ctx); err != nil {
				return nil, err
			}
		}
		err := h.raise(ctx, c, n, "")
		if spec.CIDR != "" || attempt == attempts || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "overlaps") {
			return made(n, true, err)
		}
	}
}

// UpdateNetwork makes of a network what spec says and brings it up, as after a
// reboot of the host; its bridge stays, and its guests go on. One round trip.
func (h *Host) UpdateNetwork(ctx context.Context, n *Network, spec NetworkSpec) error {
	c := h.call("update", Networks, n.Name)
	if n.Problem != "" { // to write it anew would make up what it is
		return c.invalid("it is damaged: %s", n.Problem)
	}
	changed := *n
	cidr := changed.CIDR
	if changed.take(spec); changed.CIDR == "" {
		changed.CIDR = cidr
	}
	if err := h.raise(ctx, c, &changed, n.raw); err != nil {
		return err
	}
	changed.Up = true
	*n = changed
	return nil
}

// DeleteNetwork removes a network and all that it has on the host. ErrInvalid
// while guests are connected to it; otherwise as DeleteInstance.
func (h *Host) DeleteNetwork(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Networks, name}, uid)
}

func (n *Network) take(spec NetworkSpec) {
	n.CIDR, n.NAT, n.First, n.Last, n.Domain = spec.CIDR, spec.NAT, spec.First, spec.Last, spec.Domain
	n.Labels, n.Settings = spec.Labels, spec.Settings
}

// raise has network.sh write the network's metadata and bring it up; was is "" of
// a new one.
func (h *Host) raise(ctx context.Context, c call, n *Network, was string) error {
	if err := n.check(); err != nil {
		return c.invalid("%s", err)
	}
	prefix := netip.MustParsePrefix(n.CIDR)
	first, last := n.First, n.Last
	if first == "" {
		first, last = netip.MustParseAddr(n.Gateway()).Next().String(), lastOf(prefix).Prev().String()
	}
	nat := ""
	if n.NAT {
		nat = "yes"
	}
	n.raw = compact(n)
	_, err := c.write(ctx, networkScript, h.DataDir, c.object.String(), was, n.raw, n.UID,
		n.Gateway(), fmt.Sprint(prefix.Bits()), n.CIDR, nat, first, last, n.Domain)
	return err
}

// Network and Networks read as Instance and Instances do.
func (h *Host) Network(ctx context.Context, name string) (*Network, error) {
	return find(ctx, h, Ref{Networks, name}, func(l *listing) map[string]*Network { return l.networks })
}

func (h *Host) Networks(ctx context.Context) ([]*Network, error) {
	return all(ctx, h, func(l *listing) map[string]*Network { return l.networks })
}

// freeCIDR chooses a network that none of the host's has.
func (h *Host) freeCIDR(ctx context.Context) (string, error) {
	l, err := h.list(ctx)
	if err != nil {
		return "", err
	}
	for {
		chosen := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(64 + rand.IntN(64)), byte(rand.IntN(256)), 0}), 24) // #nosec G115 G404 -- they fit; it is no secret
		taken := false
		for _, n := range l.networks {
			other, err := netip.ParsePrefix(n.CIDR)
			taken = taken || err == nil && other.Overlaps(chosen)
		}
		if !taken {
			return chosen.String(), nil
		}
	}
}

// lastOf is the last address of a network, of which none but the broadcasts are.
func lastOf(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Addr().As4()
	for i := range bytes {
		for bit := range 8 {
			if i*8+bit >= prefix.Bits() {
				bytes[i] |= 0x80 >> bit
			}
		}
	}
	return netip.AddrFrom4(bytes)
}
