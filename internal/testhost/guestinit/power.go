//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
)

// The layout and numbers of linux/input.h and linux/input-event-codes.h: two
// longs of time, then type, code and value.
const (
	inputEventSize = 24
	evKey          = 1
	keyPower       = 116
	pressed        = 1
)

func watchPowerButton() {
	devices, err := filepath.Glob("/dev/input/event*")
	report("list input devices", err)
	for _, device := range devices {
		go heedPowerButton(device)
	}
}

func heedPowerButton(device string) {
	f, err := os.Open(device)
	if err != nil {
		report("open "+device, err)
		return
	}
	defer f.Close()
	event := make([]byte, inputEventSize)
	for {
		if _, err := f.Read(event); err != nil {
			report("read "+device, err)
			return
		}
		kind := binary.LittleEndian.Uint16(event[16:])
		code := binary.LittleEndian.Uint16(event[18:])
		value := binary.LittleEndian.Uint32(event[20:])
		if kind == evKey && code == keyPower && value == pressed {
			powerOff()
		}
	}
}

func powerOff() {
	unmountDisk()
	report("power off", syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF))
}
