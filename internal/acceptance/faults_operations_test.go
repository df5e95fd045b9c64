package acceptance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// An operation is what one apply does, by one provider, to what another apply has
// made. In its configurations $p begins every name.
type operation struct {
	name          string
	setup, target string
	guests        []string // whose memory is golden's before and after, without $p
	process       bool     // there is a QEMU that may be killed
	copies        bool     // memory is copied to a receiver
	volumes       []string // on which something is written before, and is to be found afterwards, without $p
	networks      bool     // there is a network, with a dnsmasq that may be killed

	needs func(context.Context) error               // makes what all operations of its kind need
	holds func(ctx context.Context, p string) error // is what is to be so afterwards, too
	lacks string                                    // why it cannot be done here
}

// operations are all that the provider does on a host.
func (l *lab) operations(t *testing.T) []operation {
	const a, b = "$p-a", "$p-b"
	idle := func(name, source string) string { return forkOf(name, source, `state = "standby"`) }
	still := func(name, state string) string {
		return strings.Replace(stopped(name), `"stopped"`, `"`+state+`"`, 1)
	}
	snap := func(of, name string) string {
		return fmt.Sprintf("resource \"kvm_snapshot\" %q {\n  name = %q\n  instance = kvm_instance.%s.id\n}\n", name, name, of)
	}
	golden := "default/snapshots/golden"
	_, sum := contentOf(t, l.guest.Disk)
	off := still(a, "stopped")
	return slices.Concat([]operation{
		{name: "upload an image", target: image(a, l.guest.Kernel, "")},
		{name: "link an image", target: image(a, l.guest.Disk, sum)},
		{name: "create, stopped", target: off},
		{name: "create, running", target: booted(a, readyHTTP), process: true},
		{name: "fork a snapshot", target: fork(a), guests: []string{"a"}, process: true},
		{name: "fork a snapshot without memory", setup: off + snap(a, "$p-s"), target: off + snap(a, "$p-s") + strings.Replace(forkOf(b, "", `state = "stopped"`), `""`, "kvm_snapshot.$p-s.id", 1)},
		{name: "fork a running instance", setup: fork(a), target: fork(a) + forkOf(b, "default/instances/$p-a"), guests: []string{"a", "b"}, process: true, copies: true},
		{name: "fork a standby instance", setup: idle(a, golden), target: idle(a, golden) + forkOf(b, "default/instances/$p-a"), guests: []string{"b"}, process: true},
		{name: "fork a stopped instance", setup: off, target: off + forkOf(b, "default/instances/$p-a", `state = "stopped"`)},
		{name: "start", setup: booted(a, `state = "stopped"`), target: booted(a, readyHTTP), process: true},
		{name: "stop", setup: fork(a), target: fork(a, `state = "stopped"`), process: true},
		{name: "put into standby", setup: fork(a), target: idle(a, golden), guests: []string{"a"}, process: true, copies: true},
		{name: "restore", setup: idle(a, golden), target: fork(a), guests: []string{"a"}, process: true},
		{name: "snapshot a running instance", setup: fork(a), target: fork(a) + snap(a, "$p-s"), guests: []string{"a"}, process: true, copies: true},
		{name: "snapshot a standby instance", setup: idle(a, golden), target: idle(a, golden) + snap(a, "$p-s"), guests: []string{"a"}},
		{name: "snapshot a stopped instance", setup: off, target: off + snap(a, "$p-s")},
		{name: "roll back", setup: fork(a) + snap(a, "$p-s"), target: fork(a, `restore_from = "$p-s"`) + snap(a, "$p-s"), guests: []string{"a"}, process: true},
		{name: "update, live", setup: fork(a), target: fork(a, `labels = { changed = "yes" }`, "disk_gib = 1",
			"network_interfaces = { lan = { forward = { http = { guest_port = 80 }, ssh = { guest_port = 22 } } } }"), guests: []string{"a"}, process: true},
		{name: "update with a restart", setup: booted(a, readyHTTP), target: booted(a, readyHTTP+"\nvcpus = 2\n"), process: true},
		{name: "delete a running instance", setup: fork(a), process: true},
		{name: "delete a standby instance", setup: idle(a, golden)},
		{name: "delete a stopped instance", setup: off},
		{name: "delete a snapshot", setup: off + snap(a, "$p-s"), target: off},
		{name: "delete an image", setup: image(a, l.guest.Kernel, "")},
	}, l.volumeOperations(off), l.diskOperations(), l.bootOperations(), l.networkOperations(), l.agentOperations())
}
