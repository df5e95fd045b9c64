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

// An inventory is the last listing of a host, shared by all who read.
type inventory struct {
	flight singleflight.Group
	mu     sync.Mutex
	last   *listing
	epoch  int // grows with every write: a listing begun before one is not kept
}

// Forget makes the next read list the host anew.
func (h *Host) Forget() {
	h.inventory.mu.Lock()
	defer h.inventory.mu.Unlock()
	h.inventory.last = nil
	h.inventory.epoch++
	h.inventory.flight.Forget("list")
}

// list returns a listing no older than listingAge: one round trip, or none. A
// caller that gives up does not fail those who share it.
func (h *Host) list(ctx context.Context) (*listing, error) {
	inv := &h.inventory
	inv.mu.Lock()
	last, epoch := inv.last, inv.epoch
	inv.mu.Unlock()
	if last != nil && time.Since(last.at) < listingAge {
		return last, nil
	}
	flight := inv.flight.DoChan("list", func() (any, error) {
		found, err := h.look(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		inv.mu.Lock()
		defer inv.mu.Unlock()
		if inv.epoch == epoch {
			inv.last = found
		}
		return found, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*listing), nil
	}
}

// look lists the host, once more where that may have been seen while it was
// changed, and until no guest stands still for a moment to be copied.
func (h *Host) look(ctx context.Context) (*listing, error) {
	for try, again := 1, false; ; try++ {
		begun := time.Now()
		text, err := call{h, "read", Ref{"hosts", h.Name}}.read(ctx, inventoryScript, h.DataDir)
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
// what it lists: something is half done, or seems to be damaged, or
// to lack a disk.
func (l *listing) isTorn() bool {
	for _, inst := range l.instances {
		if inst.halfway || inst.Problem != "" || len(inst.Unplugged) > 0 {
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
		l, err := h.list(ctx)
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
		h.Forget()
	}
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
