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
		values[key] = types.ObjectValueMust(diskType.AttrTypes, map[string]attr.Value{"volume": volume, "image": types.StringNull(), "size_gib": types.Int64Null()})
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
	if lacksDisk(same) {
		t.Error("it lacks a disk that it has")
	}
	// Somebody has taken it from QEMU.
	inst.Unplugged = []string{"data"}
	for name, asked := range map[string]types.Map{"named": same, "left to the source": types.MapUnknown(diskType)} {
		m := model{Disks: asked}
		if got := m.disks(inst); len(got) != 1 || got["data"].Volume != "data" {
			t.Errorf("taken away, %s: %v", name, got)
		}
	}
	if value := disksValue("lab", inst); !lacksDisk(value) {
		t.Errorf("taken away it is read as %s", value)
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

func ownDisk(volume types.String, size types.Int64) types.Map {
	return oneDisk(volume, types.StringNull(), size)
}

func oneDisk(volume, image types.String, size types.Int64) types.Map {
	return types.MapValueMust(diskType, map[string]attr.Value{"data": types.ObjectValueMust(diskType.AttrTypes, map[string]attr.Value{"volume": volume, "image": image, "size_gib": size})})
}

func TestDisksOfItsOwn_ArePlannedToGrowAndNotToShrink(t *testing.T) {
	none, volume := types.StringNull(), types.StringValue("lab/volumes/data")
	gib := func(n int64) types.Map { return ownDisk(none, types.Int64Value(n)) }
	of := func(image string, size types.Int64) types.Map {
		return oneDisk(none, types.StringValue("lab/images/"+image), size)
	}
	for name, c := range map[string]struct {
		before, plan     types.Map
		errors, warnings int
	}{
		"the same":           {gib(2), gib(2), 0, 0},
		"larger":             {gib(2), gib(3), 0, 0},
		"smaller":            {gib(2), gib(1), 1, 0},
		"gone":               {gib(2), disks(nil), 0, 1},
		"a volume instead":   {gib(2), ownDisk(volume, types.Int64Null()), 0, 1},
		"instead of one":     {ownDisk(volume, types.Int64Null()), gib(1), 0, 0},
		"a volume that goes": {ownDisk(volume, types.Int64Null()), disks(nil), 0, 0},
		"not known":          {gib(2), ownDisk(none, types.Int64Unknown()), 0, 0},
		"nothing known":      {gib(2), types.MapUnknown(diskType), 0, 0},
		"none before":        {types.MapNull(diskType), gib(1), 0, 0},
		"of an image":        {of("a", types.Int64Null()), of("a", types.Int64Null()), 0, 0},
		"of another one":     {of("a", types.Int64Null()), of("b", types.Int64Null()), 0, 1},
		"of none any more":   {of("a", types.Int64Value(2)), gib(2), 0, 1},
		"of one now":         {gib(2), of("a", types.Int64Value(2)), 0, 1},
		"of one, smaller":    {of("a", types.Int64Value(2)), of("a", types.Int64Value(1)), 1, 0},
		"of one, any size":   {of("a", types.Int64Value(2)), of("a", types.Int64Null()), 0, 0},
		"of one not known":   {gib(2), oneDisk(none, types.StringUnknown(), types.Int64Value(1)), 0, 0},
	} {
		var diags diag.Diagnostics
		planDisks(&model{Disks: c.before}, &model{Disks: c.plan}, &diags)
		if diags.ErrorsCount() != c.errors || diags.WarningsCount() != c.warnings {
			t.Errorf("%s: %v", name, diags)
		}
	}
	for name, c := range map[string]struct {
		disk   types.Map
		errors int
	}{
		"a size":    {gib(1), 0},
		"a volume":  {ownDisk(volume, types.Int64Null()), 0},
		"both":      {ownDisk(volume, types.Int64Value(1)), 1},
		"neither":   {ownDisk(none, types.Int64Null()), 1},
		"not known": {ownDisk(types.StringUnknown(), types.Int64Null()), 0},
		"may be":    {ownDisk(types.StringUnknown(), types.Int64Value(1)), 0},
		"an image":  {of("a", types.Int64Null()), 0},
		"and size":  {of("a", types.Int64Value(1)), 0},
		"of both":   {oneDisk(volume, types.StringValue("lab/images/a"), types.Int64Null()), 1},
		"maybe one": {oneDisk(none, types.StringUnknown(), types.Int64Null()), 0},
	} {
		var diags diag.Diagnostics
		m := model{Disks: c.disk}
		if m.validateDisks(&diags); diags.ErrorsCount() != c.errors {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

func TestDisksOfItsOwn_AreReadAsTheyWereAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		disk qemu.DataDisk
		want types.Map
	}{
		"empty":         {qemu.DataDisk{Key: "data", Disk: qemu.Disk{SizeBytes: 2 << 30}}, ownDisk(types.StringNull(), types.Int64Value(2))},
		"of an image":   {qemu.DataDisk{Key: "data", Image: "a", Disk: qemu.Disk{SizeBytes: 2 << 30}}, oneDisk(types.StringNull(), types.StringValue("lab/images/a"), types.Int64Null())},
		"and of a size": {qemu.DataDisk{Key: "data", Image: "a", SizeGiB: 2, Disk: qemu.Disk{SizeBytes: 2 << 30}}, oneDisk(types.StringNull(), types.StringValue("lab/images/a"), types.Int64Value(2))},
		"of a volume":   {qemu.DataDisk{Key: "data", Volume: "data", Disk: qemu.Disk{SizeBytes: 2 << 30}}, ownDisk(types.StringValue("lab/volumes/data"), types.Int64Null())},
	} {
		inst := &host.Instance{}
		inst.Machine.Disks = []qemu.DataDisk{c.disk}
		if got := disksValue("lab", inst); !got.Equal(c.want) {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
		if m := (&model{Disks: c.want}); m.disks(inst) != nil {
			t.Errorf("%s: it is to change to %v", name, m.disks(inst))
		}
	}
}
