package qemu

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

var (
	// bridgePattern is what the name of a bridge matches: an interface's has at
	// most 15 characters (IFNAMSIZ of linux/if.h).
	bridgePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
	// networkPattern is what a network's name matches, which is a directory.
	networkPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// check refuses a NIC that could not have come from this provider.
func (n NIC) check() error {
	if n.Type != "user" && n.Type != PasstType && n.Type != "bridge" || !macPattern.MatchString(n.MAC) {
		return fmt.Errorf("a network interface of type %q with MAC address %q is not known", n.Type, n.MAC)
	}
	if n.Type != "bridge" {
		switch {
		case n.Bridge+n.Network != "" || n.Port != 0:
			return fmt.Errorf("a network interface of type %s has a bridge", n.Type)
		case n.Type == PasstType && n.Restrict:
			return errors.New("a network interface of type passt is restricted")
		}
		return nil
	}
	switch {
	case n.Restrict:
		return errors.New("a network interface on a bridge is restricted")
	case n.Port != 0 && n.Port != 1:
		return fmt.Errorf("a network interface is in port %d", n.Port)
	case n.Network == "" && !bridgePattern.MatchString(n.Bridge):
		return fmt.Errorf("%q is no bridge", n.Bridge)
	case n.Network != "" && (n.Bridge != "" || !networkPattern.MatchString(n.Network)):
		return fmt.Errorf("%q is no network", n.Network)
	}
	return nil
}

// Tap is the name of the host's interface that carries the frames of a machine's
// i-th NIC, of at most 15 characters.
func Tap(uid string, i int) string {
	sum := sha256.Sum256([]byte(uid))
	return fmt.Sprintf("kvm%x-%x", sum[:4], i)
}

// bridgeNIC is a NIC on a bridge, in one of two PCI ports of its own: a fork's is
// replaced by one in the other. QEMU opens the tap before it gives up its
// privileges; one that it has to make is gone when it ends. Without the header
// for offloads the NIC is the same whatever is behind it, so that a receiver,
// which may run without any privilege, needs no tap; and no checksum is left to
// hardware that there is not, over which DHCP clients stumble. A root port
// reserves no I/O ports, of which there are few and the NIC needs none.
func bridgeNIC(i int, nic NIC, p Process) []string {
	netdev := fmt.Sprintf("tap,id=net%d,ifname=%s,script=no,downscript=no,vnet_hdr=off", i, Tap(p.UID, i))
	if p.Role == Receiver {
		netdev = fmt.Sprintf("hubport,id=net%d,hubid=%d", i, i)
	}
	port := func(n int, more string) string {
		return fmt.Sprintf("pcie-root-port,id=port%d.%d,addr=%#x.%d,chassis=%d,io-reserve=0%s", i, n, nicSlot+i, n, 2*i+n+1, more)
	}
	return []string{
		"-netdev", netdev, "-device", port(0, ",multifunction=on"), "-device", port(1, ""),
		"-device", fmt.Sprintf("virtio-net-pci,id=nic%d,netdev=net%d,mac=%s,bus=port%d.%d,romfile=", i, i, nic.MAC, i, nic.Port),
	}
}

// ReplaceNIC are the commands that replace the i-th NIC, which is on a bridge, of
// a guest by nic: its link goes down, which can be said while the guest stands
// still, the guest lets it go, which takes it a while, and gets the new one.
func ReplaceNIC(i int, nic NIC) (linkDown, remove, add string) {
	id := "nic" + strconv.Itoa(i)
	return command("set_link", map[string]any{"name": id, "up": false}),
		command("device_del", map[string]string{"id": id}),
		command("device_add", map[string]string{
			"driver": "virtio-net-pci", "id": id, "netdev": "net" + strconv.Itoa(i), "mac": nic.MAC,
			"bus": fmt.Sprintf("port%d.%d", i, nic.Port), "romfile": "",
		})
}
