package image

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

type model struct {
	ID               types.String   `tfsdk:"id"`
	UID              types.String   `tfsdk:"uid"`
	Host             types.String   `tfsdk:"host"`
	Name             types.String   `tfsdk:"name"`
	Source           types.String   `tfsdk:"source"`
	Checksum         types.String   `tfsdk:"checksum"`
	SHA256           types.String   `tfsdk:"sha256"`
	Format           types.String   `tfsdk:"format"`
	SizeBytes        types.Int64    `tfsdk:"size_bytes"`
	VirtualSizeBytes types.Int64    `tfsdk:"virtual_size_bytes"`
	Timeouts         timeouts.Value `tfsdk:"timeouts"`
}

// id is where the image is.
func (m *model) id() hosts.ID {
	return hosts.ID{Host: m.Host.ValueString(), Kind: host.Images, Name: m.Name.ValueString()}
}

// spec is the image that is asked for.
func (m *model) spec() (host.ImageSpec, error) {
	spec := host.ImageSpec{Name: m.Name.ValueString(), Source: fetch.Redact(m.Source.ValueString()), Settings: field.Note(m.settings())}
	if m.Checksum.IsNull() || m.Checksum.IsUnknown() {
		return spec, nil
	}
	sum, err := fetch.ParseChecksum(m.Checksum.ValueString())
	spec.SHA256 = sum
	return spec, err
}

func (m *model) settings() field.Settings {
	return field.Settings{Timeouts: field.TimeoutsOf(m.Timeouts)}
}

// isSourceOf reports whether the source is that of state but for the secrets in it,
// which are unknown after an import.
func (m *model) isSourceOf(state *model) bool {
	return !m.Source.IsUnknown() && fetch.Redact(m.Source.ValueString()) == state.Source.ValueString()
}

// fill takes over what is on the host. A checksum that still holds stays as the
// user wrote it, and the settings what Terraform knows of them; of what is
// imported it knows none yet, not even the uid.
func (m *model) fill(name string, img *host.Image) {
	if m.UID.IsNull() {
		m.Timeouts = field.TimeoutsValue(m.Timeouts, field.Noted[field.Settings](img.Settings).Timeouts)
	}
	checksum := "sha256:" + img.SHA256
	if !equalChecksums(m.Checksum.ValueString(), checksum) {
		m.Checksum = types.StringValue(checksum)
	}
	m.ID = types.StringValue(hosts.ID{Host: name, Kind: host.Images, Name: img.Name}.String())
	m.UID = types.StringValue(img.UID)
	m.Host = types.StringValue(name)
	m.Name = types.StringValue(img.Name)
	if fetch.Redact(m.Source.ValueString()) != img.Source { // else it may have more than the host was told
		m.Source = types.StringValue(img.Source)
	}
	m.SHA256 = types.StringValue(img.SHA256)
	m.Format = types.StringValue(img.Format)
	m.SizeBytes = types.Int64Value(img.SizeBytes)
	m.VirtualSizeBytes = types.Int64Value(img.VirtualSizeBytes)
}
