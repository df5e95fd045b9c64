package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

var depthRow = row{
	name:  "depth",
	title: "Forks of forks",
	about: "A snapshot of depth 1 is of a guest that booted, one of depth n of a fork of the one before. A fork of each runs and answers, goes into standby and is restored, in turns. A chain of more than 16 layers is shortened when it starts, which is a part of that time.",
	tables: []table{
		{"depth", "Milliseconds", "depth"},
	},
	targets: []target{
		{what: "fork to running, depth 4 over depth 1", unit: "×", limit: 1.1, value: growth("depth", forkRunning, 4, 1)},
		{what: "fork to running, depth 16 over depth 1", unit: "×", limit: 1.1, value: growth("depth", forkRunning, 16, 1)},
		{what: "restore, depth 4 over depth 1", unit: "×", limit: 1.1, value: growth("depth", restored, 4, 1)},
		{what: "restore, depth 16 over depth 1", unit: "×", limit: 1.1, value: growth("depth", restored, 16, 1)},
	},
	measure: inOneLab(measureDepth), limit: 5 * time.Minute, quick: 12 * time.Second,
}

func measureDepth(ctx context.Context, l *lab, r *Result) error {
	depths := l.sizes([]int{1, 4, 16}, []int{1, 4})
	source, err := l.golden(ctx, "depth-1", spec("base", 256), 128)
	if err != nil {
		return err
	}
	parents := map[int]host.Ref{1: source}
	for depth := 2; depth <= slices.Max(depths); depth++ {
		fork, err := l.fork(ctx, "generation", source)
		if err != nil {
			return err
		}
		if err := l.answer(ctx, fork); err != nil {
			return err
		}
		source = host.Ref{Kind: host.Snapshots, Name: fmt.Sprintf("depth-%d", depth)}
		if _, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: source.Name, Instance: fork.Name}); err != nil {
			return err
		}
		if err := l.remove(ctx, fork); err != nil {
			return err
		}
		parents[depth] = source
	}
	for range l.rounds(9, 2) {
		for _, depth := range depths {
			if err := l.measureDepth(ctx, r, place{fmt.Sprint(depth), float64(depth)}, parents[depth]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lab) measureDepth(ctx context.Context, r *Result, at place, source host.Ref) error {
	begun := time.Now()
	fork, err := l.fork(ctx, "fork", source)
	if err != nil {
		return err
	}
	r.add("depth", at, forkRunning, "ms", since(begun))
	if err := l.answer(ctx, fork); err != nil {
		return err
	}
	r.add("depth", at, forkAnswer, "ms", since(begun))
	r.add("depth", at, "layers of its disk", "n", float64(len(fork.Machine.Disk.Layers)))
	if err := l.Standby(ctx, fork); err != nil {
		return err
	}
	begun = time.Now()
	if err := l.Restore(ctx, fork); err != nil {
		return err
	}
	r.add("depth", at, restored, "ms", since(begun))
	return l.remove(ctx, fork)
}
