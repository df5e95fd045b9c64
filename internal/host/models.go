package host

import (
	"context"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// checkModels refuses a machine type or a CPU model that a machine is to have, has
// not yet, and that the host's QEMU does not know. One round trip for the driver's
// life, and none where both stay what they are.
func (h *Host) checkModels(ctx context.Context, c call, has, wanted qemu.Machine) error {
	newType, newCPU := wanted.Type != has.Type, wanted.CPU != has.CPU
	if !newType && !newCPU {
		return nil
	}
	known, err := h.models(ctx)
	switch {
	case err != nil:
		return err
	case newType && !known["machine "+wanted.Type]:
		return c.invalid("its QEMU has no machine type %q: %s -machine help lists those that it has", wanted.Type, h.QEMUBinary)
	case newCPU && !known["cpu "+wanted.CPU]:
		return c.invalid("its QEMU has no CPU model %q: %s -cpu help lists those that it has", wanted.CPU, h.QEMUBinary)
	case newCPU && wanted.CPU == cpuModel["kvm"] && wanted.Accelerator != "kvm":
		return c.invalid("the CPU model %q is the host's own, which no guest has under the accelerator %s", wanted.CPU, wanted.Accelerator)
	}
	return nil
}

// models are the lines of models.sh.
func (h *Host) models(ctx context.Context) (map[string]bool, error) {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	if h.facts.models == nil {
		out, err := call{h, "probe", Ref{hosts, h.Name}}.read(ctx, modelsScript, h.QEMUBinary)
		if err != nil {
			return nil, err
		}
		known := map[string]bool{}
		for line := range strings.Lines(out) {
			known[strings.TrimSpace(line)] = true
		}
		h.facts.models = known
	}
	return h.facts.models, nil
}
