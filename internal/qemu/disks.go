package qemu

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A DataDisk is a disk beside the one that the guest boots from, on the SCSI
// controller, which takes and gives disks while the guest runs.
type DataDisk struct {
	Key    string `json:"key"`    // as in disks; its serial number in the guest
	Target int    `json:"target"` // its place on the controller, chosen once: it never moves
	Disk

	// Volume and VolumeUID are the name and uid of the volume that it is; "" of a
	// disk that belongs to the instance.
	Volume    string `json:"volume,omitempty"`
	VolumeUID string `json:"volume_uid,omitempty"`

	// Image is the name of the image that a disk of the instance's own was made
	// from, "" of one that was made empty, and SizeGiB what was asked for of it: 0
	// for the image's size. Neither is of what a guest sees.
	Image   string `json:"image,omitempty"`
	SizeGiB int    `json:"size_gib,omitempty"`
}

const (
	scsiSlot = 0x6 // PCI slot of the controller
	MaxDisks = 64  // of the 256 targets that a virtio-scsi controller has
)

// DiskKeyPattern is what the key of a data disk matches: 20 characters are what
// QEMU tells of a serial number where guests make names of it, such as
// /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data.
var DiskKeyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,19}$`)

// uidPattern is what the uid of a volume matches.
var uidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// namePattern is what the name of a volume, or of an image, matches: it becomes a path.
var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkDisks refuses data disks that could not have come from this provider.
func (m Machine) checkDisks() error {
	switch {
	case len(m.Disks) > 0 && !m.SCSI:
		return errors.New("it has disks and no controller for them")
	case len(m.Disks) > MaxDisks:
		return fmt.Errorf("it has %d disks, and %d is the most", len(m.Disks), MaxDisks)
	}
	keys, targets := map[string]bool{}, map[int]bool{}
	for _, d := range m.Disks {
		switch {
		case !DiskKeyPattern.MatchString(d.Key):
			return fmt.Errorf("%q is not the key of a disk", d.Key)
		case d.Target < 0 || d.Target >= MaxDisks:
			return fmt.Errorf("its disk %s is target %d", d.Key, d.Target)
		case keys[d.Key] || targets[d.Target]:
			return fmt.Errorf("it has disk %s, or one in its place, twice", d.Key)
		case d.SizeBytes < 1:
			return fmt.Errorf("its disk %s has %d bytes", d.Key, d.SizeBytes)
		case d.Volume != "" && !namePattern.MatchString(d.Volume), d.Volume != "" && !uidPattern.MatchString(d.VolumeUID), d.Volume == "" && d.VolumeUID != "":
			return fmt.Errorf("its disk %s is of volume %q, uid %q", d.Key, d.Volume, d.VolumeUID)
		case d.Image != "" && (d.Volume != "" || !namePattern.MatchString(d.Image)):
			return fmt.Errorf("its disk %s is of image %q", d.Key, d.Image)
		}
		if err := d.check(); err != nil {
			return err
		}
		keys[d.Key], targets[d.Target] = true, true
	}
	return nil
}

// FreeTarget is the first place on the controller that no disk has.
func (m Machine) FreeTarget() int {
	for target := range MaxDisks {
		if !slices.ContainsFunc(m.Disks, func(d DataDisk) bool { return d.Target == target }) {
			return target
		}
	}
	return MaxDisks // which Check refuses
}

// WithDisk is m with one more data disk; they are in the order of their keys.
func (m Machine) WithDisk(d DataDisk) Machine {
	m = m.WithoutDisk(d.Key)
	m.Disks = append(m.Disks, d)
	slices.SortFunc(m.Disks, func(a, b DataDisk) int { return cmp.Compare(a.Key, b.Key) })
	return m
}

// WithoutDisk is m without the data disk of a key.
func (m Machine) WithoutDisk(key string) Machine {
	m.Disks = slices.DeleteFunc(slices.Clone(m.Disks), func(d DataDisk) bool { return d.Key == key })
	if len(m.Disks) == 0 {
		m.Disks = nil
	}
	return m
}

// disks are the controller and what is on it. A disk is removable, so that the guest locks it for
// as long as it has it open: that tells whether it can be taken away.
func disks(m Machine, role Role) []string {
	if !m.SCSI {
		return nil
	}
	args := []string{"-device", fmt.Sprintf("virtio-scsi-pci,id=scsi,addr=%#x", scsiSlot)}
	for _, d := range m.Disks {
		args = append(args, "-blockdev", jsonOption(d.blockdev(role)), "-device", fmt.Sprintf(
			"scsi-hd,id=%s,bus=scsi.0,channel=0,scsi-id=%d,lun=0,drive=%s,serial=%s,removable=on", d.id(), d.Target, d.nodeName(role), d.Key))
	}
	return args
}

func (d DataDisk) blockdev(role Role) map[string]any {
	if role == Receiver {
		return nothing(d.nodeName(role), d.SizeBytes)
	}
	return chain(d.Layers, d.node)
}

// id is the device's: a guest's disk is found by it in events.
func (d DataDisk) id() string { return "disk-" + d.Key }

// given is the id of the command that gives the disk to a guest.
func (d DataDisk) given() string { return "device_add " + d.id() }

// Unplugged are the keys of those of the machine's disks that a running guest has
// not any more, by the messages since its process was started with them: somebody
// has taken them from it. Who gave one back is refused another one of its id.
func (m Machine) Unplugged(messages []Message) []string {
	var gone []string
	for _, d := range m.Disks {
		is := false
		for _, message := range messages {
			switch {
			case message.Event == "DEVICE_DELETED" && message.Data["device"] == d.id():
				is = true
			case message.ID == d.given() && (message.Error.Description == "" || strings.Contains(message.Error.Description, "Duplicate device ID")):
				is = false
			}
		}
		if is {
			gone = append(gone, d.Key)
		}
	}
	return gone
}

func (d DataDisk) nodeName(role Role) string {
	if role == Receiver {
		return fmt.Sprintf("disk%d-null", d.Target)
	}
	return d.node(d.Layers[0])
}

// node is a layer's node name: several disks may have the same image below.
func (d DataDisk) node(l Layer) string { return fmt.Sprintf("disk%d-%s", d.Target, l.name()) }

// AddDisk are the QMP commands that open a disk and give it to a running guest,
// and TakeDisk, DropDisk and CloseDisk those that take it away: TakeDisk takes
// the medium out and is refused while the guest has it locked, DropDisk removes
// the drive, and CloseDisk closes the files. ReturnDisk are the commands that
// undo TakeDisk.
func AddDisk(d DataDisk) (open, give string) {
	return command("blockdev-add", d.blockdev(Boot)), commandAs(d.given(), "device_add", map[string]any{
		"driver": "scsi-hd", "id": d.id(), "bus": "scsi.0", "channel": 0, "scsi-id": d.Target, "lun": 0,
		"drive": d.nodeName(Boot), "serial": d.Key, "removable": true,
	})
}

func TakeDisk(d DataDisk) string {
	return command("eject", map[string]any{"id": d.id(), "force": false})
}

func ReturnDisk(d DataDisk) (insert, shut string) {
	return command("blockdev-insert-medium", map[string]string{"id": d.id(), "node-name": d.nodeName(Boot)}),
		command("blockdev-close-tray", map[string]string{"id": d.id()})
}

func DropDisk(d DataDisk) string { return command("device_del", map[string]string{"id": d.id()}) }

func CloseDisk(d DataDisk) string {
	return command("blockdev-del", map[string]string{"node-name": d.nodeName(Boot)})
}

// Resize is the command that makes the disk of a running guest larger.
func (d DataDisk) Resize() string { return Stack{d.Key, d.Disk, d.node}.Grow() }
