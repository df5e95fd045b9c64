package acceptance_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testguest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// sampled is how many cells of the matrix a run of all tests does.
const sampled = 8

// TestFaults_DoNoHarmAtAnyStep has each fault come before, during and after each
// step of each operation. What follows is what a user does: apply, plan, destroy.
//
// KVM_TEST_FAULTS=all does all of them, or those whose names, OPERATION/FAULT/WHEN,
// the regular expression matches that it is; else it is a sample, which
// KVM_TEST_SEED repeats. They come in random order, and none begins later than
// KVM_TEST_FAULTTIME, if that is set: what was done then is a sample of all.
func TestFaults_DoNoHarmAtAnyStep(t *testing.T) {
	t.Parallel()
	l := newFaultLab(t)
	only, seed := os.Getenv("KVM_TEST_FAULTS"), seedOf(t)
	chosen, err := regexp.Compile(only)
	must(t, err)
	random := rand.New(rand.NewPCG(seed, 0))
	tally := &tally{counts: map[[2]string]int{}}
	t.Cleanup(func() { tally.log(t) })
	var end time.Time
	if text := os.Getenv("KVM_TEST_FAULTTIME"); text != "" {
		d, err := time.ParseDuration(text)
		must(t, err)
		end = time.Now().Add(d)
	}

	type moment struct {
		operation
		fault
		at string
	}
	var moments []moment
	for _, o := range l.operations(t) {
		if o.lacks != "" {
			t.Run(o.name, func(t *testing.T) { t.Skip(o.lacks) })
			continue
		}
		for _, f := range faults {
			if f.fits != nil && !f.fits(o) {
				continue
			}
			for _, at := range f.at {
				if m := (moment{o, f, at}); only == "all" || chosen.MatchString(strings.Join([]string{o.name, f.name, at}, "/")) {
					moments = append(moments, m)
				}
			}
		}
	}
	if only == "" {
		random.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
		moments = moments[:sampled]
	}
	var usual map[string][]step
	if only != "" {
		var concerned []operation
		for _, m := range moments {
			if !slices.ContainsFunc(concerned, func(o operation) bool { return o.name == m.operation.name }) {
				concerned = append(concerned, m.operation)
			}
		}
		usual = l.dryRuns(t, concerned)
	}
	type cell struct {
		moment
		n int
	}
	var cells []cell
	for _, m := range moments {
		if only == "" { // none has fewer steps than three, and few have more than six
			cells = append(cells, cell{m, 1 + random.IntN(6)})
			continue
		}
		for n := range usual[m.operation.name] {
			cells = append(cells, cell{m, n + 1})
		}
	}
	random.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	for i, m := range cells {
		prefix, delay := fmt.Sprintf("f%04d", i+1), random.Float64()
		name := fmt.Sprintf("%s/%s/%s/%d", m.operation.name, m.fault.name, m.at, m.n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !end.IsZero() && time.Now().After(end) {
				tally.leave()
				return
			}
			t.Cleanup(func() {
				if t.Failed() {
					tally.blame(name)
				}
			})
			c := l.newTrial(t, l.faultWorkspace(t, prefix), prefix, m.operation, m.fault, m.at, m.n)
			c.expected, c.delay = usual[m.operation.name], delay
			tally.add(m.operation.name, m.fault.name, c.check())
		})
	}
}

// newFaultLab is a host with golden, of which nothing may change.
func newFaultLab(t *testing.T) *lab {
	t.Helper()
	var opts testhost.Options
	link, err := testhost.OpenLink(testhost.LinkOptions{})
	if !errors.Is(err, testhost.ErrNoLink) { // else nothing is done to networks
		must(t, err)
		t.Cleanup(link.Close)
		opts.Link = link
	}
	l, err := seed(t.Context(), opts)
	must(t, err)
	l.others = namedNetworks()
	frozen := l.frozen(t, "golden")
	t.Cleanup(func() {
		if now := l.frozen(t, "golden"); !maps.Equal(now, frozen) || len(now) == 0 {
			t.Errorf("golden was %v and is %v", frozen, now)
		}
		for _, name := range []string{"snapshots/" + wired, "snapshots/" + testguest.Debian} {
			if err := l.remove(context.Background(), name); err != nil {
				t.Error(err)
			}
		}
		if err := l.clean(); err != nil {
			t.Error(err)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// faultWorkspace is one whose objects have names with a prefix, and of which
// nothing is left even when a test of it fails.
func (l *lab) faultWorkspace(t *testing.T, prefix string) *workspace {
	t.Helper()
	w := bareWorkspace(t, "")
	t.Cleanup(func() {
		if t.Failed() { // else it has destroyed what it made
			l.sweep(t, prefix)
		}
	})
	return w
}

// frozen are the sums of files that are never written again: those of snapshots,
// checkpoints, and whatever else has several links.
func (l *lab) frozen(t *testing.T, prefix string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, pattern := range []string{"snapshots/" + prefix + "*/*/*", "instances/" + prefix + "*/checkpoint/*", "instances/" + prefix + "*/disk/*"} {
		paths, _ := filepath.Glob(l.path(pattern)) // the pattern is well-formed
		for _, path := range paths {
			info, err := os.Stat(path)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			must(t, err)
			stat := info.Sys().(*syscall.Stat_t)
			if filepath.Base(filepath.Dir(path)) == "disk" && (stat.Nlink == 1 || l.isTop(filepath.Base(path))) {
				continue
			}
			sums[fmt.Sprintf("%s, inode %d", path, stat.Ino)] = sumOf(t, path) // another file may come into its place
		}
	}
	return sums
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	must(t, err)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// dryRuns does operations without a fault, once each, and returns their steps by
// name. One that does harm so has none.
func (l *lab) dryRuns(t *testing.T, operations []operation) map[string][]step {
	t.Helper()
	var mu sync.Mutex
	known := map[string][]step{}
	t.Run("no fault", func(t *testing.T) {
		for i, o := range operations {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				prefix := fmt.Sprintf("d%04d", i)
				c := l.newTrial(t, l.faultWorkspace(t, prefix), prefix, o, fault{}, "", 0)
				if c.check(); t.Failed() {
					t.Fatal("it does harm without a fault")
				}
				mu.Lock()
				defer mu.Unlock()
				known[o.name], _ = c.seen()
			})
		}
	})
	return known
}

// seedOf is the seed of a test's choices, and says how to make them again.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("KVM_TEST_SEED"); text != "" {
		_, err := fmt.Sscan(text, &seed)
		must(t, err)
	}
	t.Logf("KVM_TEST_SEED=%d chooses the same again", seed)
	return seed
}

// A tally counts cells by operation and fault.
type tally struct {
	mu                 sync.Mutex
	counts             map[[2]string]int
	cells, unmet, left int
	violations         []string // names of cells
}

// leave counts a cell for which there was no time.
func (c *tally) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left++
}

// blame counts a violation of the oracle.
func (c *tally) blame(cell string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violations = append(c.violations, cell)
}

func (c *tally) add(operation, fault string, came bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !came {
		c.unmet++
		return
	}
	c.cells++
	c.counts[[2]string{operation, fault}]++
}

// log prints a table, an operation a row.
func (c *tally) log(t *testing.T) {
	var names []string
	for key := range c.counts {
		if !slices.Contains(names, key[0]) {
			names = append(names, key[0])
		}
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%d cells, and %d whose fault did not come; %d were left for lack of time\n", c.cells, c.unmet, c.left)
	fmt.Fprintf(&b, "%d violations\n", len(c.violations))
	for _, cell := range c.violations {
		fmt.Fprintf(&b, "  %s\n", cell)
	}
	fmt.Fprintf(&b, "%-32s", "")
	for _, f := range faults {
		fmt.Fprintf(&b, " | %s", f.name)
	}
	for _, name := range names {
		fmt.Fprintf(&b, "\n%-32s", name)
		for _, f := range faults {
			fmt.Fprintf(&b, " | %*d", len(f.name), c.counts[[2]string{name, f.name}])
		}
	}
	publish(t, b.String())
}

// publish logs what a long test has done, and writes it to the file
// KVM_TEST_TABLE: go test is silent when all is well.
func publish(t *testing.T, text string) {
	t.Log(text)
	if file := os.Getenv("KVM_TEST_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
}
