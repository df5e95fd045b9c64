package host

import (
	"context"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// maxLayers bounds a disk's chain, which every standby and every fork makes
// longer: each layer costs QEMU open files, and a read that finds nothing looks
// into all of them.
const maxLayers = 16

// flatten shortens the chains that have become too long, once the guest runs. It
// copies what the instance, not its image, has written: one round trip for each.
func (h *Host) flatten(ctx context.Context, inst *Instance) error {
	for _, stack := range inst.Machine.Stacks() {
		if len(stack.Layers) <= h.maxLayers {
			continue
		}
		c := h.call("flatten the disk of", Instances, inst.Name)
		record, between := inst.Record, files(stack.Disk)[1:len(stack.Layers)-1]
		flat := stack
		flat.Layers = []qemu.Layer{stack.Layers[0], stack.Layers[len(stack.Layers)-1]}
		record.Machine = record.Machine.WithStack(flat)
		becomes := compact(record)
		if _, err := c.write(ctx, flattenScript, h.dir(c.object), inst.UID, inst.raw, becomes, stack.Flatten(), words(between), stack.Flush(), stack.Layers[0].File); err != nil {
			return err
		}
		inst.Record, inst.raw = record, becomes
	}
	return nil
}
