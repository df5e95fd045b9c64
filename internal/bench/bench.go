package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A bench is what the rows of one run share.
type bench struct {
	quick       bool // a sample
	patience    float64
	deadline    time.Time // of all rows together; zero: none
	progress    io.Writer
	guest       testhost.Guest
	terraform   string // programs
	provider    string
	random      randomProvider
	accelerator testbed.Accelerator
	machine     Machine
	commit      string
}

// newBench finds out what there is to measure with.
func newBench(ctx context.Context, progress io.Writer, binary, random string) (*bench, error) {
	b := &bench{progress: progress}
	var err error
	if b.terraform, err = testhost.Terraform(ctx, progress); err != nil {
		return nil, err
	}
	if b.provider, err = testbed.FindProvider(ctx, progress, binary); err != nil {
		return nil, err
	}
	if b.random, err = findRandom(ctx, random); err != nil {
		return nil, err
	}
	if b.guest, err = testhost.BuildGuest(ctx); err != nil {
		return nil, err
	}
	th, err := testhost.Start(ctx, testhost.Options{})
	if err != nil {
		return nil, err
	}
	b.accelerator, err = testbed.ChooseAccelerator(ctx, th)
	if err == nil {
		b.machine, err = describeMachine(ctx, b, th.DataDir)
	}
	return b, errors.Join(err, th.Close())
}

// run measures a row. What was measured before it failed counts.
func (b *bench) run(ctx context.Context, r row) *Result {
	limit := time.Duration(float64(r.limit) * b.patience)
	if !b.deadline.IsZero() {
		limit = min(limit, time.Until(b.deadline))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it takes longer than %s", limit.Round(time.Second)))
	defer cancel()
	result := &Result{Machine: b.machine, Commit: b.commit, Begun: time.Now().UTC().Truncate(time.Second)}
	begun := time.Now()
	if err := r.measure(ctx, b, result); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		result.miss("What is not in the tables: %s", firstLines(err))
	}
	result.Seconds = time.Since(begun).Seconds()
	return result
}

// rounds is how often something is measured: once in a sample of two minutes, but
// for what is quick.
func (b *bench) rounds(full, sample int) int {
	if b.quick {
		return sample
	}
	return full
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }
