package instance

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// lostForwards is where the forwards are remembered that Terraform has seen and
// that somebody has removed since. Those that the configuration names it would
// miss anyway; of those that a fork took over from its source nothing else tells
// that they were ever there.
const lostForwards = "lost_forwards"

type forwards = map[string]map[string]qemu.Forward

// A store is the private state of a resource.
type store interface {
	GetKey(context.Context, string) ([]byte, diag.Diagnostics)
	SetKey(context.Context, string, []byte) diag.Diagnostics
}

// rememberLost adds to those that were lost before those that were there and are
// not any more, and forgets those that are there again.
func rememberLost(ctx context.Context, private store, before, now types.Map) diag.Diagnostics {
	lost, diags := recallLost(ctx, private)
	for nic, was := range forwardsIn(before) {
		if lost[nic] == nil {
			lost[nic] = map[string]qemu.Forward{}
		}
		maps.Copy(lost[nic], was)
	}
	there := forwardsIn(now)
	for nic := range lost {
		maps.DeleteFunc(lost[nic], func(key string, _ qemu.Forward) bool { _, ok := there[nic][key]; return ok })
	}
	maps.DeleteFunc(lost, func(_ string, forwards map[string]qemu.Forward) bool { return len(forwards) == 0 })
	var text []byte // none: forget
	if len(lost) > 0 {
		text, _ = json.Marshal(lost) // our own types always marshal
	}
	diags.Append(private.SetKey(ctx, lostForwards, text)...)
	return diags
}

func recallLost(ctx context.Context, private store) (forwards, diag.Diagnostics) {
	lost := forwards{}
	text, diags := private.GetKey(ctx, lostForwards)
	_ = json.Unmarshal(text, &lost) // nothing is nothing lost
	return lost, diags
}

func forwardsIn(interfaces types.Map) forwards {
	found := forwards{}
	for nic, spec := range interfaceSpecs(interfaces) {
		found[nic] = spec.Forwards
	}
	return found
}

// withLost is the planned interfaces with the lost forwards of those of which
// the configuration leaves the forwards to the source of the fork.
func withLost(planned, config types.Map, lost forwards) types.Map {
	if config.IsUnknown() || planned.IsNull() || planned.IsUnknown() {
		return planned
	}
	named := interfaceSpecs(config)
	all := maps.Clone(planned.Elements())
	for nic, forwards := range lost {
		object, ok := known(all[nic])
		if !ok || named[nic].Forwards != nil {
			continue
		}
		together := maps.Clone(forwards)
		maps.Copy(together, forwardsOf(object.Attributes()["forward"]))
		attributes := maps.Clone(object.Attributes())
		attributes["forward"] = forwardsValue(together)
		all[nic] = types.ObjectValueMust(interfaceType.AttrTypes, attributes)
	}
	return types.MapValueMust(interfaceType, all)
}
