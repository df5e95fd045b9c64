package instance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

func disks(volumes map[string]attr.Value) types.Map {
	values := map[string]attr.Value{}
	for key, volume := range volumes {
		values[key] = types.ObjectValueMust(diskType.AttrTypes, map[string]attr.Value{"volume": volume})
	}
	return types.MapValueMust(diskType, values)
}

func TestDisks_AreRefusedWhereAVolumeWouldHaveTwoWriters(t *testing.T) {
	data, logs := types.StringValue("lab/volumes/data"), types.StringValue("lab/volumes/logs")
	for name, c := range map[string]struct {
		disks  types.Map
		errors int
	}{
		"none":            {types.MapNull(diskType), 0},
		"two":             {disks(map[string]attr.Value{"a": data, "b": logs}), 0},
		"one twice":       {disks(map[string]attr.Value{"a": data, "b": data}), 1},
		"two not known":   {disks(map[string]attr.Value{"a": types.StringUnknown(), "b": types.StringUnknown()}), 0},
		"all not known":   {types.MapUnknown(diskType), 0},
		"one three times": {disks(map[string]attr.Value{"a": data, "b": data, "c": data}), 2},
	} {
		var diags diag.Diagnostics
		m := model{Disks: c.disks}
		if m.validateDisks(&diags); diags.ErrorsCount() != c.errors {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

func TestDisks_AreChangedOnlyWhereTheyDiffer(t *testing.T) {
	inst := &host.Instance{}
	inst.Machine.Disks = []qemu.DataDisk{{Key: "data", Volume: "data"}}
	same := disks(map[string]attr.Value{"data": types.StringValue("lab/volumes/data")})
	for name, c := range map[string]struct {
		disks  types.Map
		strays []string
		want   int // disks, -1 for no change
	}{
		"the same":                      {same, nil, -1},
		"left to the source":            {types.MapUnknown(diskType), nil, -1},
		"none":                          {disks(nil), nil, 0},
		"another":                       {disks(map[string]attr.Value{"data": types.StringValue("lab/volumes/logs")}), nil, 1},
		"of a volume that is gone":      {same, []string{"data"}, 1},
		"under another name, and moved": {disks(map[string]attr.Value{"x": types.StringValue("lab/volumes/data")}), nil, 1},
	} {
		inst.Strays = c.strays
		m := model{Disks: c.disks}
		if got := m.disks(inst); (got == nil) != (c.want < 0) || len(got) != max(c.want, 0) {
			t.Errorf("%s: %v", name, got)
		}
	}
	inst.Strays = nil
	if value := disksValue("lab", inst); !value.Equal(same) {
		t.Errorf("it is read as %s", value)
	}
}

func TestDisks_AreChangedInAStateInWhichTheyCanBe(t *testing.T) {
	change := host.Change{Disks: map[string]host.DiskSpec{}}
	for _, c := range []struct{ observed, wanted, want lifecycle.State }{
		{lifecycle.Running, lifecycle.Standby, lifecycle.Running},
		{lifecycle.Stopped, lifecycle.Running, lifecycle.Stopped},
		{lifecycle.Standby, lifecycle.Standby, lifecycle.Running},
		{lifecycle.Standby, lifecycle.Running, lifecycle.Running},
		{lifecycle.Standby, lifecycle.Stopped, lifecycle.Stopped},
		{lifecycle.Paused, lifecycle.Running, lifecycle.Running},
		{lifecycle.Panicked, lifecycle.Running, lifecycle.Stopped},
	} {
		m := model{State: types.StringValue(string(c.wanted))}
		if got := m.viaForDisks(change, c.observed); got != c.want {
			t.Errorf("%s on the way to %s: %s; want %s", c.observed, c.wanted, got, c.want)
		}
		if got := m.viaForDisks(host.Change{}, c.observed); got != c.observed {
			t.Errorf("%s without a change: %s", c.observed, got)
		}
	}
}
