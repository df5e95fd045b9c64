package host

import (
	"context"
	"strings"
)

// Orphans are the pids of an instance's processes that go on although its
// directory was removed from under them, which only somebody else can have done.
// Their files are still open. One round trip.
func (h *Host) Orphans(ctx context.Context, name, uid string) ([]string, error) {
	if uid == "" {
		return nil, nil
	}
	text, err := h.call("read", Instances, name).read(ctx, orphansScript, uid)
	return strings.Fields(text), err
}
