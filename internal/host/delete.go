package host

import (
	"context"
	"errors"
)

// DeleteInstance ends an instance's process and removes all that it has. Forks
// and snapshots of it have their own links and stay. DeleteSnapshot and
// DeleteImage remove a name; what others have of it stays. It is no error when
// the object does not exist; ErrReplaced when another has its name. One round
// trip each.
func (h *Host) DeleteInstance(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Instances, name}, uid)
}

func (h *Host) DeleteSnapshot(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Snapshots, name}, uid)
}

func (h *Host) DeleteImage(ctx context.Context, name, uid string) error {
	return h.delete(ctx, Ref{Images, name}, uid)
}

func (h *Host) delete(ctx context.Context, ref Ref, uid string) error {
	c := h.call("delete", ref.Kind, ref.Name)
	if err := c.checkName(); err != nil {
		return err
	}
	if uid == "" {
		return c.invalid("it is not known which one it is: its uid is missing")
	}
	for {
		_, err := c.write(ctx, deleteScript, h.DataDir, ref.String(), uid, metadata(ref.Kind))
		if !errors.Is(err, ErrChanged) && !errors.Is(err, ErrNotFound) { // else somebody else has just deleted it
			return err
		}
	}
}
