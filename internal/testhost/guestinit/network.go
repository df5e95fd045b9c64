//go:build linux

package main

import (
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

// watchNetwork configures the interfaces that are there and, since a fork's
// network card is replaced while it runs, those that come later.
func watchNetwork() {
	events, err := linkEvents()
	report("watch the network interfaces", err)
	configureNetwork()
	if err != nil {
		return
	}
	go func() {
		message := make([]byte, os.Getpagesize())
		for {
			// What the message says does not matter: the list of interfaces
			// is read anew, so a lost message (ENOBUFS) does no harm either.
			if _, _, err := syscall.Recvfrom(events, message, 0); err == nil || err == syscall.ENOBUFS {
				configureNetwork()
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

// configureNetwork brings up every interface that is down.
func configureNetwork() {
	interfaces, err := net.Interfaces()
	report("list network interfaces", err)
	for _, i := range interfaces {
		switch {
		case i.Flags&net.FlagUp != 0:
		case i.Flags&net.FlagLoopback != 0:
			busybox("ifconfig", i.Name, "up")
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
