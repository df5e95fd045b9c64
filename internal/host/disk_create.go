package host

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// newDisk plans a disk that is to be made: an empty layer, above an image if one is
// named, which is then returned. A size of 0 is the image's. argument is what the
// size is called where it is refused.
func (h *Host) newDisk(ctx context.Context, c call, argument, imageName string, gib int) (qemu.Disk, *Image, error) {
	disk := qemu.Disk{SizeBytes: int64(gib) << 30, Layers: []qemu.Layer{newLayer()}}
	if imageName == "" {
		return disk, nil, nil
	}
	image, err := h.imageFor(ctx, c, argument, imageName, gib)
	if err != nil {
		return disk, nil, err
	}
	if gib == 0 {
		disk.SizeBytes = image.VirtualSizeBytes
	}
	disk.Layers = append(disk.Layers, imageLayer(image))
	return disk, image, nil
}

// imageFor reads an image that a disk of a size is to be made from, and refuses one
// that is damaged, or larger.
func (h *Host) imageFor(ctx context.Context, c call, argument, name string, gib int) (*Image, error) {
	image, err := h.intactImage(ctx, c, name)
	if err == nil && gib != 0 && int64(gib)<<30 < image.VirtualSizeBytes {
		err = c.invalid("%s = %d is smaller than image %s, which has %s", argument, gib, name, inGiB(image.VirtualSizeBytes))
	}
	return image, err
}

// diskArgs are the arguments of make_disk in lib/layers.sh, but for the object. There
// may be neither disk nor image.
func diskArgs(disk *qemu.Disk, image *Image) []string {
	args := make([]string, 3)
	if disk != nil {
		args[0] = layerWords(*disk)
	}
	if image != nil {
		args[1], args[2] = Ref{Images, image.Name}.String(), image.raw
	}
	return args
}

// layerWords are a new top layer as scripts make it: its name, that of what is
// below, or a hyphen, and an empty image.
func layerWords(disk qemu.Disk) string {
	var below qemu.Layer
	if len(disk.Layers) > 1 {
		below = disk.Layers[1]
	}
	image := qemu.NewEmptyImage(disk.SizeBytes, below.File, below.Format)
	return words([]string{
		disk.Layers[0].File, cmp.Or(below.File, "-"),
		escaped(image.Header), fmt.Sprint(image.TableAt), escaped(image.Table), escaped(image.Block),
	})
}

// escaped is what printf's %b, which every POSIX shell has, makes bytes of.
func escaped(bytes []byte) string {
	var b strings.Builder
	for _, c := range bytes {
		fmt.Fprintf(&b, `\0%03o`, c)
	}
	return b.String()
}

// inGiB is a size as a person says it.
func inGiB(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
