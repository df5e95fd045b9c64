package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// An accelerator is one that ran a guest on the host.
type accelerator struct {
	name string // as in the provider's configuration
	why  string // why it is not kvm
	host string // what the host said of itself meanwhile
}

func (a accelerator) String() string {
	if a.why == "" {
		return a.name
	}
	return fmt.Sprintf("%s, software emulation: %s", a.name, a.why)
}

// chooseAccelerator returns kvm where a guest ran under it, else tcg. That
// /dev/kvm can be opened proves nothing.
func chooseAccelerator(ctx context.Context, h *testhost.Host) (accelerator, error) {
	why := "there is no /dev/kvm"
	if _, err := os.Stat("/dev/kvm"); err == nil {
		facts, err := askHost(ctx, h, "kvm")
		if err != nil {
			return accelerator{}, err
		}
		if facts.AcceleratorWorks {
			return accelerator{name: "kvm", host: describe(facts)}, nil
		}
		why = facts.AcceleratorProblem
	}
	facts, err := askHost(ctx, h, "tcg")
	if err != nil {
		return accelerator{}, err
	}
	if !facts.AcceleratorWorks {
		return accelerator{}, fmt.Errorf("QEMU runs no guest here, neither under kvm (%s) nor under tcg (%s)", why, facts.AcceleratorProblem)
	}
	return accelerator{name: "tcg", why: why, host: describe(facts)}, nil
}

func askHost(ctx context.Context, h *testhost.Host, accelerator string) (facts *host.Facts, err error) {
	driver := host.New(
		host.Config{Name: "demo", DataDir: h.DataDir, Accelerator: accelerator, QEMUBinary: host.DefaultQEMUBinary},
		ssh.New(ssh.Config{
			Address: h.Address, Port: h.Port, User: h.User,
			PrivateKeyFile: h.PrivateKeyFile, HostKey: h.HostKey, Prelude: host.Prelude,
		}),
	)
	defer func() { err = errors.Join(err, driver.Close()) }()
	return driver.Facts(ctx)
}

func describe(f *host.Facts) string {
	return fmt.Sprintf("QEMU %s, %d CPUs, %d MiB of memory", f.QEMUVersion, f.CPUs, f.MemoryTotalMiB)
}
