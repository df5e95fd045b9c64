package host

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

var (
	//go:embed agent.sh
	agentScript string
	//go:embed awaken.sh
	awakenScript string
	//go:embed ping.sh
	pingScript string
	//go:embed reseed.sh
	reseedScript string // runs in a guest
	//go:embed renew.sh
	renewScript string // runs in a guest
)

// A Renewal is what a fork has yet to be told by its agent: until then its guest
// takes itself for what it was forked from.
type Renewal struct {
	Hostname    string   `json:"hostname,omitempty"` // "": the source's
	MachineID   bool     `json:"machine_id,omitempty"`
	SSHHostKeys bool     `json:"ssh_host_keys,omitempty"`
	Commands    []string `json:"commands,omitempty"` // run by the guest's /bin/sh, as root, one after the other
}

// NeedsAwakening reports whether the guest has yet to be told what it has slept
// through.
func (i *Instance) NeedsAwakening() bool {
	return i.State == lifecycle.Running && i.Machine.Agent && (i.Asleep || i.Renewal != nil)
}

// How long is waited for a guest's agent, which may be starting, and for a command
// in the guest, at most.
const (
	agentPatience = 2 * time.Minute
	commandLimit  = 5 * time.Minute
)

// Awaken tells a guest that goes on from a checkpoint, by its agent, the time, gives
// it random numbers of its own, and tells a fork that runs for the first time who it is now: what of its Renewal was not
// done to the end is done from its beginning. One round trip, during which the
// instance is locked.
func (h *Host) Awaken(ctx context.Context, inst *Instance) error {
	c := h.call("awaken", Instances, inst.Name)
	record := inst.Record
	record.Renewal = nil
	becomes, commands := inst.raw, inst.Renewal.commands()
	if inst.Renewal != nil {
		becomes = compact(record)
	}
	args := append([]string{h.dir(c.object), inst.UID, inst.raw, becomes, seconds(ctx, agentPatience), seconds(ctx, commandLimit), reseed()}, commands...)
	out, err := c.write(ctx, agentScript+awakenScript, args...)
	if err != nil {
		return withRemedy(err, "See that qemu-guest-agent runs in the guest and is not told to refuse guest-set-time or guest-exec, or set guest_agent = false.")
	}
	if err := failedCommand(out, inst.Renewal); err != nil {
		return c.fail(fmt.Errorf("%w: %w", ErrFailed, err), "", "")
	}
	inst.Record, inst.raw, inst.Asleep = record, becomes, false
	return nil
}

// seconds is what is left of the context's time, most at most, for a script.
func seconds(ctx context.Context, most time.Duration) string {
	if deadline, limited := ctx.Deadline(); limited {
		most = min(most, time.Until(deadline))
	}
	return fmt.Sprint(max(1, int(most.Seconds())))
}

// commandScript runs a user's command; the end of what it prints goes into the
// agent's answer, which is read a byte at a time.
const commandScript = `said=$(eval "$1" 2>&1)
status=$?
printf %s "$said" | tail -c 4000
exit $status`

// commands are the guest-execs of a renewal, in order.
func (r *Renewal) commands() []string {
	if r == nil {
		return nil
	}
	var lines []string
	if r.Hostname != "" || r.MachineID || r.SSHHostKeys {
		lines = append(lines, guestExec(renewScript, r.Hostname, yes(r.MachineID), yes(r.SSHHostKeys)))
	}
	for _, command := range r.Commands {
		lines = append(lines, guestExec(commandScript, command))
	}
	return lines
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// reseed is the guest-exec that gives a guest random bytes: more than the 32 of a
// key of its kernel's generator.
func reseed() string {
	bytes := make([]byte, 64)
	_, _ = rand.Read(bytes) // never fails
	return guestExecOn(bytes, reseedScript)
}

// guestExec is the line that has the agent run a script with arguments, as in
// QEMU's guest agent protocol reference (qemu-ga-ref).
func guestExec(script string, args ...string) string { return guestExecOn(nil, script, args...) }

// guestExecOn is guestExec of a script that reads something.
func guestExecOn(stdin []byte, script string, args ...string) string {
	return compact(map[string]any{"execute": "guest-exec", "arguments": map[string]any{
		"path": "/bin/sh", "arg": append([]string{"-c", script, "sh"}, args...), "capture-output": true,
		"input-data": base64.StdEncoding.EncodeToString(stdin),
	}})
}

// withRemedy is err with what to do, where nothing better is known.
func withRemedy(err error, remedy string) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Remedy == "" {
		told := *e
		told.Remedy = remedy
		return &told
	}
	return err
}

// tryAgent asks a guest's agent whether it is there. One round trip.
func (h *Host) tryAgent(c call, inst *Instance) try {
	return func(ctx context.Context, patience time.Duration) error {
		_, err := c.try(ctx, agentScript+pingScript, h.dir(c.object), inst.UID, fmt.Sprint(1+int(patience.Seconds())))
		return err
	}
}
