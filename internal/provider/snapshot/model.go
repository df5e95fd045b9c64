package snapshot

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

type model struct {
	ID        types.String   `tfsdk:"id"`
	UID       types.String   `tfsdk:"uid"`
	Host      types.String   `tfsdk:"host"`
	Name      types.String   `tfsdk:"name"`
	Instance  types.String   `tfsdk:"instance"`
	Labels    types.Map      `tfsdk:"labels"`
	Kind      types.String   `tfsdk:"kind"`
	VCPUs     types.Int64    `tfsdk:"vcpus"`
	MemoryMiB types.Int64    `tfsdk:"memory_mib"`
	SizeBytes types.Int64    `tfsdk:"size_bytes"`
	CreatedAt types.String   `tfsdk:"created_at"`
	Timeouts  timeouts.Value `tfsdk:"timeouts"`
}

// id is where the snapshot is: on the host of its instance, which is all that
// is known of it before it is taken.
func (m *model) id() hosts.ID {
	id := hosts.ID{Host: m.Host.ValueString(), Kind: host.Snapshots, Name: m.Name.ValueString()}
	if id.Host == "" {
		id.Host = m.instance().Host
	}
	return id
}

// instance is what the snapshot is of. Its id was checked when the
// configuration was validated.
func (m *model) instance() hosts.ID {
	id, _ := hosts.ParseID(m.Instance.ValueString(), host.Instances)
	return id
}

func (m *model) spec() host.SnapshotSpec {
	return host.SnapshotSpec{
		Name:     m.Name.ValueString(),
		Instance: m.instance().Name,
		Labels:   field.LabelsOf(m.Labels),
		Settings: field.Note(m.settings()),
	}
}

func (m *model) settings() field.Settings {
	return field.Settings{Timeouts: field.TimeoutsOf(m.Timeouts)}
}

// fill takes over what is on the host. The settings stay what Terraform knows of
// them; of what is imported it knows none yet, not even the uid.
func (m *model) fill(name string, snap *host.Snapshot) {
	if m.UID.IsNull() {
		m.Timeouts = field.TimeoutsValue(m.Timeouts, field.Noted[field.Settings](snap.Settings).Timeouts)
	}
	m.ID = types.StringValue(hosts.ID{Host: name, Kind: host.Snapshots, Name: snap.Name}.String())
	m.UID = types.StringValue(snap.UID)
	m.Host = types.StringValue(name)
	m.Name = types.StringValue(snap.Name)
	m.Instance = types.StringValue(hosts.ID{Host: name, Kind: host.Instances, Name: snap.Instance.Name}.String())
	m.Labels = field.LabelsValue(snap.Labels)
	m.Kind = types.StringValue(string(snap.Kind))
	m.VCPUs = types.Int64Value(int64(snap.Machine.VCPUs))
	m.MemoryMiB = types.Int64Value(int64(snap.Machine.MemoryMiB))
	m.SizeBytes = types.Int64Value(snap.SizeBytes)
	m.CreatedAt = types.StringValue(snap.CreatedAt.UTC().Format(time.RFC3339))
}
