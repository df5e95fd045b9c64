package instance

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// validateCloudInit wants what cloud-init can read, and of a secret a version by
// which it is told whether it has changed.
func (m *model) validateCloudInit(diags *diag.Diagnostics) {
	c := m.cloudInit()
	if c == nil {
		return
	}
	refuse := func(name, summary, text string) {
		diags.AddAttributeError(atCloudInit.AtName(name), summary, report.Sentence(text))
	}
	switch {
	case isSet(c.UserData) && isSet(c.UserDataWO):
		refuse("user_data_wo", "Two sets of user data", "user_data_wo is user data that is not kept in the state: leave it out, or user_data.")
	case isSet(c.UserDataWO) && c.UserDataWOVersion.IsNull():
		refuse("user_data_wo_version", "No version", "Terraform does not know what user_data_wo was before: set user_data_wo_version, and raise it when that changes.")
	case c.UserDataWO.IsNull() && isSet(c.UserDataWOVersion):
		refuse("user_data_wo_version", "A version of nothing", "It is the version of user_data_wo, which is not set.")
	}
	for _, part := range []struct {
		name  string
		value types.String
		check func(string) error
	}{
		{"user_data", c.UserData, cloudinit.CheckUserData},
		{"user_data_wo", c.UserDataWO, cloudinit.CheckUserData},
		{"meta_data", c.MetaData, cloudinit.CheckMapping},
		{"network_config", c.NetworkConfig, cloudinit.CheckMapping},
	} {
		if err := part.check(part.value.ValueString()); err != nil {
			refuse(part.name, "Invalid YAML", "In "+part.name+": "+spoken(err, part.name == "user_data_wo"))
		}
	}
	if diags.HasError() {
		return
	}
	if err := m.seedConfig(c.UserDataWO).Check(); err != nil {
		diags.AddAttributeError(atCloudInit, "Too much for cloud-init", report.Sentence(err.Error()))
	}
}

// spoken is an error of a text, which of a secret quotes nothing.
func spoken(err error, secret bool) string {
	if bad, ok := errors.AsType[*cloudinit.SyntaxError](err); ok && secret {
		return fmt.Sprintf("%sit begins with #cloud-config and is not a YAML mapping", bad.Place())
	}
	return err.Error()
}
