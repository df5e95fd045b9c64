//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

// What QEMU's user network gives the first guest, without asking by DHCP.
const (
	address = "10.0.2.15"
	netmask = "255.255.255.0"
	gateway = "10.0.2.2"
)

const rtmgrpLink = 1 // RTMGRP_LINK of linux/rtnetlink.h: interfaces that come and go

// dhcpScript is what udhcpc has done with what it was given.
const (
	dhcpScript = "/tmp/dhcp"
	dhcpText   = `#!/bin/sh
case $1 in bound | renew) ;; *) exit ;; esac
busybox ifconfig "$interface" "$ip" netmask "$subnet" up
[ -z "$router" ] || busybox route add default gw "${router%% *}" dev "$interface"
for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
`
)

// watchNetwork configures the interfaces that are there and, since a fork's
// network card is replaced while it runs, those that come later.
func watchNetwork(dhcp bool) {
	report("write a script", errors.Join(os.MkdirAll("/etc", 0o755), os.WriteFile(dhcpScript, []byte(dhcpText), 0o755)))
	events, err := linkEvents()
	report("watch the network interfaces", err)
	configureNetwork(dhcp)
	if err != nil {
		return
	}
	go func() {
		message := make([]byte, os.Getpagesize())
		for {
			// What the message says does not matter: the list of interfaces
			// is read anew, so a lost message (ENOBUFS) does no harm either.
			if _, _, err := syscall.Recvfrom(events, message, 0); err == nil || err == syscall.ENOBUFS {
				configureNetwork(dhcp)
			}
		}
	}()
}

func linkEvents() (int, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	return fd, syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: rtmgrpLink})
}

// configureNetwork brings up every interface that is down. One of QEMU's own range
// of addresses (52:54:00:…) is in a user network, another one on a bridge. There its
// address follows from its MAC address, unless it is to ask for one.
func configureNetwork(dhcp bool) {
	interfaces, err := net.Interfaces()
	report("list network interfaces", err)
	for _, i := range interfaces {
		switch {
		case i.Flags&net.FlagUp != 0:
		case i.Flags&net.FlagLoopback != 0:
			busybox("ifconfig", i.Name, "up")
		case len(i.HardwareAddr) == 6 && i.HardwareAddr[2] != 0 && dhcp:
			busybox("ifconfig", i.Name, "up")
			go busybox("udhcpc", "-q", "-n", "-t", "60", "-T", "1", "-s", dhcpScript, "-i", i.Name)
		case len(i.HardwareAddr) == 6 && i.HardwareAddr[2] != 0:
			busybox("ifconfig", i.Name, fmt.Sprintf("10.77.%d.%d", i.HardwareAddr[4], i.HardwareAddr[5]), "netmask", "255.255.0.0", "up")
		default:
			busybox("ifconfig", i.Name, address, "netmask", netmask, "up")
			busybox("route", "add", "default", "gw", gateway, "dev", i.Name)
		}
	}
}

func busybox(args ...string) {
	output, err := exec.Command("/bin/busybox", args...).CombinedOutput()
	if err != nil {
		report(string(output), err)
	}
}
