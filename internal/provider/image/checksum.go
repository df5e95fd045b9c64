package image

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
)

// sameChecksum plans no change where the checksum is the one that the image has
// anyway: when it is left out, added after an import, or written in capitals.
type sameChecksum struct{}

func (m sameChecksum) Description(context.Context) string {
	return "A checksum that the image has already is no change."
}

func (m sameChecksum) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (m sameChecksum) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if req.ConfigValue.IsNull() || equalChecksums(req.ConfigValue.ValueString(), req.StateValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

func equalChecksums(a, b string) bool {
	left, err := fetch.ParseChecksum(a)
	right, err2 := fetch.ParseChecksum(b)
	return err == nil && err2 == nil && left == right
}
