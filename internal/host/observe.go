package host

import (
	"encoding/json"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// readInstance derives an instance from what was seen of it.
func readInstance(ref Ref, seen *evidence, procs processes) *Instance {
	inst := &Instance{raw: seen.texts["instance.json"]}
	err := json.Unmarshal([]byte(inst.raw), &inst.Record)
	if err == nil {
		err = checkMachine(inst.Machine)
	}
	inst.Name = ref.Name
	_, checkpoint := seen.files["checkpoint/device-state"]
	inst.State, inst.Ended = observe(seen, procs, checkpoint)

	m := inst.Machine
	if inst.State == lifecycle.Standby && err == nil {
		// The checkpoint says which machine it is of.
		err = json.Unmarshal([]byte(seen.texts["checkpoint/machine.json"]), &m)
		if err == nil {
			err = checkMachine(m)
		}
		inst.Machine = m
	}
	inst.Problem = problem(err, m, inst.State == lifecycle.Standby, seen)
	if _, inst.halfway = seen.files["rollback/instance.json"]; inst.halfway {
		inst.State, inst.Problem = lifecycle.Unknown, "it is being rolled back to a snapshot"
	}
	if inst.Problem != "" && inst.State != lifecycle.Running && inst.State != lifecycle.Paused {
		inst.State = lifecycle.Unknown
	}
	if m.Disk != nil && len(m.Disk.Layers) > 0 {
		inst.frozen = seen.files["disk/"+m.Disk.Layers[0].File].links > 1
	}
	return inst
}

// observe is the state that the facts say: whether the recorded process is
// alive, what it last said of its guest, and whether there is a checkpoint. A
// process that is stopped (SIGSTOP) or on another machine cannot be judged.
func observe(seen *evidence, procs processes, checkpoint bool) (state lifecycle.State, ended string) {
	messages := qemu.Messages(seen.events)
	switch process := liveness(seen.texts["run/control.pid"], procs); process {
	case unclear:
		return lifecycle.Unknown, ""
	case dead:
		if checkpoint {
			return lifecycle.Standby, ""
		}
		return lifecycle.Stopped, lastReason(messages)
	}
	state = lifecycle.Paused
	for _, m := range messages {
		switch m.Event {
		case "RESUME":
			state = lifecycle.Running
		case "STOP":
			state = lifecycle.Paused
		}
	}
	return state, ""
}

// The verdicts on a process.
const (
	dead = iota
	living
	unclear
)

// liveness judges the process of a run/control.pid: pid, start time, boot,
// machine.
func liveness(record string, procs processes) int {
	fields := strings.Fields(record)
	if len(fields) != 4 {
		return dead
	}
	if fields[3] != procs.machine {
		return unclear
	}
	stat, ok := procs.stats[fields[0]]
	if !ok || fields[2] != procs.boot || stat[1] != fields[1] {
		return dead
	}
	switch stat[0] {
	case "Z", "X":
		return dead
	case "T", "t":
		return unclear
	}
	return living
}

// lastReason is why QEMU ended, in its words: "guest-shutdown", "host-qmp-quit",
// …; "" when it did not get to say.
func lastReason(messages []qemu.Message) string {
	reason := ""
	for _, m := range messages {
		if m.Event == "SHUTDOWN" {
			reason, _ = m.Data["reason"].(string)
		}
	}
	return reason
}
