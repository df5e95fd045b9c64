package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A stage is where a demonstration plays: a host, and a directory for a copy of
// the example, with its state, and for Terraform's own configuration.
type stage struct {
	terraform
	scene
	host    *testhost.Host
	dir     string
	outputs outputs // of the last terraform apply
}

// setStage makes all that the scene needs. The stage is to be cleared even after
// an error, if there is one.
func setStage(ctx context.Context, out show, binary string, plays scene) (*stage, error) {
	if _, err := os.Stat(plays.example); err != nil {
		return nil, fmt.Errorf("find the example: %w: run this in the top directory of the source", err)
	}
	program, err := testhost.Terraform(ctx, out)
	if err != nil {
		return nil, err
	}
	binary, err = testbed.FindProvider(ctx, out, binary)
	if err != nil {
		return nil, err
	}
	s := &stage{scene: plays}
	if s.dir, err = os.MkdirTemp("", "kvm-demo-"); err != nil {
		return nil, fmt.Errorf("make a directory for the example: %w", err)
	}
	variables, err := s.open(ctx, out, s)
	if err != nil {
		return s, err
	}
	accelerator, err := testbed.ChooseAccelerator(ctx, s.host)
	if err != nil {
		return s, err
	}
	if err := s.copyExample(); err != nil {
		return s, err
	}
	s.Terraform, err = testbed.NewTerraform(program, s.dir, map[string]string{testbed.ProviderAddress: binary}, s.host, accelerator.Name)
	if err != nil {
		return s, err
	}
	s.Environment = append(s.Environment, variables...)
	out.row("Terraform", "%s", program)
	out.row("host", "%s@%s:%d, %s", s.host.User, s.host.Address, s.host.Port, describe(accelerator.Facts))
	out.row("accelerator", "%s", accelerator)
	return s, nil
}

// apply calls report with each resource as soon as it is done, and keeps the outputs.
func (s *stage) apply(ctx context.Context, report func(done), flags ...string) (err error) {
	s.outputs, err = s.terraform.apply(ctx, report, flags...)
	return err
}

// copyExample copies the example, so that its state is not beside it.
func (s *stage) copyExample() error {
	files, err := filepath.Glob(filepath.Join(s.example, "*.tf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("look for *.tf in %s: found %d, %v", s.example, len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the example: %w", err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, filepath.Base(file)), text, 0o600); err != nil {
			return fmt.Errorf("copy the example: %w", err)
		}
	}
	return nil
}

func describe(f *host.Facts) string {
	return fmt.Sprintf("QEMU %s, %d CPUs, %d MiB of memory", f.QEMUVersion, f.CPUs, f.MemoryTotalMiB)
}

// clear removes all that was made. What Terraform cannot destroy, the host ends
// and removes itself, process by process.
func (s *stage) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var failures []error
	if s.applied {
		// Without the refresh, which plans too and fails where apply failed for its plan.
		failures = append(failures, s.destroy(ctx, "-refresh=false"))
	}
	if s.host != nil {
		failures = append(failures, s.host.Close())
	}
	if s.close != nil {
		s.close()
	}
	return errors.Join(append(failures, os.RemoveAll(s.dir))...)
}
