package host

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// nameless is said of what has a name and does not tell what it is.
const nameless = "what has it does not say what it is"

// taken is the error of a name that somebody else has: it says who, as the host
// tells now. One round trip.
func (c call) taken(ctx context.Context) error {
	c.host.Forget()
	l, err := c.host.list(ctx)
	if err != nil {
		return c.fail(ErrExists, "", "") // that it is taken is known nevertheless
	}
	return c.fail(ErrExists, l.owner(c.object), "")
}

// owner says who has a name: what it is, when it was made, its uid and labels.
func (l *listing) owner(ref Ref) string {
	switch ref.Kind {
	case Images:
		if image, ok := l.images[ref.Name]; ok {
			return describe(ref, image.CreatedAt, image.UID, nil, image.Problem)
		}
	case Snapshots:
		if snap, ok := l.snapshots[ref.Name]; ok {
			return describe(ref, snap.CreatedAt, snap.UID, snap.Labels, snap.Problem)
		}
	case Volumes:
		if volume, ok := l.volumes[ref.Name]; ok {
			return describe(ref, volume.CreatedAt, volume.UID, volume.Labels, volume.Problem)
		}
	case Networks:
		if n, ok := l.networks[ref.Name]; ok {
			return describe(ref, n.CreatedAt, n.UID, n.Labels, n.Problem)
		}
	case Instances:
		if inst, ok := l.instances[ref.Name]; ok {
			return describe(ref, inst.CreatedAt, inst.UID, inst.Labels, inst.Problem)
		}
	}
	return nameless
}

func describe(ref Ref, made time.Time, uid string, labels map[string]string, problem string) string {
	if uid == "" {
		return nameless + ": " + problem
	}
	when := "an unknown time"
	if !made.IsZero() {
		when = made.UTC().Format(time.RFC3339)
	}
	about := "uid " + uid
	if len(labels) > 0 {
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			pairs = append(pairs, fmt.Sprintf("%s = %q", key, labels[key]))
		}
		about += ", labels " + strings.Join(pairs, ", ")
	}
	if problem != "" {
		problem = " and is damaged: " + problem
	}
	return fmt.Sprintf("%s was made at %s (%s)%s", ref.object(), when, about, problem)
}
