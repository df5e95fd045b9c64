package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

const fanoutMemoryMiB = 512 // of each guest

// fanout is one tiny machine that boots from a kernel, and five forks, that
// answer HTTP.
type fanout struct {
	guests []guest // the base and then the forks, once they are there
}

func newFanout() scene {
	f := &fanout{}
	return scene{
		example: "examples/fanout",
		open:    f.open,
		acts:    []act{applyAll, f.compareTokens, f.compareMemory, planNothing, killOne, planDrift, heal, f.askVictim, planNothing, destroyAll},
		base:    "base",
		victim:  "web-c",
		booted:  "it answered HTTP",
		forked:  "it answered HTTP",
	}
}

func (f *fanout) open(ctx context.Context, out show, s *stage) ([]string, error) {
	out.note("building the guest, unless it is in the cache")
	guest, err := testhost.BuildGuest(ctx)
	if err != nil {
		return nil, err
	}
	if s.host, err = testhost.Start(ctx, testhost.Options{}); err != nil {
		return nil, err
	}
	out.row("guest", "Linux %s", guest.KernelVersion)
	return []string{
		"TF_VAR_kernel=" + guest.Kernel,
		"TF_VAR_initrd=" + guest.Initrd,
		"TF_VAR_disk=" + guest.Disk,
		"TF_VAR_command_line=" + testhost.CommandLine,
		"TF_VAR_memory_mib=" + strconv.Itoa(fanoutMemoryMiB),
	}, nil
}

func (f *fanout) compareTokens(ctx context.Context, out show, s *stage) (err error) {
	if f.guests, err = s.outputs.guests(); err != nil {
		return err
	}
	out.heading("Each fork has the base's memory, with the token that the base made up when it booted:")
	var tokens []string
	for _, g := range f.guests {
		token, err := g.Token(ctx)
		if err != nil {
			return fmt.Errorf("%s does not answer: %w", g.name, err)
		}
		out.row(g.name, "%s  %s", g.URL, token)
		tokens = append(tokens, token)
	}
	if different := slices.Compact(tokens); len(different) != 1 {
		return fmt.Errorf("the forks should have the base's token, but there are different ones")
	}
	return nil
}

func (f *fanout) compareMemory(_ context.Context, out show, s *stage) error {
	out.heading("The forks share memory:")
	var sum testbed.Memory
	forks := f.guests[1:]
	for _, g := range forks {
		process, err := testbed.FindProcess(s.host.DataDir, g.name)
		if err != nil {
			return err
		}
		m, err := process.Memory()
		if err != nil {
			return err
		}
		sum = sum.Plus(m)
	}
	n := len(forks)
	out.row("given", "%5d MiB  %d times %d MiB", n*fanoutMemoryMiB, n, fanoutMemoryMiB)
	out.row("RSS", "%5d MiB  what their %d QEMU processes have in memory", sum.RSS>>20, n)
	out.row("PSS", "%5d MiB  the same with shared pages divided among those that share them", sum.PSS>>20)
	return nil
}

func (f *fanout) askVictim(ctx context.Context, out show, s *stage) error {
	victim := f.guests[slices.IndexFunc(f.guests, func(g guest) bool { return g.name == s.victim })]
	token, err := victim.Token(ctx)
	if err != nil {
		return fmt.Errorf("%s does not answer after it was healed: %w", victim.name, err)
	}
	out.text(fmt.Sprintf("%s answers at %s, with a new token, for it booted: %s\n", victim.name, victim.URL, token))
	return nil
}
