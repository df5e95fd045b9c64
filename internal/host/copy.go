package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A source is what a snapshot or a fork is made from: an instance that runs, is
// in standby or stopped, or a snapshot. It is never changed by that, but for the
// new disk layer that a running one goes on with.
type source struct {
	ref         Ref
	uid         string
	raw         string // its metadata as it was read
	state       lifecycle.State
	machine     qemu.Machine // at the instant of the copy
	saved       []qemu.NIC   // as its memory has them
	forwards    map[string]map[string]qemu.Forward
	kernelImage Ref
	initrdImage Ref
	seedDigest  string
	record      *Record // of an instance
	user        qemu.User
}

// hasMemory reports whether what is copied has a checkpoint.
func (s source) hasMemory() bool { return s.state != lifecycle.Stopped }

// source reads what ref names; it is refused when it is damaged or unclear.
func (h *Host) source(ctx context.Context, c call, ref Ref) (source, error) {
	if ref.Kind == Snapshots {
		snap, err := h.Snapshot(ctx, ref.Name)
		if err != nil {
			return source{}, err
		}
		if snap.Problem != "" {
			return source{}, c.invalid("%s is damaged: %s", ref, snap.Problem)
		}
		return source{ref, snap.UID, snap.raw, snap.Kind, snap.Machine, snap.saved, snap.Forwards, snap.KernelImage, snap.InitrdImage, snap.SeedDigest, nil, qemu.User{}}, nil
	}
	inst, err := h.Instance(ctx, ref.Name)
	if err != nil {
		return source{}, err
	}
	switch {
	case inst.Problem != "":
		return source{}, c.invalid("%s is damaged: %s", ref, inst.Problem)
	case inst.State == lifecycle.Unknown:
		return source{}, c.invalid("what %s is cannot be told: %s", ref, inst.Unclear)
	case inst.copying: // it goes on when that is done, or was killed: the lock tells
		inst.State = lifecycle.Running
	case inst.State == lifecycle.Paused:
		return source{}, c.invalid("%s is paused: let it go on first, or put it into standby", ref)
	case inst.State == lifecycle.Panicked:
		return source{}, c.invalid("the guest of %s has panicked: start it anew first", ref)
	}
	machine, err := c.withoutVolumes(inst)
	if err != nil {
		return source{}, err
	}
	saved := machine.NICs
	if inst.State == lifecycle.Standby {
		saved = inst.saved
	}
	user, err := h.user(ctx)
	return source{ref, inst.UID, inst.raw, inst.State, machine, saved, inst.Forwards, inst.KernelImage, inst.InitrdImage, inst.SeedDigest, &inst.Record, user}, err
}

// ofPresent copies a source, which it looks at anew when somebody else has
// changed it since it was read: with each attempt one of those who take
// snapshots of the same guest at the same time is done.
func ofPresent[T any](h *Host, copy func() (T, error)) (T, error) {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		made, err := copy()
		if !errors.Is(err, ErrChanged) || attempt == attempts {
			return made, err
		}
		h.Forget()
	}
}

// copyArgs are the arguments of capture.sh and copy.sh together: to make object
// c of metadata text from s; with a seed of its own, unless that is nil.
func (h *Host) copyArgs(c call, s source, text, ports string, seed *Seed) []string {
	args := []string{
		h.DataDir, s.ref.String(), s.uid, metadata(s.ref.Kind), s.raw, string(s.state), words(layerFiles(s.machine)),
		c.object.String(), metadata(c.object.Kind), text, ports,
	}
	args = append(args, seed.args()...)
	if s.state != lifecycle.Running {
		return args
	}
	args = append(append(args, compact(s.machine)), paceArgs(s.machine)...)
	args = append(args, switchArgs(*s.record)...)
	return append(args, h.receiverArgs(s.record.Name, s.uid, s.machine, s.user)...)
}

// switchArgs are what capture.sh needs to give the disks of a running instance
// new layers.
func switchArgs(record Record) []string {
	var layers, adds, drops, addsBelow, switchesBelow []string
	var above []qemu.Stack
	for _, stack := range record.Machine.Stacks() {
		top := stack.Above(newLayer())
		layers = append(layers, layerWords(top.Disk), top.Node(1), top.Node(2))
		adds, drops = append(adds, top.Add()), append(drops, top.Drop())
		addBelow, switchBelow := "", ""
		if len(stack.Layers) > 1 {
			addBelow, switchBelow = stack.Add(), qemu.Switch(stack)
		}
		addsBelow, switchesBelow = append(addsBelow, addBelow), append(switchesBelow, switchBelow)
		above = append(above, top)
		record.Machine = record.Machine.WithStack(top)
	}
	if len(above) == 0 {
		return make([]string, 7)
	}
	return []string{compact(record), words(layers), lines(adds), qemu.Switch(above...), lines(drops), lines(addsBelow), lines(switchesBelow)}
}

func lines(texts []string) string { return strings.Join(texts, "\n") }

// receiverArgs are user, program and arguments of the QEMU that takes an
// instance's memory.
func (h *Host) receiverArgs(name, uid string, m qemu.Machine, user qemu.User) []string {
	return append([]string{user.Name, h.QEMUBinary},
		qemu.Args(m, qemu.Process{Role: qemu.Receiver, Name: name, UID: uid, Generation: uuid.NewString(), User: user})...)
}

// paceArgs are capture.sh's patience and downtime. A guest may dirty its memory
// while it is copied for 20 s and 5 s for every GiB, four times of what was
// measured on slow hosts, before it is stopped for it. What is left for the time
// in which it stands still may take 30 ms. An emulated guest, of which QEMU does
// not see every store, has its memory sent once, and what it dirtied then.
func paceArgs(m qemu.Machine) []string {
	downtime := "30"
	if m.Accelerator == "tcg" {
		downtime = "0"
	}
	return []string{fmt.Sprint(200 + 50*m.MemoryMiB/1024), downtime}
}

// withSize is m with a disk of another size.
func withSize(m qemu.Machine, bytes int64) qemu.Machine {
	m.Disk = &qemu.Disk{SizeBytes: bytes, Layers: m.Disk.Layers}
	return m
}
