// Command bench measures the provider on a throw-away host, beside what one would
// do without it, and writes docs/benchmarks.md. The results are kept in a file: a
// row can be measured again by itself, and the page be written without any.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

type options struct {
	rows, results, page, provider, random string
	quick, missing, render                bool
	patience                              float64
}

func main() {
	var o options
	flag.StringVar(&o.rows, "rows", "", "measure the rows whose names match this regular expression only; the others stay as they were")
	flag.BoolVar(&o.missing, "missing", false, "measure those only that have no result of this commit")
	flag.BoolVar(&o.render, "render", false, "measure nothing, write the page")
	flag.BoolVar(&o.quick, "quick", false, "print a sample that takes two minutes, unless rows are named, and write nothing")
	flag.StringVar(&o.results, "results", "docs/benchmarks/results.json", "where results are kept")
	flag.StringVar(&o.page, "page", "docs/benchmarks.md", "what is written")
	flag.StringVar(&o.provider, "provider", "bin/terraform-provider-kvm", "binary of the provider; built when it is missing")
	flag.StringVar(&o.random, "random", "", "binary of the random provider to compare with; one like it is built when there is none")
	flag.Float64Var(&o.patience, "patience", 1, "give each row so many times the time that it may take, on a machine that is slow or busy")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "\nbench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	chosen, err := regexp.Compile(o.rows)
	if err != nil {
		return fmt.Errorf("read which rows to measure: %w", err)
	}
	results := Results{}
	if !o.quick {
		if results, err = readResults(o.results); err != nil {
			return err
		}
	}
	if !o.render {
		if err := measure(ctx, o, chosen, results); err != nil {
			return err
		}
	}
	if o.quick {
		return writeTables(os.Stdout, results)
	}
	if err := writePage(ctx, o.page, results); err != nil {
		return err
	}
	return unmeasured(results)
}

// quickLimit is what the rows of a sample may take, without the preparations: one
// that would take longer is left out, one that does is cut short.
const quickLimit = 110 * time.Second

func measure(ctx context.Context, o options, chosen *regexp.Regexp, results Results) error {
	b, err := newBench(ctx, os.Stderr, o.provider, o.random)
	if err != nil {
		return err
	}
	b.quick, b.commit, b.patience = o.quick, commit(ctx), o.patience
	if o.quick && o.rows == "" {
		b.deadline = time.Now().Add(quickLimit)
	}
	done := 0
	for _, r := range rows() {
		old := results[r.name]
		switch {
		case !chosen.MatchString(r.name):
			continue
		case o.missing && old != nil && old.Commit == b.commit && len(old.Missing) == 0:
			continue
		case !b.deadline.IsZero() && (r.quick == 0 || time.Until(b.deadline) < r.quick):
			results[r.name] = &Result{Missing: []string{"left out of the sample, which is to take two minutes"}}
			continue
		}
		b.say("%s: %s", r.name, r.title)
		result := b.run(ctx, r)
		if ctx.Err() != nil {
			return context.Cause(ctx) // half a row is none
		}
		b.say("%s: %.0f s", r.name, result.Seconds)
		for _, missing := range result.Missing {
			b.say("%s: %s", r.name, missing)
		}
		results[r.name], done = result, done+1
		if !o.quick {
			if err := results.write(o.results); err != nil {
				return err
			}
		}
	}
	if done == 0 && !o.missing {
		return fmt.Errorf("no row is called so: %q", o.rows)
	}
	return nil
}

// unmeasured is an error that names what could not be measured.
func unmeasured(results Results) error {
	var errs []error
	for _, r := range rows() {
		if result := results[r.name]; result != nil {
			for _, missing := range result.Missing {
				errs = append(errs, fmt.Errorf("%s: %s", r.name, missing))
			}
		}
	}
	return errors.Join(errs...)
}
