package host

import (
	"context"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// maxLayers bounds a disk's chain, which every standby and every fork makes
// longer: each layer costs QEMU open files, and a read that finds nothing looks
// into all of them.
var maxLayers = 16

// flatten shortens a chain that has become too long, once the guest runs. It
// copies what the instance, not its image, has written: one round trip.
func (h *Host) flatten(ctx context.Context, inst *Instance) error {
	disk := inst.Machine.Disk
	if disk == nil || len(disk.Layers) <= maxLayers {
		return nil
	}
	c := h.call("flatten the disk of", Instances, inst.Name)
	record := inst.Record
	top, bottom := disk.Layers[0], disk.Layers[len(disk.Layers)-1]
	record.Machine.Disk = &qemu.Disk{SizeBytes: disk.SizeBytes, Layers: []qemu.Layer{top, bottom}}
	becomes := compact(record)
	between := layerFiles(inst.Machine)[1 : len(disk.Layers)-1]
	if _, err := c.write(ctx, flattenScript, h.dir(c.object), inst.UID, inst.raw, becomes, qemu.Flatten(top, bottom), words(between), qemu.Flush(top), top.File); err != nil {
		return err
	}
	inst.Record, inst.raw = record, becomes
	return nil
}
