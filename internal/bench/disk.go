package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

const (
	areaMiB  = 256 // of the disk that is read and written
	flatDisk = "flat"
)

// diskLoads are what is measured: all that reads before all that writes, for a
// cluster that was written to is in the top layer from then on.
var diskLoads = []testhost.DiskLoad{
	{Op: "read", Order: "random", BlockKiB: 4},
	{Op: "read", Order: "sequential", BlockKiB: 1024},
	{Op: "write", Order: "random", BlockKiB: 4},
	{Op: "write", Order: "sequential", BlockKiB: 1024},
}

func nameOf(load testhost.DiskLoad) string {
	return fmt.Sprintf("%s %s, %d KiB", load.Order, load.Op, load.BlockKiB)
}

var diskRow = row{
	name:  "disk",
	title: "Disk I/O at the length of a chain",
	about: "Guests read and write 256 MiB of their disks directly (O_DIRECT; the host's page cache holds all of it). One disk is flat: a layer with nothing below. The others have been in standby so many times, and after each the guest has rewritten random clusters, so that each layer holds a part. \"Flattened\" is one whose chain had become too long, so that the driver has shortened it. They take turns. The first write to a cluster that is in a layer below copies it: random writes to a chain have that in them.",
	tables: []table{
		{"disk", "MiB/s, more is better", "layers below the top"},
	},
	targets: []target{
		{what: "flat over flattened: the worst of the four", unit: "×", limit: 1.2, value: worst(flatOver(0), flatOver(1), flatOver(2), flatOver(3))},
	},
	measure: inOneLab(measureDisks), limit: 5 * time.Minute,
}

// flattened is the place of the disk whose chain was too long.
var flattened = place{"16, flattened to 1", 16}

func flatOver(load int) func(*Result) (float64, error) {
	name := nameOf(diskLoads[load])
	return quotient("disk", name, 0, "disk", name, flattened.at)
}

// A loaded is a guest whose disk is read and written.
type loaded struct {
	place
	inst *host.Instance
}

func measureDisks(ctx context.Context, l *lab, r *Result) error {
	var guests []loaded
	for _, below := range []int{0, 1, 4, 15} {
		at := place{fmt.Sprint(below), float64(below)}
		if below == 0 {
			at.line = flatDisk
		}
		inst, err := l.layered(ctx, fmt.Sprintf("chain-%d", below), below)
		if err != nil {
			return err
		}
		if got := len(inst.Machine.Disk.Layers) - 1; got != below {
			return fmt.Errorf("a disk has %d layers below its top; want %d", got, below)
		}
		guests = append(guests, loaded{at, inst})
	}
	inst, err := l.layered(ctx, "flattened", 16)
	if err != nil {
		return err
	}
	if got := len(inst.Machine.Disk.Layers) - 1; got == 16 {
		r.miss("flattened: the driver did not shorten a chain of %d layers", got+1)
	} else {
		guests = append(guests, loaded{flattened, inst})
	}
	for _, load := range diskLoads {
		load.AreaMiB, load.For = areaMiB, 500*time.Millisecond
		for range l.rounds(5, 1) {
			for _, guest := range guests {
				rate, err := l.client(guest.inst).Load(ctx, load)
				if err != nil {
					return err
				}
				r.add("disk", guest.place, nameOf(load), "MiB/s", rate)
			}
		}
	}
	return nil
}

// layered makes a guest whose disk has so many layers below its top.
func (l *lab) layered(ctx context.Context, name string, below int) (*host.Instance, error) {
	empty := spec(name, 128)
	empty.Image, empty.DiskGiB = "", 1
	inst, err := l.boot(ctx, empty)
	if err != nil {
		return nil, err
	}
	if _, err := l.client(inst).Load(ctx, testhost.DiskLoad{Op: "write", Order: "sequential", BlockKiB: 1024, AreaMiB: areaMiB, Blocks: areaMiB}); err != nil {
		return nil, err
	}
	for range below {
		if err := l.Standby(ctx, inst); err != nil {
			return nil, err
		}
		if err := l.Restore(ctx, inst); err != nil {
			return nil, err
		}
		const cluster = 64 // KiB
		part := areaMiB << 10 / cluster / (below + 1)
		if _, err := l.client(inst).Load(ctx, testhost.DiskLoad{Op: "write", Order: "random", BlockKiB: cluster, AreaMiB: areaMiB, Blocks: part}); err != nil {
			return nil, err
		}
	}
	return inst, nil
}
