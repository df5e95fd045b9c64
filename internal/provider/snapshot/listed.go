package snapshot

import (
	"cmp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// listedAttributes are what is told of each snapshot, in the words of the
// resource.
func listedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":         field.ListedText("Where the snapshot is: `HOST/snapshots/NAME`."),
		"uid":        field.ListedText("UUID that was made with the snapshot."),
		"name":       field.ListedText("Name of the snapshot."),
		"instance":   field.ListedText("Id of the instance that it was taken of, which may be gone."),
		"kind":       field.ListedText("`standby`: with memory; `stopped`: without."),
		"vcpus":      field.ListedNumber("Number of virtual CPUs."),
		"memory_mib": field.ListedNumber("Memory in MiB."),
		"size_bytes": field.ListedNumber("Bytes on the host's disk when it was taken. What it shares with others counts in full."),
		"labels":     schema.MapAttribute{MarkdownDescription: "Labels.", ElementType: types.StringType, Computed: true},
		"created_at": field.ListedText("When it was taken, as in RFC 3339, UTC."),
	}
}

var listedType = field.ListedType(listedAttributes())

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
