package snapshot

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

func snap(name, instance string, minute int, labels map[string]string) *host.Snapshot {
	return &host.Snapshot{
		Name: name, UID: "uid-" + name, Instance: host.Ref{Kind: host.Instances, Name: instance}, Kind: lifecycle.Standby,
		CreatedAt: time.Date(2026, 1, 2, 3, minute, 0, 0, time.FixedZone("", 3600)), Labels: labels,
		Machine: qemu.Machine{VCPUs: 2, MemoryMiB: 2048}, SizeBytes: 4096,
	}
}

func TestFill_TakesOverWhatIsOnTheHost(t *testing.T) {
	var m model
	m.fill("lab", snap("golden", "base", 4, nil))
	for name, c := range map[string]struct{ got, want attr.Value }{
		"id":         {m.ID, types.StringValue("lab/snapshots/golden")},
		"instance":   {m.Instance, types.StringValue("lab/instances/base")},
		"kind":       {m.Kind, types.StringValue("standby")},
		"vcpus":      {m.VCPUs, types.Int64Value(2)},
		"memory_mib": {m.MemoryMiB, types.Int64Value(2048)},
		"size_bytes": {m.SizeBytes, types.Int64Value(4096)},
		"created_at": {m.CreatedAt, types.StringValue("2026-01-02T02:04:00Z")},
	} {
		if !c.got.Equal(c.want) {
			t.Errorf("%s: %s; want %s", name, c.got, c.want)
		}
	}
	if m.Labels.IsNull() || len(m.Labels.Elements()) != 0 {
		t.Errorf("labels: %s; want none, and not null", m.Labels)
	}
}

func TestID_IsOnTheHostOfTheInstance(t *testing.T) {
	m := model{Name: types.StringValue("golden"), Host: types.StringUnknown(), Instance: types.StringValue("edge/instances/base")}
	if id := m.id().String(); id != "edge/snapshots/golden" {
		t.Error(id)
	}
}

func TestList_HasTheNewestFirstOfThoseThatAreWanted(t *testing.T) {
	all := []*host.Snapshot{
		snap("old", "base", 1, map[string]string{"role": "web"}),
		snap("new", "base", 9, map[string]string{"role": "web"}),
		snap("other", "db", 5, nil),
	}
	labels := types.MapValueMust(types.StringType, map[string]attr.Value{"role": types.StringValue("web")})
	for name, c := range map[string]struct {
		m    listModel
		want string
	}{
		"all":                 {listModel{}, "[new other old]"},
		"of an instance":      {listModel{Instance: types.StringValue("lab/instances/db")}, "[other]"},
		"with labels":         {listModel{Labels: labels}, "[new old]"},
		"of one, with labels": {listModel{Instance: types.StringValue("lab/instances/db"), Labels: labels}, "[]"},
	} {
		var names []string
		for _, value := range listValue("lab", all, c.m.wants).Elements() {
			names = append(names, value.(types.Object).Attributes()["name"].(types.String).ValueString())
		}
		if got := fmt.Sprint(names); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
}
