package field

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// IsName accepts names of objects and of hosts.
func IsName() validator.String {
	return stringvalidator.RegexMatches(host.NamePattern, "must be 1 to 63 of a-z, 0-9 and hyphen, with no hyphen first or last")
}

// IsID accepts ids of objects of the kinds.
func IsID(kinds ...host.Kind) validator.String {
	return Valid("an id such as "+hosts.ID{Host: "lab", Kind: kinds[0], Name: "debian-12"}.String(), func(text string) error {
		_, err := hosts.ParseID(text, kinds...)
		return err
	})
}

// IsDuration accepts durations of more than nothing, such as "30s".
func IsDuration() validator.String {
	return Valid("a duration such as 30s or 1m30s", func(text string) error {
		d, err := time.ParseDuration(text)
		if err == nil && d <= 0 {
			err = errNotPositive
		}
		return err
	})
}

var errNotPositive = errors.New("it must be more than 0")

// Valid accepts text of which check finds nothing to say.
func Valid(want string, check func(string) error) validator.String { return valid{want, check} }

type valid struct {
	want  string
	check func(string) error
}

func (v valid) Description(context.Context) string         { return "must be " + v.want }
func (v valid) MarkdownDescription(context.Context) string { return "must be " + v.want }

func (v valid) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+req.Path.String(), "It must be "+v.want+": "+err.Error()+".")
	}
}
