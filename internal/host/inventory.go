package host

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// listingAge is for how long, at least, a listing serves further reads. On a host
// that is slow to list it is longer, so that a fifth of the time goes by with that
// at most.
var listingAge = 3 * time.Second

// refreshAge is for how long a listing serves the first read of each object: a
// refresh of a whole state asks for each once, and takes as long as Terraform and
// the plugin's protocol do for so many.
const refreshAge = 5 * time.Minute

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

// isYoung reports whether a listing serves reads of what may change at any time.
func (l *listing) isYoung() bool { return time.Since(l.at) < max(listingAge, 5*l.took) }

// isOfRefresh reports whether a listing serves the refresh of a state.
func (l *listing) isOfRefresh() bool { return time.Since(l.at) < refreshAge }

// list returns a young listing, in which all is that was done until now: one round
// trip, or none.
func (h *Host) list(ctx context.Context) (*listing, error) {
	return h.listOf(ctx, Ref{}, (*listing).isYoung)
}

// listOf returns the last listing, if it serves and all is in it that was done to
// one object, else a new one; of the host itself, one that may be without what this
// process did to single objects. A caller that gives up does not fail those who
// share it.
func (h *Host) listOf(ctx context.Context, ref Ref, serves func(*listing) bool) (*listing, error) {
	inv := &h.inventory
	inv.mu.Lock()
	last, written := inv.last, inv.lastWrite(ref)
	inv.mu.Unlock()
	if last != nil && !last.at.Before(written) && serves(last) {
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
		found.at, found.took = begun, time.Since(begun)
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
