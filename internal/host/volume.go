package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
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

// A VolumeSpec is what a new volume is to be.
type VolumeSpec struct {
	Name     string
	Image    string // an image's name; "": empty
	SizeGiB  int    // 0: the image's virtual size
	Labels   map[string]string
	Settings json.RawMessage

	DeletionProtection bool
}

// CreateVolume makes a volume: a layer of its own, above a link to its image if
// it has one. One round trip, and with an image that of the listing.
func (h *Host) CreateVolume(ctx context.Context, spec VolumeSpec) (*Volume, error) {
	c := h.call("create", Volumes, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	volume := &Volume{
		Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second),
		SizeGiB: spec.SizeGiB, SizeBytes: int64(spec.SizeGiB) << 30, Layers: []qemu.Layer{newLayer()},
		Labels: spec.Labels, Settings: spec.Settings, DeletionProtection: spec.DeletionProtection,
	}
	from := make([]string, 4)
	if spec.Image != "" {
		image, err := h.intactImage(ctx, c, spec.Image)
		if err != nil {
			return nil, err
		}
		if spec.SizeGiB == 0 {
			volume.SizeBytes = image.VirtualSizeBytes
		}
		if volume.SizeBytes < image.VirtualSizeBytes {
			return nil, c.invalid("size_gib = %d is smaller than image %s, which has %.1f GiB", spec.SizeGiB, image.Name, gib(image.VirtualSizeBytes))
		}
		volume.Image = Ref{Images, image.Name}
		volume.Layers = append(volume.Layers, imageLayer(image))
		from = []string{volume.Image.String(), imageLayer(image).File, image.Format, image.raw}
	}
	if volume.SizeBytes < 1 {
		return nil, c.invalid("it has neither a size nor an image with one")
	}
	volume.raw = compact(volume)
	args := append([]string{h.DataDir, c.object.String(), volume.raw, volume.Layers[0].File, fmt.Sprint(volume.SizeBytes)}, from...)
	_, err := c.write(ctx, volumeScript, args...)
	return made(volume, true, err)
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// A VolumeChange is what a volume is to have instead of what it has; nil: the same.
type VolumeChange struct {
	Labels             *map[string]string
	DeletionProtection *bool
	Settings           json.RawMessage
	SizeGiB            *int // at least what it has
}

// CheckVolume returns the error that UpdateVolume would give, as far as that can
// be told before. One round trip at most, which reads share.
func (h *Host) CheckVolume(ctx context.Context, volume *Volume, change VolumeChange) error {
	c := h.call("update", Volumes, volume.Name)
	changed, err := volume.with(c, change)
	if err == nil && changed.SizeBytes != volume.SizeBytes {
		_, err = h.holder(ctx, c, volume)
	}
	return err
}

// UpdateVolume changes a volume. One that is attached grows in its guest, too,
// while that runs; not in standby, whose memory knows it as it is. One round trip,
// and for another size that of the listing.
func (h *Host) UpdateVolume(ctx context.Context, volume *Volume, change VolumeChange) error {
	c := h.call("update", Volumes, volume.Name)
	for attempt := 1; ; attempt++ {
		changed, err := volume.with(c, change)
		if err != nil {
			return err
		}
		if changed.SizeBytes == volume.SizeBytes {
			if changed.raw == volume.raw {
				return nil
			}
			_, err = c.write(ctx, labelScript, h.dir(c.object), metadata(Volumes), volume.raw, changed.raw)
		} else {
			err = h.growVolume(ctx, c, volume, changed)
		}
		if err == nil {
			*volume = *changed
			return nil
		}
		if !errors.Is(err, ErrChanged) || attempt == 5 { // its instance may have been led on meanwhile
			return err
		}
		h.Forget()
		now, err := h.Volume(ctx, volume.Name)
		switch {
		case err != nil:
			return err
		case now.UID != volume.UID:
			return c.fail(ErrReplaced, "", "")
		}
		*volume = *now
	}
}

// with is the volume after a change that needs no host.
func (v *Volume) with(c call, change VolumeChange) (*Volume, error) {
	if v.Unreadable { // to write it anew would make up what it is
		return nil, c.invalid("it is damaged: %s", v.Problem)
	}
	changed := *v
	if change.Labels != nil {
		changed.Labels = *change.Labels
	}
	if change.DeletionProtection != nil {
		changed.DeletionProtection = *change.DeletionProtection
	}
	if change.Settings != nil {
		changed.Settings = change.Settings
	}
	if change.SizeGiB != nil {
		changed.SizeGiB = *change.SizeGiB
		switch size := int64(*change.SizeGiB) << 30; {
		case size == 0: // as it is
		case size < v.SizeBytes:
			return nil, c.invalid("a volume cannot shrink: it has %.1f GiB", gib(v.SizeBytes))
		case v.Problem != "":
			return nil, c.invalid("it is damaged: %s", v.Problem)
		default:
			changed.SizeBytes = size
		}
	}
	changed.raw = compact(&changed)
	return &changed, nil
}

// holder is the instance that has the volume, nil when there is none; refused when
// it cannot take another size now.
func (h *Host) holder(ctx context.Context, c call, volume *Volume) (*Instance, error) {
	if volume.Instance.Name == "" {
		return nil, nil
	}
	inst, err := h.Instance(ctx, volume.Instance.Name)
	switch {
	case err != nil:
		return nil, err
	case inst.Problem != "":
		return nil, c.invalid("it is attached to %s, which is damaged: %s", volume.Instance, inst.Problem)
	case inst.State == lifecycle.Standby || inst.State == lifecycle.Unknown:
		return nil, c.invalid("it is attached to %s, which is %s: its size can change while that runs, when it is stopped, or without it", volume.Instance, inst.State)
	}
	return inst, nil
}

func (h *Host) growVolume(ctx context.Context, c call, volume, changed *Volume) error {
	inst, err := h.holder(ctx, c, volume)
	if err != nil {
		return err
	}
	args := []string{h.DataDir, c.object.String(), volume.raw, changed.raw, volume.Layers[0].File, fmt.Sprint(changed.SizeBytes)}
	if inst == nil {
		_, err = c.write(ctx, disksScript+growDiskScript, append(args, make([]string, 6)...)...)
		return err
	}
	mode, err := inst.modeOfChange(c)
	if err != nil {
		return err
	}
	record := inst.Record
	for _, disk := range inst.Machine.Disks {
		if disk.VolumeUID != volume.UID {
			continue
		}
		disk.SizeBytes = changed.SizeBytes
		record.Machine = record.Machine.WithDisk(disk)
		args = append(args, Ref{Instances, inst.Name}.String(), inst.UID, inst.raw, compact(record), mode, disk.Resize())
	}
	_, err = c.write(ctx, disksScript+growDiskScript, args...)
	return err
}

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

func (i inspection) ofVolume(err error, volume *Volume) (problem, rescue string) {
	if err != nil {
		problem, _ = i.unreadable(err)
		return problem, "Its layers are as they were. Mend " + i.path(metadata(Volumes)) + "; what an instance has of it as one of its disks shows what it looks like"
	}
	var lost []string
	for _, layer := range volume.Layers {
		if _, there := i.seen.files["disk/"+layer.File]; !there {
			lost = append(lost, layer.File)
		}
	}
	if len(lost) == 0 {
		return "", ""
	}
	return missing(lost), fmt.Sprintf("Whoever else has a layer has it under the same name, and an image as its data: find %s -name %s, and link what is found (ln) into %s",
		ssh.Quote(i.dataDir), lost[0], i.path("disk"))
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
