package effect

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Changed lists what of the table has the effect and differs between state and
// plan, in order.
func (t Table) Changed(effect Effect, state, plan tftypes.Value) path.Paths {
	var changed path.Paths
	for _, key := range slices.Sorted(maps.Keys(t.Effects)) {
		if t.Effects[key] == effect {
			changed = append(changed, differences(path.Empty(), strings.Split(key, "."), state, plan)...)
		}
	}
	return changed
}

func differences(at path.Path, keys []string, state, plan tftypes.Value) path.Paths {
	if same(state, plan) {
		return nil
	}
	if len(keys) == 0 {
		return path.Paths{at}
	}
	was, is := children(state), children(plan)
	if keys[0] != "*" {
		return differences(at.AtName(keys[0]), keys[1:], was[keys[0]], is[keys[0]])
	}
	if !plan.IsKnown() { // which keys there will be cannot be said
		return nil
	}
	var changed path.Paths
	for _, key := range union(was, is) {
		before, had := was[key]
		after, has := is[key]
		switch {
		case had && has && len(keys) > 1:
			changed = append(changed, differences(at.AtMapKey(key), keys[1:], before, after)...)
		case had != has && len(keys) == 1:
			changed = append(changed, at.AtMapKey(key))
		}
	}
	return changed
}

// same takes a value that is missing, because what holds it is, for null.
func same(a, b tftypes.Value) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	return a.Equal(b)
}

func children(v tftypes.Value) map[string]tftypes.Value {
	var inside map[string]tftypes.Value
	if v.IsNull() || !v.IsKnown() || v.As(&inside) != nil {
		return nil
	}
	return inside
}

func union(a, b map[string]tftypes.Value) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]tftypes.Value{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
