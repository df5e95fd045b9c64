// Package testbed is what a program needs that shows or measures the provider on a
// throw-away host: how guests run there, Terraform with the provider as it was
// built, and the processes of instances.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// An Accelerator is one that ran a guest on the host.
type Accelerator struct {
	Name  string      // as in the provider's configuration
	Why   string      // why it is not kvm
	Facts *host.Facts // what the host said of itself meanwhile
}

func (a Accelerator) String() string {
	if a.Why == "" {
		return a.Name
	}
	return fmt.Sprintf("%s, software emulation: %s", a.Name, a.Why)
}

// ChooseAccelerator returns kvm where a guest ran under it, else tcg. That
// /dev/kvm can be opened proves nothing.
func ChooseAccelerator(ctx context.Context, h *testhost.Host) (Accelerator, error) {
	why := "there is no /dev/kvm"
	if _, err := os.Stat("/dev/kvm"); err == nil {
		facts, err := askHost(ctx, h, "kvm")
		if err != nil {
			return Accelerator{}, err
		}
		if facts.AcceleratorWorks {
			return Accelerator{Name: "kvm", Facts: facts}, nil
		}
		why = facts.AcceleratorProblem
	}
	facts, err := askHost(ctx, h, "tcg")
	if err != nil {
		return Accelerator{}, err
	}
	if !facts.AcceleratorWorks {
		return Accelerator{}, fmt.Errorf("QEMU runs no guest here, neither under kvm (%s) nor under tcg (%s)", why, facts.AcceleratorProblem)
	}
	return Accelerator{Name: "tcg", Why: why, Facts: facts}, nil
}

func askHost(ctx context.Context, h *testhost.Host, accelerator string) (facts *host.Facts, err error) {
	driver := NewDriver(h, accelerator)
	defer func() { err = errors.Join(err, driver.Close()) }()
	return driver.Facts(ctx)
}

// NewDriver returns a driver of the host beside the provider's, for what Terraform
// does not do.
func NewDriver(h *testhost.Host, accelerator string) *host.Host {
	return host.New(
		host.Config{Name: HostName, DataDir: h.DataDir, Accelerator: accelerator, QEMUBinary: host.DefaultQEMUBinary},
		ssh.New(ssh.Config{
			Address: h.Address, Port: h.Port, User: h.User,
			PrivateKeyFile: h.PrivateKeyFile, HostKey: h.HostKey, Prelude: host.Prelude,
		}),
	)
}
