package host

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
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
