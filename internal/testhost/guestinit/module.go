//go:build linux

package main

import (
	"syscall"
	"unsafe"
)

const sysFinitModule = 313 // amd64; package syscall's table ends before it

func finitModule(fd uintptr) error {
	var noParameters [1]byte
	_, _, errno := syscall.Syscall(sysFinitModule, fd, uintptr(unsafe.Pointer(&noParameters[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
