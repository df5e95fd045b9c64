package host

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// consoleBytes is the most that is read of a console: what the host keeps of it at
// least, see lib/console.sh.
const consoleBytes = 1 << 20

// Console returns the last lines that a guest has said on its serial console since
// it last booted, or since it was forked: at most 1 MiB, byte for byte. It needs no
// guest that runs. ErrNotFound when there is no instance. One round trip.
func (h *Host) Console(ctx context.Context, name string, lines int) (string, error) {
	c := h.call("read the console of", Instances, name)
	if err := c.checkName(); err != nil {
		return "", err
	}
	return c.read(ctx, consoleScript, h.DataDir, c.object.String(), "", fmt.Sprint(consoleBytes), fmt.Sprint(lines))
}

// consoleEnd returns the last bytes of a guest's serial console; errGone when it
// has panicked or its process has ended.
func (h *Host) consoleEnd(ctx context.Context, c call, inst *Instance, bytes int) (string, error) {
	out, err := c.read(ctx, consoleScript, h.DataDir, c.object.String(), inst.UID, fmt.Sprint(bytes), "")
	if err != nil {
		return "", err
	}
	process, text, _ := strings.Cut(out, "\n")
	switch {
	case process == "ended":
		inst.State = lifecycle.Stopped
		return text, fmt.Errorf("%w: its process has ended", errGone)
	case strings.Contains(text, panicked):
		return text, fmt.Errorf("%w: its kernel has panicked", errGone)
	}
	return text, nil
}
