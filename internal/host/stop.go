package host

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// Stop has the guest shut down, by its agent if that answers at once and by its
// power button, waits, and ends its process if it is
// still there when the time is up; at once, if the guest has panicked. One round
// trip; a stopped instance stays so.
func (h *Host) Stop(ctx context.Context, inst *Instance, timeout time.Duration) error {
	c := h.call("stop", Instances, inst.Name)
	if inst.State == lifecycle.Panicked {
		timeout = 0
	}
	if _, err := c.write(ctx, agentScript+stopScript, h.dir(c.object), inst.UID, fmt.Sprint(int(timeout.Round(time.Second).Seconds())), yes(inst.Machine.Agent)); err != nil {
		return err
	}
	inst.State = lifecycle.Stopped
	return nil
}

// Standby saves a running or paused instance's memory and devices and ends its
// process. One round trip.
func (h *Host) Standby(ctx context.Context, inst *Instance) error {
	c := h.call("put into standby", Instances, inst.Name)
	if inst.Unreadable { // of what machine its memory is cannot be told
		return c.invalid("it is damaged: %s", inst.Problem)
	}
	user, err := h.user(ctx)
	if err != nil {
		return err
	}
	args := append([]string{h.dir(c.object), inst.UID, inst.raw, string(inst.State), compact(inst.Machine)}, paceArgs(inst.Machine)...)
	args = append(args, h.receiverArgs(inst.Name, inst.UID, inst.Machine, user)...)
	if _, err := c.write(ctx, captureScript+standbyScript, args...); err != nil {
		return err
	}
	inst.State, inst.saved = lifecycle.Standby, inst.Machine.NICs
	return nil
}
