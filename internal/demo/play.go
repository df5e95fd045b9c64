package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// victim is the fork that is killed.
const victim = "web-c"

// play is the demonstration, act by act.
func play(ctx context.Context, out show, s *stage) error {
	for _, act := range []func(context.Context, show, *stage) error{
		applyAll, compareTokens, compareMemory, planNothing, killOne, planDrift, heal, planNothing, destroyAll,
	} {
		if err := act(ctx, out, s); err != nil {
			return err
		}
	}
	return nil
}

func applyAll(ctx context.Context, out show, s *stage) error {
	out.heading("$ terraform apply")
	begun := time.Now()
	var forks span
	outputs, err := s.apply(ctx, func(d done) {
		out.step(d.address, d.took(), s.remark(d))
		if strings.HasPrefix(d.address, "kvm_instance.web[") {
			forks = forks.with(d.span)
		}
	})
	if err != nil {
		return err
	}
	out.step("all forks, at once", forks.took(), "")
	out.step("everything", time.Since(begun), "")
	s.guests, err = outputs.guests()
	return err
}

func compareTokens(ctx context.Context, out show, s *stage) error {
	out.heading("Each fork has the base's memory, with the token that the base made up when it booted:")
	var tokens []string
	for _, g := range s.guests {
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

func compareMemory(_ context.Context, out show, s *stage) error {
	out.heading("The forks share memory:")
	var sum memory
	for _, g := range s.forks() {
		process, err := s.process(g.name)
		if err != nil {
			return err
		}
		m, err := process.memory()
		if err != nil {
			return err
		}
		sum = sum.plus(m)
	}
	n := len(s.forks())
	out.row("given", "%5d MiB  %d times %d MiB", n*memoryMiB, n, memoryMiB)
	out.row("RSS", "%5d MiB  what their %d QEMU processes have in memory", sum.rss>>20, n)
	out.row("PSS", "%5d MiB  the same with shared pages divided among those that share them", sum.pss>>20)
	return nil
}

func planNothing(ctx context.Context, out show, s *stage) error {
	out.heading("$ terraform plan -detailed-exitcode")
	text, err := s.plan(ctx, noChanges)
	if err != nil {
		return err
	}
	out.row(fmt.Sprint("exit code ", noChanges), "%s", firstWith(text, "No changes"))
	return nil
}

func killOne(_ context.Context, out show, s *stage) error {
	process, err := s.process(victim)
	if err != nil {
		return err
	}
	out.heading("$ kill -9 %d    # %s, behind Terraform's back", process.pid, victim)
	return process.kill()
}

func planDrift(ctx context.Context, out show, s *stage) error {
	out.heading("$ terraform plan -detailed-exitcode")
	text, err := s.plan(ctx, changes)
	if err != nil {
		return err
	}
	out.row(fmt.Sprint("exit code ", changes), "%s", firstWith(text, "Plan: "))
	out.text(actions(text))
	return nil
}

func heal(ctx context.Context, out show, s *stage) error {
	out.heading("$ terraform apply")
	if _, err := s.apply(ctx, func(d done) { out.step(d.address, d.took(), "booted from its own disk, until it answered HTTP") }); err != nil {
		return err
	}
	for _, g := range s.guests {
		if g.name != victim {
			continue
		}
		token, err := g.Token(ctx)
		if err != nil {
			return fmt.Errorf("%s does not answer after it was healed: %w", g.name, err)
		}
		out.text(fmt.Sprintf("%s answers at %s, with a new token, for it booted: %s\n", g.name, g.URL, token))
	}
	return nil
}

func destroyAll(ctx context.Context, out show, s *stage) error {
	out.heading("$ terraform destroy")
	begun := time.Now()
	if err := s.destroy(ctx); err != nil {
		return err
	}
	out.step("everything", time.Since(begun), "")
	if err := s.host.Close(); err != nil {
		return err
	}
	out.text("Nothing is left on the host: no process, no port, no file.\n")
	return nil
}
