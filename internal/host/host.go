// Package host drives one KVM host over SSH: each exported verb is one step of
// an instance's, snapshot's or image's life, carried out by a POSIX script that
// the host runs to its end whatever becomes of the connection. The package
// knows nothing of Terraform.
package host

import (
	"context"
	"io"
	"net"
	"sync/atomic"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A Transport carries scripts and streams to a host. [ssh.Client] is the real
// one; this is the seam for a fake.
type Transport interface {
	// Run runs a script in a shell kept for that: one round trip.
	Run(context.Context, ssh.Script) (ssh.Result, error)
	// Stream runs a script in a session of its own that reads stdin.
	Stream(ctx context.Context, s ssh.Script, stdin io.Reader) (ssh.Result, error)
	// DialTCP connects to an address as seen from the host.
	DialTCP(ctx context.Context, address string) (net.Conn, error)
	Close() error
}

// Config is what the provider's configuration says of a host.
type Config struct {
	Name        string // its key in `hosts`, the first part of every id on it
	DataDir     string // absolute; default DefaultDataDir
	Accelerator string // "kvm" or "tcg"
	QEMUBinary  string // name or path of qemu-system-x86_64
	QEMUUser    string // whom QEMU becomes when root has started it; "": nobody else
}

// Defaults of [Config].
const (
	DefaultDataDir     = "/var/lib/terraform-kvm"
	DefaultAccelerator = "kvm"
	DefaultQEMUBinary  = "qemu-system-x86_64"
)

// A Host is one KVM host. Its methods are safe for concurrent use.
type Host struct {
	Config
	transport Transport
	inventory inventory // the last listing, shared
	facts     facts     // what was probed of QEMU
	ports     portSet   // host ports that calls in hand have chosen
	asRoot    atomic.Int32
	maxLayers int // of a disk
}

// New returns a driver for a host. Nothing is dialled before the first verb.
func New(config Config, transport Transport) *Host {
	return &Host{Config: config, transport: transport, maxLayers: maxLayers}
}

// Close ends the connection. What runs on the host goes on.
func (h *Host) Close() error { return h.transport.Close() }
