package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// Series of the table "fork".
const (
	forkRunning = "fork, running"
	forkAnswer  = "fork, first answer"
	bootAnswer  = "cold boot, first answer"
	copyAnswer  = "copy and restore, first answer"
)

var forkRow = row{
	name:  "fork",
	title: "Fork, whatever the memory's size",
	about: `A fork of a snapshot in which the guest had written to half of its memory, from the call of the driver until the host says that the guest runs (one SSH connection over loopback is in it), and until the guest answers HTTP. Beside it the same guest is booted, and a fork is made whose memory and disk are copied (` + "`cp --reflink=never`" + `, which leaves out holes) rather than shared. All sizes take turns.`,
	tables: []table{
		{"fork", "Milliseconds from the call on", "memory"},
		{"uefi", "The same with UEFI, whose flash chips are a part of the state of the devices", "memory"},
		{"state", "What is loaded, rather than mapped", "memory"},
	},
	figures: []figure{{"fork", "Time to a fork, a cold boot, and a full copy", "fork", []string{forkRunning, forkAnswer, bootAnswer, copyAnswer}, "memory of the guest, MiB (half of it written to)", "ms", true}},
	targets: []target{
		{what: "fork to running at 256 MiB, median", unit: "ms", limit: 100, value: medianOf("fork", forkRunning, 256)},
		{what: "fork to running at 8 GiB, median", unit: "ms", limit: 100, value: medianOf("fork", forkRunning, 8192)},
		{what: "fork to running, 8 GiB over 256 MiB", unit: "×", limit: 1.15, value: growth("fork", forkRunning, 8192, 256)},
		{what: "fork to first answer, 8 GiB over 256 MiB", unit: "×", limit: 1.15, value: growth("fork", forkAnswer, 8192, 256)},
	},
	measure: inOneLab(measureForks), limit: 8 * time.Minute, quick: 25 * time.Second,
}

// inOneLab is a measurement that has a host to itself.
func inOneLab(measure func(context.Context, *lab, *Result) error) func(context.Context, *bench, *Result) error {
	return func(ctx context.Context, b *bench, r *Result) error {
		return b.inLab(ctx, testhost.Options{}, func(l *lab) error {
			if err := noteDisturbance(ctx, r); err != nil {
				return err
			}
			return measure(ctx, l, r)
		})
	}
}

// A parent is a snapshot that is forked.
type parent struct {
	place
	table string
	spec  host.InstanceSpec
	ref   host.Ref
}

func measureForks(ctx context.Context, l *lab, r *Result) error {
	var parents []parent
	for _, mib := range l.sizes([]int{256, 1024, 2048, 4096, 8192}, []int{256, 1024}) {
		parents = append(parents, parent{place: memory(mib), table: "fork", spec: spec(fmt.Sprintf("base-%d", mib), mib)})
	}
	uefi := parent{place: memory(256), table: "uefi", spec: spec("base-uefi", 256)}
	uefi.spec.Firmware = qemu.FirmwareUEFI
	if !l.quick {
		parents = append(parents, uefi)
	}

	var there []parent
	for i, p := range parents {
		if err := l.fits(p.spec.MemoryMiB); err != nil {
			r.miss("%s: %s", p.line, err)
			continue
		}
		ref, err := l.golden(ctx, fmt.Sprintf("golden-%d", i), p.spec, p.spec.MemoryMiB/2)
		if err != nil {
			return fmt.Errorf("a parent of %s: %w", p.line, err)
		}
		p.ref = ref
		state, err := os.Stat(l.path("snapshots", ref.Name, "checkpoint/device-state"))
		if err != nil {
			return err
		}
		if p.table == "fork" {
			r.add("state", p.place, "state of the devices", "KiB", float64(state.Size())/1024)
		}
		there = append(there, p)
	}
	for round := range l.rounds(10, 3) {
		for _, p := range there {
			err := l.measureFork(ctx, r, p)
			if err == nil && round < l.rounds(3, 1) {
				err = errors.Join(l.measureCopy(ctx, r, p), l.measureBoot(ctx, r, p))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sizes are those of a run, and of a sample.
func (b *bench) sizes(full, sample []int) []int {
	if b.quick {
		return sample
	}
	return full
}

func memory(mib int) place {
	if mib < 1024 {
		return place{fmt.Sprintf("%d MiB", mib), float64(mib)}
	}
	return place{fmt.Sprintf("%d GiB", mib>>10), float64(mib)}
}

// fits is an error where a guest of that size and its half copied twice do not.
func (l *lab) fits(mib int) error {
	if left := memoryLeft(); left < mib+mib/2 {
		return fmt.Errorf("it was not measured, for only %d MiB of memory were left", left)
	}
	if left := diskLeft(l.host.DataDir); left < 2*mib {
		return fmt.Errorf("it was not measured, for only %d MiB of space were left", left)
	}
	return nil
}

func (l *lab) measureFork(ctx context.Context, r *Result, p parent) error {
	begun := time.Now()
	fork, err := l.fork(ctx, "fork", p.ref)
	if err != nil {
		return err
	}
	r.add(p.table, p.place, forkRunning, "ms", since(begun))
	if err := l.answer(ctx, fork); err != nil {
		return err
	}
	r.add(p.table, p.place, forkAnswer, "ms", since(begun))
	return l.remove(ctx, fork)
}

// measureCopy makes a fork, and puts copies in the place of what it shares.
func (l *lab) measureCopy(ctx context.Context, r *Result, p parent) error {
	begun := time.Now()
	fork, err := l.Fork(ctx, host.ForkSpec{Name: "copy", Source: p.ref})
	if err != nil {
		return err
	}
	for _, shared := range []string{"checkpoint/memory", "disk"} {
		path := l.path("instances/copy", shared)
		if err := errors.Join(copyTree(path, path+".copy"), os.RemoveAll(path), os.Rename(path+".copy", path)); err != nil {
			return fmt.Errorf("copy %s: %w", filepath.Base(path), err)
		}
	}
	if err := l.Restore(ctx, fork); err != nil {
		return err
	}
	if err := l.answer(ctx, fork); err != nil {
		return err
	}
	r.add(p.table, p.place, copyAnswer, "ms", since(begun))
	return l.remove(ctx, fork)
}

func (l *lab) measureBoot(ctx context.Context, r *Result, p parent) error {
	boot := p.spec
	boot.Name = "boot"
	begun := time.Now()
	inst, err := l.Create(ctx, boot)
	if err == nil {
		err = l.Start(ctx, inst)
	}
	if err == nil {
		err = l.answer(ctx, inst)
	}
	if err != nil {
		return err
	}
	r.add(p.table, p.place, bootAnswer, "ms", since(begun))
	return l.remove(ctx, inst)
}
