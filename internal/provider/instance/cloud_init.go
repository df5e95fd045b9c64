package instance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// What a change of the seed does, as on_change says.
const (
	onChangeReplace = "replace"
	onChangeRestart = "restart"
	onChangeIgnore  = "ignore"
)

var (
	atCloudInit = path.Root("cloud_init")
	atSecret    = atCloudInit.AtName("user_data_wo")
	atDigest    = atCloudInit.AtName("digest")
)

var cloudInitType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"user_data":            types.StringType,
	"user_data_wo":         types.StringType,
	"user_data_wo_version": types.Int64Type,
	"meta_data":            types.StringType,
	"network_config":       types.StringType,
	"on_change":            types.StringType,
	"digest":               types.StringType,
}}

// A cloudInit is the argument cloud_init.
type cloudInit struct {
	UserData          types.String `tfsdk:"user_data"`
	UserDataWO        types.String `tfsdk:"user_data_wo"` // null in plan and state
	UserDataWOVersion types.Int64  `tfsdk:"user_data_wo_version"`
	MetaData          types.String `tfsdk:"meta_data"`
	NetworkConfig     types.String `tfsdk:"network_config"`
	OnChange          types.String `tfsdk:"on_change"`
	Digest            types.String `tfsdk:"digest"`
}

// cloudInit is what is asked of cloud-init, or nil where nothing is, or nothing
// is known of it.
func (m *model) cloudInit() *cloudInit {
	if !isSet(m.CloudInit) {
		return nil
	}
	var c cloudInit
	if diags := m.CloudInit.As(context.Background(), &c, basetypes.ObjectAsOptions{}); diags.HasError() {
		panic("instance: cloud_init is not of its type")
	}
	return &c
}

// seedConfig is what the seed is made from; secret is what the configuration has
// as user_data_wo.
func (m *model) seedConfig(secret types.String) cloudinit.Config {
	c := m.cloudInit()
	config := cloudinit.Config{
		Hostname:      m.Name.ValueString(),
		UserData:      c.UserData.ValueString(),
		MetaData:      c.MetaData.ValueString(),
		NetworkConfig: c.NetworkConfig.ValueString(),
		Version:       c.UserDataWOVersion.ValueInt64Pointer(),
	}
	if !secret.IsNull() {
		config.UserData = secret.ValueString()
	}
	if !secret.IsNull() && config.Version == nil {
		config.Version = new(int64)
	}
	return config
}

// seed is the seed that is asked for; nil where none is.
func (m *model) seed(secret types.String) (*host.Seed, error) {
	if m.cloudInit() == nil {
		return nil, nil
	}
	made, err := m.seedConfig(secret).Make()
	if err != nil {
		return nil, fmt.Errorf("cloud_init cannot be used: %w", err)
	}
	return &host.Seed{Digest: made.Digest, Image: made.Image}, nil
}

// digest is that of the seed, as far as it is known of m; null of none.
func (m *model) digest() types.String { return text(m.CloudInit, "digest") }

// setDigest has the seed that is on the host, if m tells of one.
func (m *model) setDigest(digest string) {
	if m.CloudInit.IsNull() {
		return
	}
	inside := m.CloudInit.Attributes()
	inside["digest"] = field.TextValue(digest)
	m.CloudInit = types.ObjectValueMust(cloudInitType.AttrTypes, inside)
}
