package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// Series of the tables of the scale.
const (
	planForks  = "stopped forks"
	planRandom = "random_id"
	planData   = "terraform_data (built in)"
	applyEach  = "apply, ms per fork"
)

var goldenRef = host.Ref{Kind: host.Snapshots, Name: "golden"}

var scaleRow = row{
	name:  "scale",
	title: "Plan, apply and destroy of up to 1000 instances",
	about: "`terraform plan` with nothing to change, of so many stopped forks, of as many `random_id`, and of as many `terraform_data`, which needs no provider process, in turns; and the apply that makes the forks, and the destroy. Memory is the most that a provider process had in a plan.",
	tables: []table{
		{"plan", "Seconds that a plan takes", "instances"},
		{"ssh", "What a plan asks of the host", "instances"},
		{"provider", "The most memory of the provider's process in a plan, MiB", "instances"},
		{"apply", "Apply and destroy", "instances"},
	},
	figures: []figure{
		{"plan", "terraform plan with nothing to change", "plan", []string{planForks, planRandom, planData}, "instances", "s", true},
		{"apply", "Apply and destroy of stopped forks", "apply", []string{"apply", "destroy"}, "instances", "s", false},
	},
	targets: []target{
		{what: "plan of 1000 forks over 1000 random_id", unit: "×", limit: 1.5, value: quotient("plan", planForks, 1000, "plan", planRandom, 1000)},
		{what: "SSH connections of a plan of 1000", unit: "n", limit: 1, value: medianOf("ssh", "connections", 1000)},
		{what: "apply, per fork: 1000 at once over 100 at once (linear: 1)", unit: "×", limit: 1.2, value: growth("apply", applyEach, 1000, 100)},
		{what: "destroy, per fork: 1000 at once over 100 at once (linear: 1)", unit: "×", limit: 1.2, value: growth("apply", "destroy, ms per fork", 1000, 100)},
	},
	measure: inOneLab(measureScale), limit: 15 * time.Minute, quick: 20 * time.Second,
}

// A planned is what is planned, and in which column.
type planned struct {
	workspace
	series string
}

func measureScale(ctx context.Context, l *lab, r *Result) error {
	if err := l.goldenStopped(ctx); err != nil {
		return err
	}
	var all []planned
	for _, c := range []struct{ name, config, series string }{
		{"forks", stoppedConfig, planForks}, {"random", randomConfig, planRandom}, {"data", dataConfig, planData},
	} {
		w, err := l.workspace(c.name, c.config)
		if err != nil {
			return err
		}
		all = append(all, planned{w, c.series})
	}
	for _, n := range l.sizes([]int{10, 100, 300, 1000}, []int{10, 50}) {
		if err := l.measureScale(ctx, r, n, all); err != nil {
			return fmt.Errorf("%d instances: %w", n, err)
		}
	}
	return nil
}

// goldenStopped makes a snapshot without memory.
func (l *lab) goldenStopped(ctx context.Context) error {
	base, err := l.Create(ctx, spec("base", manyMiB))
	if err != nil {
		return err
	}
	if _, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: goldenRef.Name, Instance: base.Name}); err != nil {
		return err
	}
	return l.remove(ctx, base)
}

func (l *lab) measureScale(ctx context.Context, r *Result, n int, all []planned) error {
	at := place{fmt.Sprint(n), float64(n)}
	for _, p := range all {
		deed, err := p.apply(ctx, n)
		if err != nil {
			return err
		}
		if p.series == planForks {
			r.add("apply", at, "apply", "s", deed.ms/1000)
			r.add("apply", at, applyEach, "ms", deed.ms/float64(n))
		}
	}
	for range l.rounds(5, 2) {
		for _, p := range all {
			before, err := l.connections()
			if err != nil {
				return err
			}
			deed, err := p.plan(ctx, n)
			if err != nil {
				return err
			}
			r.add("plan", at, p.series, "s", deed.ms/1000)
			if p.series != planData {
				r.add("provider", at, p.series, "MiB", deed.memory)
			}
			if p.series == planForks {
				after, err := l.connections()
				if err != nil {
					return err
				}
				r.add("ssh", at, "connections", "n", float64(after-before))
			}
		}
	}
	for _, p := range all {
		deed, err := p.destroy(ctx, n)
		if err != nil {
			return err
		}
		if p.series == planForks {
			r.add("apply", at, "destroy", "s", deed.ms/1000)
			r.add("apply", at, "destroy, ms per fork", "ms", deed.ms/float64(n))
		}
	}
	return nil
}

// connections is how many the host's SSH server has had.
func (l *lab) connections() (int, error) {
	text, err := os.ReadFile(l.host.SSHDLog)
	return bytes.Count(text, []byte("Connection from")), err
}
