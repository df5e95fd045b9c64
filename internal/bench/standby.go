package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// Series of the tables "standby" and "restore".
const (
	standby      = "standby"
	writeOnce    = "writing the touched memory once"
	streamedSave = "streamed save"
	restored     = "restore, running"
	restoreReply = "restore, first answer"
	streamedLoad = "streamed load, running"
)

var standbyRow = row{
	name:  "standby",
	title: "Standby and restore",
	about: "A guest that has written to half of its memory is put into standby, durably, and goes on. Beside that as much as its memory file holds is written to a file once, and synced; and QEMU streams the guest into a file (`migrate`), which is synced, and a QEMU with the same arguments loads it (`-incoming`).",
	tables: []table{
		{"standby", "Milliseconds until it is saved", "memory"},
		{"restore", "Milliseconds until it goes on", "memory"},
	},
	figures: []figure{
		{"standby", "Time until a guest is saved", "standby", []string{standby, writeOnce, streamedSave}, "memory of the guest, MiB (half of it written to)", "ms", false},
		{"restore", "Time until a saved guest runs again", "restore", []string{restored, streamedLoad}, "memory of the guest, MiB (half of it written to)", "ms", false},
	},
	targets: []target{
		{what: "restore at 4 GiB over 512 MiB", unit: "×", limit: 1.15, value: growth("restore", restored, 4096, 512)},
		{what: "standby over writing the touched memory once, at 512 MiB", unit: "×", limit: 1.3, value: quotient("standby", standby, 512, "standby", writeOnce, 512)},
		{what: "standby over writing the touched memory once, at 4 GiB", unit: "×", limit: 1.3, value: quotient("standby", standby, 4096, "standby", writeOnce, 4096)},
	},
	measure: inOneLab(measureStandby), limit: 6 * time.Minute, quick: 12 * time.Second,
}

func measureStandby(ctx context.Context, l *lab, r *Result) error {
	for _, mib := range l.sizes([]int{512, 2048, 4096}, []int{512}) {
		at := memory(mib)
		if err := l.fits(2 * mib); err != nil {
			r.miss("%s: %s", at.line, err)
			continue
		}
		if err := l.withGuest(ctx, mib, func(inst *host.Instance) error {
			copied, err := l.layOut(inst, "")
			if err != nil {
				return err
			}
			defer os.RemoveAll(copied.dir)
			for range l.rounds(5, 1) {
				if err := l.measureStream(ctx, r, at, inst, copied); err != nil {
					return err
				}
				if err := l.measureCycle(ctx, r, at, inst); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) measureStream(ctx context.Context, r *Result, at place, inst *host.Instance, copied bare) error {
	begun := time.Now()
	stream, err := l.stopAndCopy(ctx, inst)
	if err != nil {
		return err
	}
	defer os.Remove(stream.Name())
	if err := errors.Join(stream.Sync(), stream.Close()); err != nil {
		return err
	}
	r.add("standby", at, streamedSave, "ms", since(begun))
	begun = time.Now()
	if err := copied.load(ctx, stream.Name()); err != nil {
		return err
	}
	r.add("restore", at, streamedLoad, "ms", since(begun))
	return nil
}

func (l *lab) measureCycle(ctx context.Context, r *Result, at place, inst *host.Instance) error {
	took, err := milliseconds(func() error { return l.Standby(ctx, inst) })
	if err != nil {
		return err
	}
	r.add("standby", at, standby, "ms", took)
	var saved unix.Stat_t
	if err := unix.Stat(l.path("instances", inst.Name, "checkpoint/memory"), &saved); err != nil {
		return err
	}
	bytes := saved.Blocks * 512 // st_blocks, whatever the filesystem's are
	r.add("standby", at, "size of the memory file", "MiB", float64(bytes>>20))
	took, err = milliseconds(func() error { return writeFile(l.scratch("once"), bytes) })
	if err != nil {
		return err
	}
	r.add("standby", at, writeOnce, "ms", took)
	begun := time.Now()
	if err := l.Restore(ctx, inst); err != nil {
		return err
	}
	r.add("restore", at, restored, "ms", since(begun))
	if err := l.answer(ctx, inst); err != nil {
		return err
	}
	r.add("restore", at, restoreReply, "ms", since(begun))
	return nil
}

// writeFile writes so much to a file, durably, and removes it.
func writeFile(path string, bytes int64) error {
	file, err := os.Create(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer file.Close()
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i) | 1
	}
	for ; bytes > 0; bytes -= int64(len(block)) {
		if _, err := file.Write(block[:min(int64(len(block)), bytes)]); err != nil {
			return err
		}
	}
	return file.Sync()
}
