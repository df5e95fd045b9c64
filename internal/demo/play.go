package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// play goes on to the next act as long as all is as it should be.
func (s *stage) play(ctx context.Context, out show) error {
	for _, act := range s.acts {
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
	err := s.apply(ctx, func(d done) {
		out.step(d.address, d.took(), s.remark(d))
		if strings.HasPrefix(d.address, "kvm_instance.") && strings.HasSuffix(d.address, "]") {
			forks = forks.with(d.span)
		}
	})
	if err != nil {
		return err
	}
	if forks != (span{}) {
		out.step("all forks, at once", forks.took(), "")
	}
	out.step("everything", time.Since(begun), "")
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
	process, err := testbed.FindProcess(s.host.DataDir, s.victim)
	if err != nil {
		return err
	}
	out.heading("$ kill -9 %d    # %s, behind Terraform's back", process.PID, s.victim)
	return process.Kill()
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
	return s.apply(ctx, func(d done) { out.step(d.address, d.took(), "booted from its own disk, until "+s.booted) })
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
