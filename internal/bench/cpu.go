package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ticks is what a second has in /proc (USER_HZ of proc(5), on every architecture).
const ticks = 100

// busy is for how long all processors together have worked since the machine was
// started: whatever was started, and ended, meanwhile is in it. Time that a
// hypervisor has stolen is not.
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("ask what the processors did: %w", err)
	}
	return parseBusy(string(text))
}

func parseBusy(text string) (time.Duration, error) {
	first, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", first)
	}
	total := 0
	for i, field := range fields[1:8] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat begins with %q", first)
		}
		if i != 3 && i != 4 {
			total += n
		}
	}
	return time.Duration(total) * time.Second / ticks, nil
}

// disturbance is how much of the processors others take: what they work within a
// second in which this program does nothing, in per cent.
func disturbance(ctx context.Context) (float64, error) {
	const while = time.Second
	before, err := busy()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(while):
	}
	after, err := busy()
	return 100 * (after - before).Seconds() / while.Seconds() / float64(runtime.NumCPU()), err
}

// noteDisturbance says on the page when others were at work.
func noteDisturbance(ctx context.Context, r *Result) error {
	const quiet = 5 // per cent
	others, err := disturbance(ctx)
	if err == nil && others > quiet {
		r.note("Others were using the machine: %.0f %% of all processors before a measurement. Times and CPU time include that.", others)
	}
	return err
}
