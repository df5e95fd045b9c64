package volume

import (
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

type model struct {
	ID                 types.String   `tfsdk:"id"`
	UID                types.String   `tfsdk:"uid"`
	Host               types.String   `tfsdk:"host"`
	Name               types.String   `tfsdk:"name"`
	Image              types.String   `tfsdk:"image"`
	SizeGiB            types.Int64    `tfsdk:"size_gib"`
	SizeBytes          types.Int64    `tfsdk:"size_bytes"`
	DeletionProtection types.Bool     `tfsdk:"deletion_protection"`
	Labels             types.Map      `tfsdk:"labels"`
	CreatedAt          types.String   `tfsdk:"created_at"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

// id is where the volume is.
func (m *model) id() hosts.ID {
	return hosts.ID{Host: m.Host.ValueString(), Kind: host.Volumes, Name: m.Name.ValueString()}
}

// imageHost is the host of the image; null without one, unknown while that is.
func (m *model) imageHost() types.String {
	if m.Image.IsNull() || m.Image.IsUnknown() {
		return m.Image
	}
	return types.StringValue(m.imageID().Host)
}

// imageID reads what was checked when the configuration was validated.
func (m *model) imageID() hosts.ID {
	id, _ := hosts.ParseID(m.Image.ValueString(), host.Images)
	return id
}

// spec is the volume that is asked for.
func (m *model) spec() host.VolumeSpec {
	return host.VolumeSpec{
		Name:               m.Name.ValueString(),
		Image:              m.imageID().Name,
		SizeGiB:            int(m.SizeGiB.ValueInt64()), // 0 of what was left out
		Labels:             field.LabelsOf(m.Labels),
		DeletionProtection: m.DeletionProtection.ValueBool(),
		Settings:           field.Note(m.settings()),
	}
}

func (m *model) settings() field.Settings {
	return field.Settings{Timeouts: field.TimeoutsOf(m.Timeouts)}
}

// change is what has to be changed of a volume to make it what is asked for. It
// starts from the volume as it is, not as Terraform remembers it.
func (m *model) change(volume *host.Volume) host.VolumeChange {
	var change host.VolumeChange
	if labels := field.LabelsOf(m.Labels); !maps.Equal(labels, volume.Labels) {
		change.Labels = &labels
	}
	if protect := m.DeletionProtection.ValueBool(); protect != volume.DeletionProtection {
		change.DeletionProtection = &protect
	}
	if settings := m.settings(); !field.IsNoted(volume.Settings, settings) {
		change.Settings = field.Note(settings)
	}
	if size := int(m.SizeGiB.ValueInt64()); size != 0 && size != volume.SizeGiB {
		change.SizeGiB = &size
	}
	return change
}

// fill takes over what is on the host. The settings stay what Terraform knows of
// them; of what is imported it knows none yet, not even the uid.
func (m *model) fill(name string, volume *host.Volume) {
	if m.UID.IsNull() {
		m.Timeouts = field.TimeoutsValue(m.Timeouts, field.Noted[field.Settings](volume.Settings).Timeouts)
	}
	m.ID = types.StringValue(hosts.ID{Host: name, Kind: host.Volumes, Name: volume.Name}.String())
	m.UID = types.StringValue(volume.UID)
	m.Host = types.StringValue(name)
	m.Name = types.StringValue(volume.Name)
	m.Image = types.StringNull()
	if volume.Image.Name != "" {
		m.Image = types.StringValue(hosts.ID{Host: name, Kind: host.Images, Name: volume.Image.Name}.String())
	}
	m.SizeGiB = types.Int64Null()
	if volume.SizeGiB != 0 {
		m.SizeGiB = types.Int64Value(int64(volume.SizeGiB))
	}
	m.SizeBytes = types.Int64Value(volume.SizeBytes)
	m.DeletionProtection = types.BoolValue(volume.DeletionProtection)
	m.Labels = field.LabelsValue(volume.Labels)
	m.CreatedAt = types.StringValue(volume.CreatedAt.UTC().Format(time.RFC3339))
}
