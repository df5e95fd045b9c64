package instance

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// passtChanges lists forwards that differ between state and plan on a network
// interface of type passt, which takes them when it is started: they restart an
// instance that has a process, where others change live.
func (m *model) passtChanges(from, to tftypes.Value) path.Paths {
	if !lifecycle.State(m.State.ValueString()).HasProcess() {
		return nil
	}
	var changed path.Paths
	for key, spec := range interfaceSpecs(m.NetworkInterfaces) {
		at := path.Root("network_interfaces").AtMapKey(key).AtName("forward")
		if spec.Type == qemu.PasstType && slices.ContainsFunc(Effects.Changed(effect.Live, from, to), isWithin(at)) {
			changed = append(changed, at)
		}
	}
	return changed
}

// isWithin reports whether a path is that of parent, or of something in it.
func isWithin(parent path.Path) func(path.Path) bool {
	return func(at path.Path) bool {
		steps := at.Steps()
		return len(steps) >= len(parent.Steps()) && steps[:len(parent.Steps())].Equal(parent.Steps())
	}
}
