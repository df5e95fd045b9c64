package qemu

import (
	"fmt"
	"slices"
)

// A Stack is a disk that belongs to a machine, with its layers as QEMU's nodes:
// the first disk, or one of those beside it that is no volume. Snapshots and
// forks have all of them.
type Stack struct {
	Key string // of a data disk; "" of the first
	Disk
	name func(Layer) string
}

// Stacks are those of a machine, always in the same order.
func (m Machine) Stacks() []Stack {
	var stacks []Stack
	if m.Disk != nil {
		stacks = append(stacks, Stack{"", *m.Disk, Layer.node})
	}
	for _, d := range m.Disks {
		if d.Volume == "" {
			stacks = append(stacks, Stack{d.Key, d.Disk, d.node})
		}
	}
	return stacks
}

// WithStack is m with the disk of a stack instead of the one that it has.
func (m Machine) WithStack(s Stack) Machine {
	if s.Key == "" {
		m.Disk = &s.Disk
		return m
	}
	m.Disks = slices.Clone(m.Disks)
	for i := range m.Disks {
		if m.Disks[i].Key == s.Key {
			m.Disks[i].Disk = s.Disk
		}
	}
	return m
}

// Above is the stack with one more layer.
func (s Stack) Above(layer Layer) Stack {
	s.Layers = slices.Insert(slices.Clone(s.Layers), 0, layer)
	return s
}

// Node is the name of the i-th layer's node; "-" where there is none.
func (s Stack) Node(i int) string {
	if i >= len(s.Layers) {
		return "-"
	}
	return s.name(s.Layers[i])
}

// Add is the QMP command that opens the top layer, not yet in use, and Switch the
// one that from then on lets the guest write to the top layers of stacks, at one
// instant, instead of what is below them; Drop closes one that was not used after
// all.
func (s Stack) Add() string {
	node := layerNode(s.Layers[0], s.Node(0))
	node["backing"] = nil // blockdev-snapshot sets it
	return command("blockdev-add", node)
}

func Switch(stacks ...Stack) string {
	var actions []any
	for _, s := range stacks {
		actions = append(actions, map[string]any{
			"type": "blockdev-snapshot",
			"data": map[string]string{"node": s.Node(1), "overlay": s.Node(0)},
		})
	}
	return command("transaction", map[string]any{"actions": actions})
}

func (s Stack) Drop() string {
	return command("blockdev-del", map[string]string{"node-name": s.Node(0)})
}

// Flatten is the QMP command that copies into the top what lies between it and
// the bottom, and then leaves that out. BLOCK_JOB_COMPLETED says that it is done.
func (s Stack) Flatten() string {
	bottom := len(s.Layers) - 1
	return command("block-stream", map[string]any{
		"job-id": "flatten", "device": s.Node(0), "base-node": s.Node(bottom), "backing-file": s.Layers[bottom].File,
	})
}

// Flush is the command that has QEMU write what it keeps of the top layer, for
// human monitors only.
func (s Stack) Flush() string { return human(fmt.Sprintf(`qemu-io %s "flush"`, s.Node(0))) }

// Grow is the QMP command that makes the disk of a running guest larger.
func (s Stack) Grow() string {
	return command("block_resize", map[string]any{"node-name": s.Node(0), "size": s.SizeBytes})
}
