package host

import (
	"context"
	"errors"
)

// DeleteInstance ends an instance's process and removes all that it has. Forks
// and snapshots of it have their own links and stay. It is no error when it does
// not exist; ErrReplaced when another has its name. One round trip, and that of
// the listing.
func (h *Host) DeleteInstance(ctx context.Context, name, uid string) error {
	inst, err := h.Instance(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return h.delete(ctx, Ref{Instances, name}, uid, words(ports(inst.Forwards)))
}

// DeleteSnapshot and DeleteImage remove a name; what others have of it stays.
// It is no error when it does not exist; ErrReplaced when another has its name.
func (h *Host) DeleteSnapshot(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Snapshots, name}, uid, "")
}

func (h *Host) DeleteImage(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Images, name}, uid, "")
}

func (h *Host) delete(ctx context.Context, ref Ref, uid, hostPorts string) error {
	c := h.call("delete", ref.Kind, ref.Name)
	if err := c.checkName(); err != nil {
		return err
	}
	_, err := c.write(ctx, deleteScript, h.DataDir, ref.String(), uid, metadata(ref.Kind), hostPorts)
	return err
}
