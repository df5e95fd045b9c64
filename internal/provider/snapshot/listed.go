package snapshot

import (
	"cmp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// listedAttributes are what is told of each snapshot, in the words of the
// resource.
func listedAttributes() map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	number := func(description string) schema.Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	return map[string]schema.Attribute{
		"id":         text("Where the snapshot is: `HOST/snapshots/NAME`."),
		"uid":        text("UUID that was made with the snapshot."),
		"name":       text("Name of the snapshot."),
		"instance":   text("Id of the instance that it was taken of, which may be gone."),
		"kind":       text("`standby`: with memory; `stopped`: without."),
		"vcpus":      number("Number of virtual CPUs."),
		"memory_mib": number("Memory in MiB."),
		"size_bytes": number("Bytes on the host's disk when it was taken. What it shares with others counts in full."),
		"labels":     schema.MapAttribute{MarkdownDescription: "Labels.", ElementType: types.StringType, Computed: true},
		"created_at": text("When it was taken, as in RFC 3339, UTC."),
	}
}

var listedType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"id": types.StringType, "uid": types.StringType, "name": types.StringType,
	"instance": types.StringType, "kind": types.StringType,
	"vcpus": types.Int64Type, "memory_mib": types.Int64Type, "size_bytes": types.Int64Type,
	"labels":     types.MapType{ElemType: types.StringType},
	"created_at": types.StringType,
}}

// listValue is the snapshots that are wanted, the newest first.
func listValue(name string, snapshots []*host.Snapshot, wanted func(*host.Snapshot) bool) types.List {
	values := []attr.Value{}
	newestFirst := func(a, b *host.Snapshot) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.Name, b.Name))
	}
	for _, snap := range slices.SortedFunc(slices.Values(snapshots), newestFirst) {
		if wanted(snap) {
			values = append(values, listedValue(name, snap))
		}
	}
	return types.ListValueMust(listedType, values)
}

func listedValue(name string, snap *host.Snapshot) attr.Value {
	var m model
	m.fill(name, snap)
	return types.ObjectValueMust(listedType.AttrTypes, map[string]attr.Value{
		"id": m.ID, "uid": m.UID, "name": m.Name,
		"instance": m.Instance, "kind": m.Kind,
		"vcpus": m.VCPUs, "memory_mib": m.MemoryMiB, "size_bytes": m.SizeBytes,
		"labels":     m.Labels,
		"created_at": m.CreatedAt,
	})
}
