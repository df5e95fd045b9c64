package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// Series of the tables of the fan-out.
const (
	manyRunning = "forks, running"
	manyAnswer  = "forks, each has answered"
	manyBoots   = "cold boots, each has answered"
	cpuOfFork   = "a fork, on the host"
	cpuBare     = "a bare QEMU with the same arguments"
	cpuShare    = "forks: share of all processors that was used"
)

const manyMiB = 128 // of memory that each of many guests has

var fanoutRow = row{
	name:  "fanout",
	title: "Many forks in one apply",
	about: "One `terraform apply` with so many forks of one snapshot of a small, idle guest (128 MiB), or as many cold boots, by the defaults of Terraform (ten at a time). CPU time is that of the whole machine while the apply runs, less what Terraform and the provider used, by fork. A bare QEMU is started with a fork's arguments and files, and ended when it answers QMP: it has loaded nothing, and no guest runs. Memory is the sum over all QEMU processes when each guest has answered, with shared pages divided among those that share them (PSS).",
	tables: []table{
		{"wall", "Seconds that the apply takes", "instances"},
		{"cpu", "CPU time, ms", "instances"},
		{"use", "What the apply made of the machine", "instances"},
		{"memory", "Memory of all QEMU processes (PSS), MiB", "instances"},
	},
	figures: []figure{
		{"fanout", "One apply with so many instances", "wall", []string{manyRunning, manyAnswer, manyBoots}, "instances", "s", false},
		{"memory", "Memory of so many guests of 128 MiB (PSS of QEMU)", "memory", []string{"forks", "cold boots"}, "instances", "MiB", true},
	},
	targets: []target{
		{what: "CPU time per fork over that of a bare QEMU, 50 forks", unit: "×", limit: 1.3, value: quotient("cpu", cpuOfFork, 50, "cpu", cpuBare, 1)},
		{what: "share of all processors used while 50 forks are made (limited by CPU)", unit: "%", limit: 80, least: true, value: medianOf("use", cpuShare, 50)},
		{what: "memory of 50 forks over 50 cold boots", unit: "×", limit: 0.25, value: quotient("memory", "forks", 50, "memory", "cold boots", 50)},
	},
	measure: inOneLab(measureFanout), limit: 12 * time.Minute, quick: 30 * time.Second,
}

// A crowd is many instances, and in which column they are.
type crowd struct {
	workspace
	instances, wall, memory string
	rounds                  map[int]int // by their number
}

func measureFanout(ctx context.Context, l *lab, r *Result) error {
	if _, err := l.golden(ctx, goldenRef.Name, spec("base", manyMiB), 0); err != nil {
		return err
	}
	if err := l.measureBare(ctx, r); err != nil {
		return err
	}
	running, err1 := l.workspace("running", forksConfig(""))
	answering, err2 := l.workspace("answering", forksConfig(readyWhenItAnswers))
	boots, err3 := l.workspace("boots", bootsConfig)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	crowds := []crowd{
		{running, "fork", manyRunning, "", map[int]int{1: 5, 10: 3, 50: 2, 100: 2}},
		{answering, "fork", manyAnswer, "forks", map[int]int{1: 3, 10: 3, 50: 1, 100: 1}},
		{boots, "boot", manyBoots, "cold boots", map[int]int{1: 3, 10: 2, 50: 1, 100: 1}},
	}
	for _, n := range l.sizes([]int{1, 10, 50, 100}, []int{1, 5}) {
		if left := memoryLeft(); left < 3*n*manyMiB/2 {
			r.miss("%d instances: not measured, for only %d MiB of memory were left", n, left)
			continue
		}
		for round := range 5 {
			for _, c := range crowds {
				if round < l.rounds(c.rounds[n], 1) {
					if err := l.measureCrowd(ctx, r, n, c); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func (l *lab) measureCrowd(ctx context.Context, r *Result, n int, c crowd) error {
	at := place{fmt.Sprint(n), float64(n)}
	before, err := busy()
	if err != nil {
		return err
	}
	deed, err := c.apply(ctx, n)
	if err != nil {
		return err
	}
	after, err := busy()
	if err != nil {
		return err
	}
	worked := float64((after - before).Milliseconds())
	r.add("wall", at, c.wall, "s", deed.ms/1000)
	if c.memory == "" {
		r.add("cpu", at, cpuOfFork, "ms", (worked-deed.cpu)/float64(n))
		r.add("cpu", at, "Terraform and the provider, by fork", "ms", deed.cpu/float64(n))
		r.add("use", at, cpuShare, "%", 100*worked/deed.ms/float64(runtime.NumCPU()))
		r.add("use", at, "the provider's memory", "MiB", deed.memory)
	} else {
		var all testbed.Memory
		for i := range n {
			process, err := testbed.FindProcess(l.host.DataDir, fmt.Sprintf("%s-%d", c.instances, i))
			if err != nil {
				return err
			}
			one, err := process.Memory()
			if err != nil {
				return err
			}
			all = all.Plus(one)
		}
		r.add("memory", at, c.memory, "MiB", float64(all.PSS>>20))
	}
	_, err = c.destroy(ctx, n)
	return err
}

// measureBare starts QEMU as a fork's process is, without the driver.
func (l *lab) measureBare(ctx context.Context, r *Result) error {
	fork, err := l.fork(ctx, "fork", goldenRef)
	if err != nil {
		return err
	}
	copied, err := l.layOut(fork, goldenRef.Name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied.dir)
	if err := l.remove(ctx, fork); err != nil {
		return err
	}
	for range l.rounds(15, 3) {
		begun := time.Now()
		q, err := copied.start(ctx, nil)
		if err != nil {
			return err
		}
		r.add("wall", place{"1", 1}, "a bare QEMU", "s", since(begun)/1000)
		r.add("cpu", place{"1", 1}, cpuBare, "ms", q.end())
	}
	return nil
}
