package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

var tripsRow = row{
	name:  "trips",
	title: "Operations over a slow network",
	about: "The driver's operations, and Terraform's, on a host behind a link with so long a round trip (real packets through TUN devices in a network namespace of the run's own). Round trips are counted by what is sent: data that is sent later than a round trip after the first may be due to an answer. Without delay they cannot be told apart. How many there may be is bounded by the test `TestVerbs_TakeAsManyRoundTripsOverASlowNetwork`. A plan or an apply dials and logs in.",
	tables: []table{
		{"trips", "Round trips", "operation"},
		{"time", "Milliseconds", "operation"},
	},
	targets: []target{
		{what: "round trips of fork and restore, together", unit: "n", limit: 3, value: func(r *Result) (float64, error) {
			fork, err := r.of("trips", "at 100 ms", float64(opFork))
			if err != nil {
				return 0, err
			}
			restore, err := r.of("trips", "at 100 ms", float64(opRestore))
			return fork.median() + restore.median(), err
		}},
		{what: "round trips of a plan of 10 more than of a plan of 1", unit: "n", limit: 1, value: func(r *Result) (float64, error) {
			ten, err := r.of("trips", "at 100 ms", float64(opPlan10))
			if err != nil {
				return 0, err
			}
			one, err := r.of("trips", "at 100 ms", float64(opPlan1))
			return ten.median() - one.median(), err
		}},
	},
	measure: measureTrips, limit: 5 * time.Minute,
}

// Operations, in the order of the table.
const (
	opCreate = iota
	opStart
	opSnapshot
	opFork
	opRestore
	opStandby
	opStop
	opDelete
	opApply
	opPlan1
	opPlan10
)

func measureTrips(ctx context.Context, b *bench, r *Result) error {
	link, err := testhost.OpenLink(testhost.LinkOptions{})
	if errors.Is(err, testhost.ErrNoLink) {
		r.miss("Nothing was measured: %s", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer link.Close()
	return b.inLab(ctx, testhost.Options{Link: link}, func(l *lab) error {
		defer link.SetRTT(0) // for the cleaning
		if err := noteDisturbance(ctx, r); err != nil {
			return err
		}
		if err := l.goldenStopped(ctx); err != nil {
			return err
		}
		if _, err := l.golden(ctx, "live", spec("source", manyMiB), 0); err != nil {
			return err
		}
		w, err := l.workspace("trips", stoppedConfig)
		if err != nil {
			return err
		}
		for _, rtt := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond} {
			link.SetRTT(rtt)
			for range l.rounds(3, 1) {
				if err := l.measureTrips(ctx, r, link, rtt, w); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (l *lab) measureTrips(ctx context.Context, r *Result, link *testhost.Link, rtt time.Duration, w workspace) error {
	var base, fork *host.Instance
	var snap *host.Snapshot
	terraform := func(do func(context.Context, int) (deed, error), n int) func() error {
		return func() error { _, err := do(ctx, n); return err }
	}
	for _, op := range []struct {
		name string
		at   int // -1: it is not measured
		do   func() error
	}{
		{"create", opCreate, func() (err error) { base, err = l.Create(ctx, spec("base", manyMiB)); return err }},
		{"start", opStart, func() error { return l.Start(ctx, base) }},
		{"", -1, func() error { return l.await(ctx, base) }},
		{"live snapshot", opSnapshot, func() (err error) {
			snap, err = l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "shot", Instance: "base"})
			return err
		}},
		{"fork of a snapshot", opFork, func() (err error) {
			fork, err = l.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Snapshots, Name: "live"}})
			return err
		}},
		{"restore", opRestore, func() error { return l.Restore(ctx, fork) }},
		{"", -1, func() error { return l.await(ctx, fork) }},
		{"standby", opStandby, func() error { return l.Standby(ctx, fork) }},
		{"", -1, func() error { return l.reread(ctx, base) }},
		{"stop", opStop, func() error { return l.Stop(ctx, base, 30*time.Second) }},
		{"delete", opDelete, func() error { return l.remove(ctx, base) }},
		{"", -1, func() error { return errors.Join(l.remove(ctx, fork), l.DeleteSnapshot(ctx, snap.Name, snap.UID)) }},
		{"terraform apply of one stopped fork", opApply, terraform(w.apply, 1)},
		{"terraform plan of one", opPlan1, terraform(w.plan, 1)},
		{"", -1, terraform(w.apply, 10)},
		{"terraform plan of ten", opPlan10, terraform(w.plan, 10)},
		{"", -1, terraform(w.destroy, 10)},
	} {
		var took float64
		var err error
		trips := link.Trips(func() { took, err = milliseconds(op.do) })
		if err != nil {
			return fmt.Errorf("%s at %s: %w", op.name, rtt, err)
		}
		if op.at < 0 {
			continue
		}
		at, column := place{op.name, float64(op.at)}, fmt.Sprintf("at %d ms", rtt.Milliseconds())
		r.add("time", at, column, "ms", took)
		if rtt > 0 {
			r.add("trips", at, column, "n", float64(trips))
		}
	}
	if base.State != lifecycle.Stopped {
		return fmt.Errorf("the base was %s when it was deleted", base.State)
	}
	return nil
}
