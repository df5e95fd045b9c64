package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// An act is a part of a demonstration that ends well or ends it.
type act func(context.Context, show, *stage) error

// A scene is what is demonstrated.
type scene struct {
	example string                                                      // the configuration that is applied
	open    func(context.Context, show, *stage) (env []string, _ error) // starts the host, and says what the example's variables are
	acts    []act
	close   func() // after the host; nil for nothing

	base   string // name of kvm_instance.base
	victim string // name of the fork that is killed
	booted string // until when the base boots, and the victim again
	forked string // until when a fork is made
}

// remark says what a resource of the example took its time for.
func (s *stage) remark(d done) string {
	switch kind, _, _ := strings.Cut(d.address, "."); {
	case kind == "kvm_image":
		return "uploaded"
	case kind == "kvm_network":
		return "a bridge, DHCP, DNS and rules"
	case kind == "kvm_snapshot":
		return "taken live: " + s.pause()
	case d.address == "kvm_instance.base":
		return "cold boot, until " + s.booted
	default:
		return "forked, until " + s.forked
	}
}

// pause says how long the base stood still, by the events of its QEMU.
func (s *stage) pause() string {
	text, err := os.ReadFile(testbed.RunFile(s.host.DataDir, s.base, "control.out"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the base stood still for %s of it", short(qemu.Pause(qemu.Messages(string(text)))))
}
