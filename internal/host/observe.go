package host

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// HostRestarted is why a process is gone that ran before the host's last boot.
const HostRestarted = "host-restarted"

// readInstance derives an instance from what was seen of it. listening are the
// host's TCP ports that somebody listens on.
func readInstance(dir string, ref Ref, seen *evidence, procs processes, listening map[int]bool) *Instance {
	inst := &Instance{raw: seen.texts["instance.json"]}
	err := json.Unmarshal([]byte(inst.raw), &inst.Record)
	if err == nil {
		err = errors.Join(checkObject(inst.UID, inst.Machine, inst.Forwards), checkSeed(inst.SeedDigest))
	}
	if err != nil {
		inst.disbelieve()
	}
	inst.Name, inst.Unkept = ref.Name, seen.isUnkept()
	_, inst.Asleep = seen.files["run/asleep"]
	inst.observe(seen, procs)
	if inst.Unreadable = err != nil; inst.Unreadable {
		inst.Problem, inst.Rescue = inspection{dir, ref, seen, inst.Machine}.unreadable(err)
	} else {
		record := inst.Record
		if inst.State == lifecycle.Standby {
			inst.Machine = machineOfCheckpoint(seen, inst.Machine)
			inst.saved = inst.Machine.NICs
			inst.Machine.NICs = ofTheirOwn(inst.saved, record.Machine.NICs)
		}
		inst.Problem, inst.Rescue = inspection{dir, ref, seen, inst.Machine}.ofInstance(record, inst.State)
	}
	if _, inst.halfway = seen.files["rollback/instance.json"]; inst.halfway {
		inst.State, inst.Problem = lifecycle.Unknown, "it is being rolled back to a snapshot"
	}
	if inst.Problem != "" && !inst.State.HasProcess() {
		inst.State = lifecycle.Unknown
	}
	for _, stack := range inst.Machine.Stacks() {
		inst.frozen = inst.frozen || seen.files["disk/"+stack.Layers[0].File].links > 1
	}
	if inst.Machine.Disk != nil {
		inst.DiskGiB = sizeOf(inst)
	}
	inst.Lost = lost(inst, seen, listening)
	return inst
}

// machineOfCheckpoint is the machine that the checkpoint is of; recorded, where
// it does not say.
func machineOfCheckpoint(seen *evidence, recorded qemu.Machine) qemu.Machine {
	var m qemu.Machine
	if json.Unmarshal([]byte(seen.texts["checkpoint/machine.json"]), &m) != nil || m.Check() != nil {
		return recorded
	}
	return m
}

// sizeOf is the size that was asked for, unless the disk has another: what was
// written into the metadata alone makes no disk larger. In standby it may yet
// have to grow.
func sizeOf(inst *Instance) int {
	size := inst.Machine.Disk.SizeBytes
	if inst.DiskGiB == 0 || inst.State == lifecycle.Standby || int64(inst.DiskGiB)<<30 == size {
		return inst.DiskGiB
	}
	return int(size >> 30)
}

// lost are the TCP forwards of a guest that runs on whose host ports nobody
// listens. QEMU listens before it lets a guest run. UDP has nothing to be seen
// by, and a host on which nothing at all is seen to listen shows nothing.
func lost(inst *Instance, seen *evidence, listening map[int]bool) map[string]map[string]qemu.Forward {
	if !inst.State.HasProcess() || seen.events == "" || len(listening) == 0 {
		return nil
	}
	var all map[string]map[string]qemu.Forward
	for nic, forwards := range inst.Forwards {
		for key, forward := range forwards {
			if forward.Protocol != "tcp" || listening[forward.HostPort] {
				continue
			}
			if all == nil {
				all = map[string]map[string]qemu.Forward{}
			}
			if all[nic] == nil {
				all[nic] = map[string]qemu.Forward{}
			}
			all[nic][key] = forward
		}
	}
	return all
}

// observe sets the state that the facts say: whether the recorded process is
// alive, what it last said of its guest, and whether there is a checkpoint. A
// process that is stopped (SIGSTOP) or on another machine cannot be judged. One
// whose guest has never run, or whose network cards are being replaced, counts for
// nothing: it is being started, or whoever started it has died. A checkpoint beside a process is of the past.
func (i *Instance) observe(seen *evidence, procs processes) {
	messages := qemu.Messages(seen.events)
	verdict, why := liveness(seen.texts["run/control.pid"], procs)
	if _, replacing := seen.files["run/replacing"]; verdict == living && (replacing || !hasRun(messages)) {
		verdict = dead
	}
	switch verdict {
	case unclear:
		i.State, i.Unclear = lifecycle.Unknown, why
	case living:
		i.State = lastState(messages)
		i.Failed = lastFailure(messages)
		i.Unplugged = i.Machine.Unplugged(messages)
		copies, _ := liveness(seen.texts["run/receiver.pid"], procs)
		i.copying = i.State == lifecycle.Paused && copies == living
	default:
		i.State, i.Ended = lifecycle.Stopped, lastReason(messages)
		if why != "" {
			i.Ended = why
		}
		for file := range seen.files {
			if strings.HasPrefix(file, "checkpoint") {
				i.State, i.Ended = lifecycle.Standby, ""
			}
		}
	}
}

func hasRun(messages []qemu.Message) bool {
	return slices.ContainsFunc(messages, func(m qemu.Message) bool { return m.Event == "RESUME" })
}

// lastState is what a process last said of its guest: that it panicked comes
// with a STOP.
func lastState(messages []qemu.Message) lifecycle.State {
	state := lifecycle.Paused
	for _, m := range messages {
		switch m.Event {
		case "RESUME":
			state = lifecycle.Running
		case "GUEST_PANICKED":
			state = lifecycle.Panicked
		case "STOP":
			if state != lifecycle.Panicked {
				state = lifecycle.Paused
			}
		}
	}
	return state
}

// The verdicts on a process.
const (
	dead = iota
	living
	unclear
)

// lastFailure is why QEMU has paused the guest, if it has: a write to the disk
// failed for which there was no space.
func lastFailure(messages []qemu.Message) string {
	reason := ""
	for _, m := range messages {
		switch {
		case m.Event == "BLOCK_IO_ERROR" && m.Data["action"] == "stop":
			reason, _ = m.Data["reason"].(string)
		case m.Event == "RESUME":
			reason = ""
		}
	}
	return reason
}

// liveness judges the process of a run/control.pid: pid, start time, boot,
// machine. It says why, where more than the process tells. To read its command
// line as well would cost a process each; the scripts do before they kill.
func liveness(record string, procs processes) (verdict int, why string) {
	fields := strings.Fields(record)
	if len(fields) != 4 {
		return dead, ""
	}
	if fields[3] != procs.machine {
		return unclear, "its process is on another machine, " + fields[3] + ", which shares the data directory"
	}
	if fields[2] != procs.boot {
		return dead, HostRestarted
	}
	stat, ok := procs.stats[fields[0]]
	if !ok || stat[1] != fields[1] { // gone, or its pid is a stranger's now
		return dead, ""
	}
	switch stat[0] {
	case "Z", "X":
		return dead, ""
	case "T", "t":
		return unclear, "its process " + fields[0] + " was stopped by a signal: kill -CONT " + fields[0] + " on the host lets it go on"
	}
	return living, ""
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
