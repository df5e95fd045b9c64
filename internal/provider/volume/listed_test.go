package volume

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

func TestList_TellsOfEachVolumeThatHasTheLabelsWhoHasIt(t *testing.T) {
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	data := &host.Volume{Name: "data", UID: "uid-data", SizeGiB: 2, SizeBytes: 2 << 30, CreatedAt: made, Labels: map[string]string{"role": "db"}, Instance: host.Ref{Kind: host.Instances, Name: "db"}}
	site := &host.Volume{Name: "site", UID: "uid-site", SizeBytes: 4096, CreatedAt: made, Image: host.Ref{Kind: host.Images, Name: "site"}}
	wantData := map[string]attr.Value{
		"id": types.StringValue("lab/volumes/data"), "uid": types.StringValue("uid-data"), "name": types.StringValue("data"),
		"image": types.StringNull(), "size_gib": types.Int64Value(2), "size_bytes": types.Int64Value(2 << 30),
		"instance": types.StringValue("lab/instances/db"),
		"labels":   types.MapValueMust(types.StringType, map[string]attr.Value{"role": types.StringValue("db")}), "created_at": types.StringValue("2026-01-02T03:04:05Z"),
	}
	wantSite := map[string]attr.Value{
		"id": types.StringValue("lab/volumes/site"), "uid": types.StringValue("uid-site"), "name": types.StringValue("site"),
		"image": types.StringValue("lab/images/site"), "size_gib": types.Int64Null(), "size_bytes": types.Int64Value(4096),
		"instance": types.StringNull(),
		"labels":   types.MapValueMust(types.StringType, map[string]attr.Value{}), "created_at": types.StringValue("2026-01-02T03:04:05Z"),
	}
	for name, c := range map[string]struct {
		labels map[string]string
		want   []map[string]attr.Value
	}{
		"all":           {nil, []map[string]attr.Value{wantData, wantSite}},
		"with a label":  {map[string]string{"role": "db"}, []map[string]attr.Value{wantData}},
		"of other ones": {map[string]string{"role": "web"}, nil},
	} {
		want := []attr.Value{}
		for _, of := range c.want {
			want = append(want, types.ObjectValueMust(listedType.AttrTypes, of))
		}
		if got := listValue("lab", []*host.Volume{site, data}, c.labels); !got.Equal(types.ListValueMust(listedType, want)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
