package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

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
	disk, image, err := h.newDisk(ctx, c, "size_gib", spec.Image, spec.SizeGiB)
	if err != nil {
		return nil, err
	}
	volume := &Volume{
		Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second),
		SizeGiB: spec.SizeGiB, SizeBytes: disk.SizeBytes, Layers: disk.Layers,
		Labels: spec.Labels, Settings: spec.Settings, DeletionProtection: spec.DeletionProtection,
	}
	if image != nil {
		volume.Image = Ref{Images, image.Name}
	}
	if volume.SizeBytes < 1 {
		return nil, c.invalid("it has neither a size nor an image with one")
	}
	volume.raw = compact(volume)
	_, err = c.write(ctx, volumeScript, append([]string{h.DataDir, c.object.String(), volume.raw}, diskArgs(&disk, image)...)...)
	return made(volume, true, err)
}
