package host

import (
	"context"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// firstRunWith is the first QEMU that has -run-with user=, which takes the place
// of -runas (docs/about/deprecated.rst of QEMU 9.1).
var firstRunWith = version.Must(version.NewVersion("9.1"))

// user is whom the host's QEMU becomes. One round trip for the driver's life, and
// none where it stays who started it.
func (h *Host) user(ctx context.Context) (qemu.User, error) {
	if h.QEMUUser == "" {
		return qemu.User{}, nil
	}
	program, err := h.program(ctx)
	if err != nil {
		return qemu.User{}, err
	}
	return qemu.User{Name: h.QEMUUser, RunWith: program.version.GreaterThanOrEqual(firstRunWith)}, nil
}

// What is known of guests that run as root.
const (
	nothingKnown = iota
	someRun
	toldOfThem
)

// noteLogin reads the last line of start.sh's output: the login's user id.
func (h *Host) noteLogin(out string) {
	if _, login := lastLine(out); h.QEMUUser == "" && strings.TrimSpace(login) == "login 0" {
		h.asRoot.CompareAndSwap(nothingKnown, someRun)
	}
}

// RunsAsRoot reports, once, whether a guest was started here that runs as root.
func (h *Host) RunsAsRoot() bool { return h.asRoot.CompareAndSwap(someRun, toldOfThem) }
