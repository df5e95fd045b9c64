package field

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
)

// A KeptSize that is left out stays what it was: a disk never shrinks.
type KeptSize struct{}

func (KeptSize) PlanModifyInt64(_ context.Context, req planmodifier.Int64Request, resp *planmodifier.Int64Response) {
	if req.ConfigValue.IsNull() && !req.State.Raw.IsNull() {
		resp.PlanValue = req.StateValue
	}
}

func (KeptSize) Description(context.Context) string         { return "A disk never shrinks." }
func (KeptSize) MarkdownDescription(context.Context) string { return "A disk never shrinks." }
