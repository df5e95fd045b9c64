// Package qemu knows QEMU: how a machine definition becomes an argument list,
// what is said to a running process over QMP, and what a disk image's header
// says. It is pure; package host runs what it returns.
package qemu

// A Machine is what a guest can see of its hardware. A checkpoint can be loaded
// only into the machine it was saved from, and QEMU does not notice every
// difference, so the argument list is made from this definition alone, apart
// from what a [Process] adds.
type Machine struct {
	Type        string  `json:"type"`        // versioned: "pc-q35-7.2", never the alias "q35"
	Accelerator string  `json:"accelerator"` // "kvm" or "tcg"
	CPU         string  `json:"cpu"`         // QEMU's CPU model
	VCPUs       int     `json:"vcpus"`
	MemoryMiB   int     `json:"memory_mib"`
	Firmware    *UEFI   `json:"firmware,omitempty"` // nil: QEMU's BIOS
	Kernel      *Kernel `json:"kernel,omitempty"`   // direct kernel boot
	Disk        *Disk   `json:"disk,omitempty"`
	Seed        *Seed   `json:"seed,omitempty"`  // cloud-init's
	NICs        []NIC   `json:"nics,omitempty"`  // in the order of their keys
	Agent       bool    `json:"agent,omitempty"` // it has a channel to a guest agent

	SCSI  bool       `json:"scsi,omitempty"`  // there is a controller for Disks
	Disks []DataDisk `json:"disks,omitempty"` // in the order of their keys
}

// A Kernel is booted directly, from boot/kernel and boot/initrd.
type Kernel struct {
	Initrd      bool   `json:"initrd"` // there is a boot/initrd
	CommandLine string `json:"command_line"`
}

// A Disk is a chain of layers in disk/, the top, which alone is written, first.
type Disk struct {
	SizeBytes int64   `json:"size_bytes"` // virtual size
	Layers    []Layer `json:"layers"`
}

// A Layer is one file of a disk.
type Layer struct {
	File   string `json:"file"`   // name in disk/, unique among all instances
	Format string `json:"format"` // "qcow2" or, for an image at the bottom, "raw"
}

// A Seed is a small disk that is only read, boot/seed.iso, from which cloud-init
// learns what its guest is to be. Of a checkpoint its size alone is.
type Seed struct {
	SizeBytes int64 `json:"size_bytes"`
}

// A NIC is a virtio network card.
type NIC struct {
	Key  string `json:"key"`  // as in network_interfaces
	Type string `json:"type"` // of its backend: "user", "passt" (one at most) or "bridge"
	MAC  string `json:"mac"`

	// Restrict cuts the guest off from all but the forwards to it. It is of no
	// checkpoint: one can be loaded with it and without.
	Restrict bool `json:"restrict,omitempty"`

	// Of type "bridge" only. The bridge is of no checkpoint either; Port is: the
	// card is replaced by one in the other of its ports.
	Bridge  string `json:"bridge,omitempty"`  // of the host, unless Network is set
	Network string `json:"network,omitempty"` // the network whose bridge it is
	Port    int    `json:"port,omitempty"`    // in which of its two PCI ports it is: 0 or 1
}

// A Forward makes a guest's port reachable on the host.
type Forward struct {
	Protocol    string `json:"protocol"` // "tcp" or "udp"
	HostAddress string `json:"host_address"`
	HostPort    int    `json:"host_port"`
	GuestPort   int    `json:"guest_port"`
}
