package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// gardeners are how many working directories a soak changes at the same time.
const gardeners = 3

// TestSoak_DoesNoHarm makes random changes to many instances at once, each with a
// random fault at a random moment, for as long as KVM_TEST_SOAK says, which is one
// round each if it says nothing. KVM_TEST_SEED has the same changes and faults
// chosen again; how the processes interleave is not in the test's hand.
func TestSoak_DoesNoHarm(t *testing.T) {
	t.Parallel()
	l := newFaultLab(t)
	seed := seedOf(t)
	last := 1 // round
	var end time.Time
	if text := os.Getenv("KVM_TEST_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		must(t, err)
		end, last = time.Now().Add(d), 1<<30
	}
	var rounds, struck atomic.Int32
	t.Run("all", func(t *testing.T) {
		for i := range uint64(gardeners) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				g := newGarden(fmt.Sprintf("s%d", i), rand.New(rand.NewPCG(seed, i)))
				ws := l.faultWorkspace(t, g.prefix)
				for round := 1; round <= last && (end.IsZero() || time.Now().Before(end)); round++ {
					if !t.Run(fmt.Sprint(round), func(t *testing.T) {
						if l.soak(t, ws, g) {
							struck.Add(1)
						}
					}) {
						return
					}
					rounds.Add(1)
				}
				g.clear()
				t.Run("destroy", func(t *testing.T) { l.soak(t, ws, g) })
			})
		}
	})
	publish(t, fmt.Sprintf("%d rounds of KVM_TEST_SEED=%d, in %d of which a fault came", rounds.Load(), seed, struck.Load()))
	if rounds.Load() < gardeners {
		t.Error("there were too few")
	}
}

// soak does one round in a garden, and reports whether its fault came.
func (l *lab) soak(t *testing.T, ws *workspace, g *garden) bool {
	t.Helper()
	what := g.change()
	kind, at, n, delay := g.fault()
	c := l.newTrial(t, ws, g.prefix, operation{name: what, target: g.config(), guests: g.warm(), process: true}, kind, at, n)
	c.delay, c.parallelism = delay, 1+g.IntN(10)
	o := &oracle{trial: c}
	o.remember()
	status, said := c.run()
	_, struck := c.seen()
	g.note(struck != "" && o.kind.dies)
	c.guests = g.warm()
	o.rightAfter(status)
	o.mended(struck)
	if len(g.instances)+len(g.snapshots) == 0 {
		o.gone()
	}
	if t.Failed() {
		t.Logf("%s, with %s %s step %d (%s), parallelism %d: status %d:\n%s", what, kind.name, at, n, struck, c.parallelism, status, said)
	}
	return struck != ""
}
