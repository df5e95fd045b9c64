package host

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// listingAge is how long a listing serves further reads: a refresh of a whole
// state asks for every object at about the same time.
const listingAge = 3 * time.Second

// An inventory is the last listing of a host, shared by all who read, and when
// something was done that it does not tell.
type inventory struct {
	flight  singleflight.Group
	mu      sync.Mutex
	last    *listing
	written time.Time         // to who knows what
	touched map[Ref]time.Time // to one object alone
	latest  time.Time         // of touched
}

// Forget makes the next read list the host anew.
func (h *Host) Forget() {
	inv := &h.inventory
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.last, inv.written = nil, time.Now()
	clear(inv.touched)
	inv.flight.Forget("list")
}

// forget makes the next read of one object list the host anew. What is known of
// the others holds for as long as it would have: with a listing for each of them, a
// thousand forks would take the time of a million objects.
func (h *Host) forget(ref Ref) {
	inv := &h.inventory
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.touched == nil {
		inv.touched = map[Ref]time.Time{}
	}
	inv.latest = time.Now()
	inv.touched[ref] = inv.latest
}

// keep makes a listing the last one. What was done before it was begun is in it.
func (inv *inventory) keep(found *listing) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if found.at.Before(inv.written) || inv.last != nil && found.at.Before(inv.last.at) {
		return
	}
	inv.last = found
	maps.DeleteFunc(inv.touched, func(_ Ref, at time.Time) bool { return at.Before(found.at) })
}

// lastWrite is when something was done that concerns what is asked for. An
// instance, a snapshot and an image are told by what is their own; what is said of
// volumes and networks comes from instances, too.
func (inv *inventory) lastWrite(ref Ref) time.Time {
	last := inv.latest
	switch ref.Kind {
	case hosts:
		return inv.written
	case Instances, Snapshots, Images:
		last = inv.touched[ref]
	}
	if last.Before(inv.written) {
		return inv.written
	}
	return last
}

// list returns a listing no older than listingAge, in which all is that was done
// until now: one round trip, or none.
func (h *Host) list(ctx context.Context) (*listing, error) { return h.listOf(ctx, Ref{}) }

// listOf is a list in which all is that was done to one object; of the host itself,
// one that may be without what this process did to single objects. A caller that
// gives up does not fail those who share it.
func (h *Host) listOf(ctx context.Context, ref Ref) (*listing, error) {
	inv := &h.inventory
	inv.mu.Lock()
	last, written := inv.last, inv.lastWrite(ref)
	inv.mu.Unlock()
	if last != nil && !last.at.Before(written) && time.Since(last.at) < listingAge {
		return last, nil
	}
	for {
		flight := inv.flight.DoChan("list", func() (any, error) {
			found, err := h.look(context.WithoutCancel(ctx))
			if err == nil {
				inv.keep(found)
			}
			return found, err
		})
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case r := <-flight:
			if r.Err != nil {
				return nil, r.Err
			}
			if found := r.Val.(*listing); !found.at.Before(written) {
				return found, nil
			} // else it was begun before that was done
		}
	}
}

// look lists the host, once more where that may have been seen while it was
// changed, and until no guest stands still for a moment to be copied.
func (h *Host) look(ctx context.Context) (*listing, error) {
	for try, again := 1, false; ; try++ {
		begun := time.Now()
		text, err := call{h, "read", Ref{hosts, h.Name}}.read(ctx, inventoryScript, h.DataDir)
		if err != nil {
			return nil, err
		}
		found, err := parseListing(h.DataDir, text)
		if err != nil {
			return nil, err
		}
		found.at = begun
		switch {
		case !again && found.isTorn():
			again = true
			h.finish(ctx, found)
		case try < longestCopy && found.isCopying():
			time.Sleep(100 * time.Millisecond)
		default:
			return found, nil
		}
	}
}

// longestCopy is after how many tries a guest that stands still to be copied is
// said to be paused: it does for long where it goes into standby.
const longestCopy = 10

// isTorn reports whether the listing may have been made while somebody changed
// what it lists: something is half done, or seems to be damaged.
func (l *listing) isTorn() bool {
	for _, inst := range l.instances {
		if inst.halfway || inst.Problem != "" {
			return true
		}
	}
	for _, snap := range l.snapshots {
		if snap.Problem != "" {
			return true
		}
	}
	for _, image := range l.images {
		if image.Problem != "" {
			return true
		}
	}
	for _, volume := range l.volumes {
		if volume.Problem != "" {
			return true
		}
	}
	return l.torn
}

func (l *listing) isCopying() bool {
	for _, inst := range l.instances {
		if inst.copying {
			return true
		}
	}
	return false
}

// find looks an object up. That it is absent is believed only of a listing that
// was begun after the question.
func find[T any](ctx context.Context, h *Host, ref Ref, among func(*listing) map[string]*T) (*T, error) {
	c := call{h, "read", ref}
	asked := time.Now()
	for {
		l, err := h.listOf(ctx, ref)
		if err != nil {
			return nil, err
		}
		if object, ok := among(l)[ref.Name]; ok {
			copied := *object
			return &copied, nil
		}
		if l.bare {
			return nil, c.fail(ErrUnfit, "the data directory "+h.DataDir+" is empty: is its filesystem mounted?", "")
		}
		if !l.at.Before(asked) {
			return nil, c.fail(ErrNotFound, "", "")
		}
		h.forget(ref)
	}
}

// known looks an object up in the listing that reads share; nil when it is not
// there, which proves nothing.
func known[T any](ctx context.Context, h *Host, ref Ref, among func(*listing) map[string]*T) (*T, error) {
	l, err := h.listOf(ctx, ref)
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

// KnownInstance and KnownSnapshot look for what may not be there yet: no listing is
// made to prove that it is not, and they return nil.
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
