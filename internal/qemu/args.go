package qemu

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Role is what a process does with a machine.
type Role int

const (
	Boot     Role = iota // runs the guest from its firmware on
	Restored             // runs the guest from checkpoint/
	Receiver             // takes a guest's memory into checkpoint.tmp/, and never runs it
)

// A Process is what one run of a machine adds to the definition. All paths are
// relative to the instance's directory, in which QEMU is started, so that they
// hold no user's string and stay right when the directory is renamed.
type Process struct {
	Role       Role
	Name       string // the instance's, for `ps`
	UID        string // the instance's, by which its process is known
	Generation string // VM generation ID: a new UUID for every run
	Forwards   map[string]map[string]Forward
	User       User
}

// A User is whom the process becomes when it has opened its files, before its
// guest runs. The zero value is none: it stays who started it.
type User struct {
	Name    string
	RunWith bool // QEMU has -run-with user=, as from 9.1, where -runas is deprecated
}

func (u User) args() []string {
	switch {
	case u.Name == "":
		return nil
	case u.RunWith:
		return []string{"-run-with", "user=" + value(u.Name)}
	}
	return []string{"-runas", u.Name}
}

// sandbox is the system call filter. It is on before the process becomes another
// user, for which elevateprivileges=deny, or =children, would kill it. After that
// it has no privileges and, as under every filter, cannot get any
// (PR_SET_NO_NEW_PRIVS).
func (u User) sandbox() string {
	if u.Name != "" {
		return "on,obsolete=deny,spawn=deny,resourcecontrol=deny"
	}
	return "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
}

// Args returns the arguments of qemu-system for a run of m. What the guest can
// see depends on m alone; a [Receiver] has the same devices with nothing behind
// them. The process starts with its guest paused.
//
// The list is as short as a guest allows: 80 % of a fork's time is the start of
// this process, and every device adds to it and to the device state.
func Args(m Machine, p Process) []string {
	args := []string{
		"-name", "guest=" + value(p.Name), "-uuid", p.UID,
		"-no-user-config", "-nodefaults", "-display", "none", "-S",
		"-sandbox", p.User.sandbox(),
		"-machine", m.Type + ",memory-backend=ram,vmport=off" + flash(m.Firmware),
		"-accel", m.Accelerator, "-cpu", m.CPU, "-smp", fmt.Sprint(m.VCPUs),
		"-m", fmt.Sprintf("%dM", m.MemoryMiB), "-object", memory(m, p.Role),
		"-rtc", "base=utc", "-action", "panic=pause", "-msg", "timestamp=on",
	}
	args = append(args, p.User.args()...)
	args = append(args, monitors(p.Role)...)
	args = append(args, "-device", "pvpanic-pci,addr=0x2")
	args = append(args, "-device", "vmgenid,guid="+p.Generation)
	if m.Agent {
		args = append(args, agent(p.Role)...)
	}
	args = append(args, flashNodes(m.Firmware, p.Role)...)
	if k := m.Kernel; k != nil && p.Role != Receiver {
		args = append(args, "-kernel", "boot/kernel", "-append", k.CommandLine)
		if k.Initrd {
			args = append(args, "-initrd", "boot/initrd")
		}
	}
	if d := m.Disk; d != nil {
		args = append(args, "-blockdev", blockdev(*d, p.Role),
			"-device", "virtio-blk-pci,id=disk,drive="+nodeName(*d, p.Role)+",addr=0x4,bootindex=1")
	}
	if m.Seed != nil {
		args = append(args, "-blockdev", seed(*m.Seed, p.Role), "-device", "virtio-blk-pci,id=seed,drive=seed,addr=0x5")
	}
	args = append(args, disks(m, p.Role)...)
	for i, nic := range m.NICs {
		if nic.Type == "bridge" {
			args = append(args, bridgeNIC(i, nic, p)...)
			continue
		}
		args = append(args, "-netdev", netdev(i, nic, p),
			"-device", fmt.Sprintf("virtio-net-pci,id=nic%d,netdev=net%d,mac=%s,addr=%#x,romfile=", i, i, nic.MAC, nicSlot+i))
	}
	switch p.Role {
	case Restored:
		// Not -incoming: that leaves the ROMs empty, and a guest that reboots later
		// finds no firmware.
		args = append(args, "-blockdev", deviceState("run")) // a copy, for QEMU opens it to write
	case Receiver:
		args = append(args, "-blockdev", deviceState("checkpoint.tmp"), "-incoming", "defer")
	}
	return args
}

// deviceState is the node of the qcow2 file whose internal snapshot is the state
// of a checkpoint's devices.
func deviceState(dir string) string {
	return jsonOption(map[string]any{
		"driver": "qcow2", "node-name": "device-state",
		"file": map[string]any{"driver": "file", "filename": dir + "/device-state"},
	})
}

const (
	nicSlot = 0x8 // first PCI slot of the NICs
	MaxNICs = 16  // slots 0x8 to 0x17
)

// memory is the guest's RAM. A restored guest maps the checkpoint privately:
// pages are read when they are touched and copied when they are written, so the
// file stays as it is and all forks share its page cache.
func memory(m Machine, role Role) string {
	switch role {
	case Restored:
		return fmt.Sprintf("memory-backend-file,id=ram,size=%dM,mem-path=checkpoint/memory,share=off", m.MemoryMiB)
	case Receiver:
		return fmt.Sprintf("memory-backend-file,id=ram,size=%dM,mem-path=checkpoint.tmp/memory,share=on", m.MemoryMiB)
	default:
		return fmt.Sprintf("memory-backend-ram,id=ram,size=%dM", m.MemoryMiB)
	}
}

// monitors are the channels to a process: control, which scripts on the host
// use (a FIFO in, a file that keeps every reply and event out), a QMP socket
// for whoever operates the host, and the guest's serial console.
func monitors(role Role) []string {
	if role == Receiver {
		return []string{
			"-chardev", "pipe,id=control,path=run/receiver", "-mon", "chardev=control,mode=control",
			"-chardev", "null,id=console", "-serial", "chardev:console",
		}
	}
	return []string{
		"-chardev", "pipe,id=control,path=run/control", "-mon", "chardev=control,mode=control",
		"-chardev", "socket,id=qmp,path=run/qmp.sock,server=on,wait=off", "-mon", "chardev=qmp,mode=control",
		"-chardev", "file,id=console,path=run/console.log,append=on", "-serial", "chardev:console",
	}
}

// agent is the channel to the guest's agent: a FIFO each way, of which the one
// out holds what nobody has read yet, so that a guest that floods it only blocks
// itself. The port's name is the one that qemu-ga opens by default.
func agent(role Role) []string {
	channel := "pipe,id=agent,path=run/agent"
	if role == Receiver {
		channel = "null,id=agent"
	}
	return []string{
		"-chardev", channel, "-device", "virtio-serial-pci,id=serial,max_ports=2,addr=0x3",
		"-device", "virtserialport,id=agent,bus=serial.0,nr=1,chardev=agent,name=org.qemu.guest_agent.0",
	}
}

// blockdev is the disk with all of its layers.
func blockdev(d Disk, role Role) string {
	if role == Receiver {
		return jsonOption(nothing(nodeName(d, role), d.SizeBytes))
	}
	return jsonOption(chain(d.Layers, Layer.node))
}

// nothing stands for a disk of that size.
func nothing(name string, size int64) map[string]any {
	return map[string]any{"driver": "null-co", "node-name": name, "size": size, "read-zeroes": true}
}

// chain is a disk with all of its layers, by name: no header, which a guest may
// have had a hand in, decides what is opened below.
func chain(layers []Layer, name func(Layer) string) map[string]any {
	var node map[string]any
	for _, layer := range slices.Backward(layers) {
		above := layerNode(layer, name(layer))
		if layer.Format == "qcow2" {
			above["backing"] = node
		}
		node = above
	}
	return node
}

// seed is the node of cloud-init's seed. Its format is named, so that nothing that
// stands in it decides what is opened.
func seed(s Seed, role Role) string {
	node := map[string]any{"node-name": "seed", "read-only": true}
	if role == Receiver {
		maps.Copy(node, map[string]any{"driver": "null-co", "size": s.SizeBytes, "read-zeroes": true})
	} else {
		maps.Copy(node, map[string]any{"driver": "raw", "file": map[string]any{"driver": "file", "filename": "boot/seed.iso", "read-only": true}})
	}
	return jsonOption(node)
}

func nodeName(d Disk, role Role) string {
	if role == Receiver {
		return "disk-null"
	}
	return d.Layers[0].node()
}

// node is the layer's QEMU node name: at most 31 characters, a letter first.
func (l Layer) node() string { return "layer-" + l.name() }

func (l Layer) name() string { return strings.TrimSuffix(l.File, ".qcow2") }

func layerNode(l Layer, name string) map[string]any {
	return map[string]any{
		"driver": l.Format, "node-name": name, "discard": "unmap",
		"file": map[string]any{"driver": "file", "filename": "disk/" + l.File, "discard": "unmap"},
	}
}

// netdev is a NIC's backend. Its type is part of the checkpoint, its forwards
// are not; a receiver has none, for the guest's own process holds the ports.
// (QEMU takes JSON here only from 7.2 on. No value can hold a comma: see the
// checks of [Machine] and [Forward].)
func netdev(i int, nic NIC, p Process) string {
	if nic.Type == PasstType {
		return passtNetdev(i, p)
	}
	option := fmt.Sprintf("%s,id=net%d", nic.Type, i)
	if nic.Restrict {
		option += ",restrict=on"
	}
	if p.Role == Receiver {
		return option
	}
	for _, key := range slices.Sorted(maps.Keys(p.Forwards[nic.Key])) {
		option += ",hostfwd=" + p.Forwards[nic.Key][key].String()
	}
	return option
}

// String is f as QEMU's hostfwd and hostfwd_add write it.
func (f Forward) String() string {
	return fmt.Sprintf("%s:%s:%d-:%d", f.Protocol, f.HostAddress, f.HostPort, f.GuestPort)
}

// value is text as the value of an option's key: a comma in it is doubled.
func value(text string) string { return strings.ReplaceAll(text, ",", ",,") }

// jsonOption is an option in JSON, which needs no doubling of commas.
func jsonOption(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers always marshal
	}
	return string(text)
}
