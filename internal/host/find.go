package host

import (
	"context"
	"maps"
	"slices"
	"time"
)

type refreshing struct{}

// Refreshing marks reads as those of a refresh, which asks for each object of a
// state once: a listing serves the first read of each, as long as the refresh may
// take.
func Refreshing(ctx context.Context) context.Context {
	return context.WithValue(ctx, refreshing{}, true)
}

// find looks an object up. That it is absent is believed only of what the host said
// after the question.
func find[T any](ctx context.Context, h *Host, ref Ref, among func(*listing) map[string]*T) (*T, error) {
	c := call{h, "read", ref}
	asked, serves := time.Now(), (*listing).isYoung
	if ctx.Value(refreshing{}) != nil {
		serves = func(l *listing) bool { return l.isYoung() || l.isOfRefresh() && !l.hasServed(ref) }
	}
	for {
		l, err := h.listOf(ctx, ref, serves)
		if err != nil {
			return nil, err
		}
		if object, ok := among(l)[ref.Name]; ok {
			l.serve(ref)
			copied := *object
			return &copied, nil
		}
		if l.bare {
			return nil, c.fail(ErrUnfit, "the data directory "+h.DataDir+" is empty: is its filesystem mounted?", "")
		}
		if !l.at.Before(asked) {
			return nil, c.fail(ErrNotFound, "", "")
		}
		switch said, err := c.read(ctx, absentScript, h.DataDir, ref.String()); {
		case err != nil:
			return nil, err
		case said == "absent\n":
			return nil, c.fail(ErrNotFound, "", "")
		}
		h.forget(ref)
	}
}

// absentScript proves that there is nothing of an object in a data directory that
// has a layout. $1 data directory, $2 object. It takes no process.
const absentScript = `visit "$1"
[ ! -d ports ] || [ -e "$2" ] || [ -L "$2" ] || echo absent`

// serve notes, for later refreshes, that a listing has told what there is of an
// object.
func (l *listing) serve(ref Ref) { l.served.Store(ref, true) }

func (l *listing) hasServed(ref Ref) bool {
	_, has := l.served.Load(ref)
	return has
}

// known looks an object up in the listing of a refresh; nil when it is not there,
// which proves nothing.
func known[T any](ctx context.Context, h *Host, ref Ref, among func(*listing) map[string]*T) (*T, error) {
	l, err := h.listOf(ctx, ref, (*listing).isOfRefresh)
	if err != nil || among(l)[ref.Name] == nil {
		return nil, err
	}
	copied := *among(l)[ref.Name]
	return &copied, nil
}

// all returns the objects of a kind by name.
func all[T any](ctx context.Context, h *Host, among func(*listing) map[string]*T) ([]*T, error) {
	l, err := h.list(ctx)
	if err != nil {
		return nil, err
	}
	var objects []*T
	for _, name := range slices.Sorted(maps.Keys(among(l))) {
		copied := *among(l)[name]
		objects = append(objects, &copied)
	}
	return objects, nil
}

// Instance, Snapshot and Image read one object; ErrNotFound when it is proved
// absent. Together with all other reads of the same seconds: one round trip.
func (h *Host) Instance(ctx context.Context, name string) (*Instance, error) {
	return find(ctx, h, Ref{Instances, name}, func(l *listing) map[string]*Instance { return l.instances })
}

func (h *Host) Snapshot(ctx context.Context, name string) (*Snapshot, error) {
	return find(ctx, h, Ref{Snapshots, name}, func(l *listing) map[string]*Snapshot { return l.snapshots })
}

func (h *Host) Image(ctx context.Context, name string) (*Image, error) {
	return find(ctx, h, Ref{Images, name}, func(l *listing) map[string]*Image { return l.images })
}

// KnownInstance and KnownSnapshot tell a plan of what may not be there yet, as the
// listing has it that a refresh shares: nil, where it is not there.
func (h *Host) KnownInstance(ctx context.Context, name string) (*Instance, error) {
	return known(ctx, h, Ref{Instances, name}, func(l *listing) map[string]*Instance { return l.instances })
}

func (h *Host) KnownSnapshot(ctx context.Context, name string) (*Snapshot, error) {
	return known(ctx, h, Ref{Snapshots, name}, func(l *listing) map[string]*Snapshot { return l.snapshots })
}

// Instances, Snapshots and Images read all objects of a kind, by name.
func (h *Host) Instances(ctx context.Context) ([]*Instance, error) {
	return all(ctx, h, func(l *listing) map[string]*Instance { return l.instances })
}

func (h *Host) Snapshots(ctx context.Context) ([]*Snapshot, error) {
	return all(ctx, h, func(l *listing) map[string]*Snapshot { return l.snapshots })
}

func (h *Host) Images(ctx context.Context) ([]*Image, error) {
	return all(ctx, h, func(l *listing) map[string]*Image { return l.images })
}
