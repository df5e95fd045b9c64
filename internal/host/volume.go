package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A Volume is a disk with a life of its own: its volume.json, of which keys of
// other tools are ignored, and kept. Its layers are in its disk/; an instance
// that it is attached to has links to them, and there is one such instance at
// most: whose disk/ has the top layer, and whose instance.json names it.
type Volume struct {
	Name      string            `json:"name"`
	UID       string            `json:"uid"`
	CreatedAt time.Time         `json:"created_at"`
	Image     Ref               `json:"image,omitzero"`     // that it was made from
	SizeGiB   int               `json:"size_gib,omitempty"` // as asked for; 0: the image's size
	SizeBytes int64             `json:"size_bytes"`         // of the disk that a guest sees
	Layers    []qemu.Layer      `json:"layers"`             // the top, which alone is written, and the image, if there is one
	Labels    map[string]string `json:"labels,omitempty"`
	Settings  json.RawMessage   `json:"settings,omitempty"` // its owner's notes

	DeletionProtection bool `json:"deletion_protection,omitempty"`

	Instance   Ref    `json:"-"` // that it is attached to
	Problem    string `json:"-"` // what is wrong with its files; "" if nothing is
	Rescue     string `json:"-"` // what of them is intact and how to go on from it, in sentences
	Unreadable bool   `json:"-"` // as an instance's: the name counts, and the UID if there is one
	Unkept     bool   `json:"-"` // whoever had it made has not said yet that they know of it

	raw    string                     // volume.json to the letter
	others map[string]json.RawMessage // keys of it that are none of the above
}

type plainVolume Volume

func (v *Volume) UnmarshalJSON(text []byte) (err error) {
	v.others, err = decode(text, (*plainVolume)(v))
	return err
}

func (v Volume) MarshalJSON() ([]byte, error) { return encode(plainVolume(v), v.others) }

// readVolume derives a volume from what was seen of it. Metadata that does not
// say what it is is believed nothing but the uid.
func readVolume(dir string, ref Ref, seen *evidence) *Volume {
	volume := &Volume{raw: seen.texts["volume.json"]}
	err := json.Unmarshal([]byte(volume.raw), volume)
	if err == nil {
		err = checkVolume(volume)
	}
	if err != nil {
		volume = &Volume{UID: believed(volume.UID), Unreadable: true, raw: volume.raw}
	}
	volume.Name, volume.Unkept = ref.Name, seen.isUnkept()
	volume.Problem, volume.Rescue = inspection{dataDir: dir, ref: ref, seen: seen}.ofVolume(err, volume)
	return volume
}

// checkVolume refuses metadata that does not say what a volume is.
func checkVolume(volume *Volume) error {
	if err := checkUID(volume.UID); err != nil {
		return err
	}
	machine := qemu.Machine{Type: "q35", CPU: "max", Accelerator: "tcg", VCPUs: 1, MemoryMiB: 1, SCSI: true}
	return machine.WithDisk(volume.disk("a", 0)).Check()
}

// disk is the volume as a disk of a machine.
func (v *Volume) disk(key string, target int) qemu.DataDisk {
	name := v.Name
	if name == "" {
		name = "nameless"
	}
	return qemu.DataDisk{Key: key, Target: target, Disk: qemu.Disk{SizeBytes: v.SizeBytes, Layers: v.Layers}, Volume: name, VolumeUID: v.UID}
}

// join says of each volume which instance has it, and of each instance which of
// its disks are of volumes that are not there any more.
func (l *listing) join() {
	for name, inst := range l.instances {
		for _, disk := range inst.Machine.Disks {
			volume := l.volumes[disk.Volume]
			switch {
			case disk.Volume == "":
			case volume == nil || volume.UID != disk.VolumeUID:
				inst.Strays = append(inst.Strays, disk.Key)
			default:
				volume.Instance = Ref{Instances, name}
			}
		}
	}
}

// Volume reads one volume; ErrNotFound when it is proved absent.
func (h *Host) Volume(ctx context.Context, name string) (*Volume, error) {
	return find(ctx, h, Ref{Volumes, name}, func(l *listing) map[string]*Volume { return l.volumes })
}

// Volumes reads all volumes, by name.
func (h *Host) Volumes(ctx context.Context) ([]*Volume, error) {
	return all(ctx, h, func(l *listing) map[string]*Volume { return l.volumes })
}

// DeleteVolume is as DeleteImage, but that it is refused while the volume is
// attached to an instance.
func (h *Host) DeleteVolume(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Volumes, name}, uid)
}
