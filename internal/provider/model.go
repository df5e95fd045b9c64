package provider

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

type model struct {
	Hosts       types.Map    `tfsdk:"hosts"`
	DefaultHost types.String `tfsdk:"default_host"`
}

type hostModel struct {
	Address        types.String `tfsdk:"address"`
	Port           types.Int64  `tfsdk:"port"`
	User           types.String `tfsdk:"user"`
	PrivateKey     types.String `tfsdk:"private_key"`
	PrivateKeyFile types.String `tfsdk:"private_key_file"`
	HostKey        types.String `tfsdk:"host_key"`
	KnownHostsFile types.String `tfsdk:"known_hosts_file"`
	ProxyJump      types.String `tfsdk:"proxy_jump"`
	DataDir        types.String `tfsdk:"data_dir"`
	Accelerator    types.String `tfsdk:"accelerator"`
	QEMUBinary     types.String `tfsdk:"qemu_binary"`
	QEMUUser       types.String `tfsdk:"qemu_user"`
}

// entries are the hosts of the configuration.
func (m *model) entries(ctx context.Context) (map[string]hosts.Entry, error) {
	entries := make(map[string]hosts.Entry, len(m.Hosts.Elements()))
	for name, value := range m.Hosts.Elements() {
		object := value.(types.Object)
		if object.IsUnknown() {
			entries[name] = hosts.Entry{Host: host.Config{Name: name}, Unknown: "configuration"}
			continue
		}
		var h hostModel
		if diags := object.As(ctx, &h, basetypes.ObjectAsOptions{}); diags.HasError() {
			return nil, fmt.Errorf("host %q cannot be read: %s", name, diags[0].Detail())
		}
		entries[name] = h.entry(name)
	}
	return entries, nil
}

func (h *hostModel) entry(name string) hosts.Entry {
	return hosts.Entry{
		Host: host.Config{
			Name:        name,
			DataDir:     cmp.Or(h.DataDir.ValueString(), host.DefaultDataDir),
			Accelerator: cmp.Or(h.Accelerator.ValueString(), host.DefaultAccelerator),
			QEMUBinary:  cmp.Or(h.QEMUBinary.ValueString(), host.DefaultQEMUBinary),
			QEMUUser:    h.QEMUUser.ValueString(),
		},
		SSH: ssh.Config{
			Address:        h.Address.ValueString(),
			Port:           int(h.Port.ValueInt64()),
			User:           h.User.ValueString(),
			PrivateKey:     h.PrivateKey.ValueString(),
			PrivateKeyFile: h.PrivateKeyFile.ValueString(),
			HostKey:        h.HostKey.ValueString(),
			KnownHostsFile: h.KnownHostsFile.ValueString(),
			ProxyJump:      h.ProxyJump.ValueString(),
			Prelude:        host.Prelude,
		},
		Unknown: h.unknown(),
	}
}

// unknown names the first argument whose value is not known yet.
func (h *hostModel) unknown() string {
	for _, argument := range []struct {
		name  string
		value interface{ IsUnknown() bool }
	}{
		{"address", h.Address}, {"port", h.Port}, {"user", h.User},
		{"private_key", h.PrivateKey}, {"private_key_file", h.PrivateKeyFile},
		{"host_key", h.HostKey}, {"known_hosts_file", h.KnownHostsFile}, {"proxy_jump", h.ProxyJump},
		{"data_dir", h.DataDir}, {"accelerator", h.Accelerator}, {"qemu_binary", h.QEMUBinary},
		{"qemu_user", h.QEMUUser},
	} {
		if argument.value.IsUnknown() {
			return argument.name
		}
	}
	return ""
}
