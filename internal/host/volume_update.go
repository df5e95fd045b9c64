package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

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
			return nil, c.invalid("a volume cannot shrink: it has %s", inGiB(v.SizeBytes))
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
