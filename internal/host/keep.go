package host

import (
	"context"
	"time"
)

// keepTimeout bounds Keep, which does not end with its context.
const keepTimeout = 30 * time.Second

// Keep says that the caller knows of what it had made. Until then an object is
// there for as long as the connection that made it: when that is gone, so that
// nobody can come to know of it any more, it makes room for the next of its name.
// It is done whatever has become of ctx, for the caller writes down what it has
// had made also when it was told to stop. ErrReplaced or ErrNotFound when it was too late. One round trip.
func (h *Host) Keep(ctx context.Context, ref Ref, uid string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	defer h.forget(ref)
	_, err := h.call("keep", ref.Kind, ref.Name).read(ctx, keepScript, h.DataDir, ref.String(), uid)
	return err
}
