package host

import (
	"context"
	"maps"
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
