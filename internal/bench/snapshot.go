package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// Series of the tables "idle" and "dirtying".
const (
	livePause   = "live snapshot, pause"
	liveTotal   = "live snapshot, total"
	standbyBack = "standby and restore, total"
	copyPause   = "stop and copy, pause"
	copyTotal   = "stop and copy, total"
)

var snapshotRow = row{
	name:  "snapshot",
	title: "Live snapshot",
	about: "How long the guest stands still (by the events of its QEMU), and how long the snapshot takes. Without live snapshots one puts it into standby and restores it (the total is from the call on until it runs again; for a part of that it still runs), or stops it, streams it into a file (`migrate`) and lets it go on; the total is until the file is on the disk, as that of the others is. Half of the memory was written to. A guest that dirties its memory goes through 512 MiB of 1 GiB, page after page.",
	tables: []table{
		{"idle", "A guest that does nothing", "memory"},
		{"dirtying", "A guest that writes to its memory all the time", "asked for"},
	},
	figures: []figure{
		{"pause", "How long an idle guest stands still for a copy of it", "idle", []string{livePause, copyPause}, "memory of the guest, MiB (half of it written to)", "ms", false},
	},
	targets: []target{
		{what: "pause of an idle guest of 512 MiB, median", unit: "ms", limit: 50, value: medianOf("idle", livePause, 512)},
		{what: "pause of an idle guest of 4 GiB, median", unit: "ms", limit: 50, value: medianOf("idle", livePause, 4096)},
		{what: "pause of a guest that dirties 100 MiB/s, median", unit: "ms", limit: 300, value: medianOf("dirtying", livePause, 100)},
		{what: "pause at 4 GiB over that at 512 MiB (independent of the size)", unit: "×", limit: 1.5, value: growth("idle", livePause, 4096, 512)},
		{what: "snapshots of a guest that dirties 500 MiB/s that converged", unit: "n", limit: 1, least: true, value: func(r *Result) (float64, error) {
			s, err := r.of("dirtying", liveTotal, 500)
			return float64(len(s)), err
		}},
	},
	measure: inOneLab(measureSnapshots), limit: 6 * time.Minute, quick: 15 * time.Second,
}

func measureSnapshots(ctx context.Context, l *lab, r *Result) error {
	for _, mib := range l.sizes([]int{512, 2048, 4096}, []int{512}) {
		if err := l.fits(2 * mib); err != nil {
			r.miss("%s: %s", memory(mib).line, err)
			continue
		}
		if err := l.withGuest(ctx, mib, func(inst *host.Instance) error {
			for range l.rounds(5, 1) {
				if err := l.measureSnapshot(ctx, r, "idle", memory(mib), inst); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return l.withGuest(ctx, 1024, func(inst *host.Instance) error {
		for _, rate := range l.sizes([]int{10, 100, 500}, []int{100}) {
			if err := l.measureDirtying(ctx, r, rate, inst); err != nil {
				return err
			}
		}
		return nil
	})
}

// withGuest boots a guest that has written to half of its memory, and ends it.
func (l *lab) withGuest(ctx context.Context, mib int, measure func(*host.Instance) error) error {
	inst, err := l.boot(ctx, spec(fmt.Sprintf("guest-%d", mib), mib))
	if err != nil {
		return err
	}
	if err := l.client(inst).Fill(ctx, mib/2); err != nil {
		return err
	}
	if err := measure(inst); err != nil {
		return err
	}
	return l.remove(ctx, inst)
}

func (l *lab) measureDirtying(ctx context.Context, r *Result, rate int, inst *host.Instance) error {
	at := place{fmt.Sprintf("%d MiB/s", rate), float64(rate)}
	if _, err := l.client(inst).Dirty(ctx, rate); err != nil {
		return err
	}
	for range l.rounds(4, 1) {
		select { // what it reaches while nothing else happens
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
		reached, err := l.client(inst).Dirty(ctx, rate)
		if err != nil {
			return err
		}
		r.add("dirtying", at, "reached", "MiB/s", reached)
		if err := l.measureSnapshot(ctx, r, "dirtying", at, inst); err != nil {
			return err
		}
		if _, err := l.client(inst).Dirty(ctx, rate); err != nil { // what the copies slowed down does not count
			return err
		}
	}
	_, err := l.client(inst).Dirty(ctx, 0)
	return err
}

func (l *lab) measureSnapshot(ctx context.Context, r *Result, table string, at place, inst *host.Instance) error {
	begun := time.Now()
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "shot", Instance: inst.Name})
	if err != nil {
		return err
	}
	r.add(table, at, livePause, "ms", float64(snap.Pause.Microseconds())/1000)
	r.add(table, at, liveTotal, "ms", since(begun))
	if err := l.DeleteSnapshot(ctx, snap.Name, snap.UID); err != nil {
		return err
	}
	if err := l.reread(ctx, inst); err != nil { // it has a new layer
		return err
	}

	begun = time.Now()
	if err := l.Standby(ctx, inst); err != nil {
		return err
	}
	if err := l.Restore(ctx, inst); err != nil {
		return err
	}
	r.add(table, at, standbyBack, "ms", since(begun))

	begun = time.Now()
	stream, err := l.stopAndCopy(ctx, inst)
	if err != nil {
		return err
	}
	r.add(table, at, copyPause, "ms", since(begun))
	err = stream.Sync()
	r.add(table, at, copyTotal, "ms", since(begun))
	return errors.Join(err, stream.Close(), os.Remove(stream.Name()))
}

// reread reads an instance that was changed as the source of something.
func (l *lab) reread(ctx context.Context, inst *host.Instance) error {
	l.Forget()
	now, err := l.Instance(ctx, inst.Name)
	if err == nil {
		*inst = *now
	}
	return err
}
