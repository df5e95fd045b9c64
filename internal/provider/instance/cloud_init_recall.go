package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// recallSeed takes over the cloud_init of an instance that is being imported, of
// which Terraform knows not even the uid: what was noted, and what its seed has.
// A secret stays on the host.
func (r *instanceResource) recallSeed(ctx context.Context, m *model, id hosts.ID, inst *host.Instance) error {
	note := field.Noted[settings](inst.Settings).CloudInit
	if !m.UID.IsNull() || note == nil {
		return nil
	}
	var userData, networkConfig string
	if inst.Machine.Seed != nil && inst.Problem == "" {
		d, err := r.drive(id.Host)
		if err != nil {
			return err
		}
		image, err := d.Seed(ctx, inst)
		if err != nil {
			return err
		}
		if userData, networkConfig, err = cloudinit.Read(image); err != nil {
			return err
		}
	}
	if note.Version != nil {
		userData = ""
	}
	m.CloudInit = types.ObjectValueMust(cloudInitType.AttrTypes, map[string]attr.Value{
		"user_data":            field.TextValue(userData),
		"user_data_wo":         types.StringNull(),
		"user_data_wo_version": types.Int64PointerValue(note.Version),
		"meta_data":            field.TextValue(note.MetaData),
		"network_config":       field.TextValue(networkConfig),
		"on_change":            types.StringValue(note.OnChange),
		"digest":               field.TextValue(inst.SeedDigest),
	})
	return nil
}
