package hosts

import (
	"context"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// Keep has the host keep an object that is in the state, or comes to be in it now,
// and of which it was not told so before: whoever made it lost the connection, or
// it is being imported. When it fails the next refresh tries it again.
func (r *Registry) Keep(ctx context.Context, id ID, uid string) {
	h, err := r.Host(id.Host)
	if err == nil {
		err = h.Keep(ctx, id.Ref(), uid)
	}
	if err != nil {
		tflog.Warn(ctx, "the host could not be told to keep an object", map[string]any{"id": id.String(), "uid": uid, "error": err.Error()})
	}
}
