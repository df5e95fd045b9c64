package hosts

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// FromProvider is the registry that the provider handed to a resource or data
// source; nil before the provider is configured, as while validating.
func FromProvider(data any, diags *diag.Diagnostics) *Registry {
	if data == nil {
		return nil
	}
	registry, ok := data.(*Registry)
	if !ok {
		diags.AddError("Unable to configure", fmt.Sprintf("The provider handed over a %T. This is a bug in the provider: please report it.", data))
	}
	return registry
}
