package host

import (
	"context"
	"time"
)

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
// what it lists: something is half done, or seems to be damaged, or to lack a
// disk.
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
