package volume

import (
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// listedAttributes are what is told of each volume, in the words of the resource,
// and which instance has it.
func listedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":         field.ListedText("Where the volume is: `HOST/volumes/NAME`."),
		"uid":        field.ListedText("UUID that was made with the volume."),
		"name":       field.ListedText("Name of the volume."),
		"image":      field.ListedText("Id of the image that it was made from, if it was."),
		"size_gib":   field.ListedNumber("Size in GiB that was asked for, if one was."),
		"size_bytes": field.ListedNumber("Size in bytes of the disk that a guest sees."),
		"instance":   field.ListedText("Id of the instance that it is attached to, if it is."),
		"labels":     schema.MapAttribute{MarkdownDescription: "Labels.", ElementType: types.StringType, Computed: true},
		"created_at": field.ListedText("When the volume was made, as in RFC 3339, UTC."),
	}
}

var listedType = field.ListedType(listedAttributes())

// listValue is the volumes that have the labels, by name.
func listValue(name string, volumes []*host.Volume, labels map[string]string) types.List {
	values := []attr.Value{}
	byName := func(a, b *host.Volume) int { return strings.Compare(a.Name, b.Name) }
	for _, volume := range slices.SortedFunc(slices.Values(volumes), byName) {
		if field.HasLabels(volume.Labels, labels) {
			values = append(values, listedValue(name, volume))
		}
	}
	return types.ListValueMust(listedType, values)
}

func listedValue(name string, volume *host.Volume) attr.Value {
	var m model
	m.fill(name, volume)
	instance := types.StringNull()
	if volume.Instance != (host.Ref{}) {
		instance = types.StringValue(hosts.ID{Host: name, Kind: host.Instances, Name: volume.Instance.Name}.String())
	}
	return types.ObjectValueMust(listedType.AttrTypes, map[string]attr.Value{
		"id": m.ID, "uid": m.UID, "name": m.Name,
		"image": m.Image, "size_gib": m.SizeGiB, "size_bytes": m.SizeBytes,
		"instance":   instance,
		"labels":     m.Labels,
		"created_at": m.CreatedAt,
	})
}
