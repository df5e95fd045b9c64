package network

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
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
	CIDR      types.String   `tfsdk:"cidr"`
	NAT       types.Bool     `tfsdk:"nat"`
	DHCPRange types.Object   `tfsdk:"dhcp_range"`
	Domain    types.String   `tfsdk:"domain"`
	State     types.String   `tfsdk:"state"`
	Labels    types.Map      `tfsdk:"labels"`
	Gateway   types.String   `tfsdk:"gateway"`
	Bridge    types.String   `tfsdk:"bridge"`
	CreatedAt types.String   `tfsdk:"created_at"`
	Timeouts  timeouts.Value `tfsdk:"timeouts"`
}

var rangeType = types.ObjectType{AttrTypes: map[string]attr.Type{"first": types.StringType, "last": types.StringType}}

// id is where the network is.
func (m *model) id() hosts.ID {
	return hosts.ID{Host: m.Host.ValueString(), Kind: host.Networks, Name: m.Name.ValueString()}
}

// spec is the network that is asked for.
func (m *model) spec() host.NetworkSpec {
	first, last := m.dhcpRange()
	return host.NetworkSpec{
		Name:     m.Name.ValueString(),
		CIDR:     m.CIDR.ValueString(),
		NAT:      m.NAT.ValueBool(),
		First:    first.ValueString(),
		Last:     last.ValueString(),
		Domain:   m.Domain.ValueString(),
		Labels:   field.LabelsOf(m.Labels),
		Settings: field.Note(m.settings()),
	}
}

// dhcpRange is null when all are given out.
func (m *model) dhcpRange() (first, last types.String) {
	first, _ = m.DHCPRange.Attributes()["first"].(types.String)
	last, _ = m.DHCPRange.Attributes()["last"].(types.String)
	return first, last
}

func (m *model) settings() field.Settings {
	return field.Settings{Timeouts: field.TimeoutsOf(m.Timeouts)}
}

// fill takes over what is on the host. The settings stay what Terraform knows of
// them; of what is imported it knows none yet, not even the uid.
func (m *model) fill(name string, n *host.Network) {
	if m.UID.IsNull() {
		m.Timeouts = field.TimeoutsValue(m.Timeouts, field.Noted[field.Settings](n.Settings).Timeouts)
	}
	m.ID = types.StringValue(hosts.ID{Host: name, Kind: host.Networks, Name: n.Name}.String())
	m.UID = types.StringValue(n.UID)
	m.Host = types.StringValue(name)
	m.Name = types.StringValue(n.Name)
	m.CIDR = types.StringValue(n.CIDR)
	m.NAT = types.BoolValue(n.NAT)
	m.DHCPRange = types.ObjectNull(rangeType.AttrTypes)
	if n.First != "" {
		m.DHCPRange = types.ObjectValueMust(rangeType.AttrTypes, map[string]attr.Value{
			"first": types.StringValue(n.First), "last": types.StringValue(n.Last),
		})
	}
	m.Domain = types.StringValue(n.Domain)
	m.State = types.StringValue(down)
	if n.Up {
		m.State = types.StringValue(up)
	}
	m.Labels = field.LabelsValue(n.Labels)
	m.Gateway = types.StringValue(n.Gateway())
	m.Bridge = types.StringValue(n.Bridge())
	m.CreatedAt = types.StringValue(n.CreatedAt.UTC().Format(time.RFC3339))
}
