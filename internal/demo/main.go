// Command demo shows the provider at work on a throw-away host: one virtual
// machine, a snapshot of it, forks, a drift that is found and healed, and nothing
// left in the end. It exits with a message when anything is not as it should be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	provider := flag.String("provider", "bin/terraform-provider-kvm", "binary of the provider; built when it is missing")
	debian := flag.Int("debian", 0, "show this many forks of a Debian on a network, rather than five of a tiny guest")
	flag.Parse()
	plays := newFanout()
	if *debian > 0 {
		plays = newDebian(*debian)
	}

	// SIGPIPE too: without a reader of its output the demo still tidies up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx, show{os.Stdout}, *provider, plays); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}

// run sets the stage, plays, and clears the stage whatever happened.
func run(ctx context.Context, out show, provider string, plays scene) (err error) {
	begun := time.Now()
	s, err := setStage(ctx, out, provider, plays)
	if s != nil {
		defer func() {
			if err != nil {
				out.heading("Removing what was made")
			}
			err = errors.Join(err, s.clear(context.WithoutCancel(ctx)))
		}()
	}
	if err == nil {
		err = s.play(ctx, out)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // what failed for it is of no interest
	}
	if err == nil {
		out.heading("Done in %s", short(time.Since(begun)))
	}
	return err
}
