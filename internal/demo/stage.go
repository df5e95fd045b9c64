package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
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
	binary, err = findProvider(ctx, out, binary)
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
	accelerator, err := chooseAccelerator(ctx, s.host)
	if err != nil {
		return s, err
	}
	if err := s.copyExample(binary); err != nil {
		return s, err
	}
	s.terraform = terraform{program: program, dir: s.dir, environment: append(append(cleanEnvironment(),
		"TF_CLI_CONFIG_FILE="+s.cliConfig(),
		"CHECKPOINT_DISABLE=1",
		"TMPDIR="+s.dir,
		"KVM_HOST_ADDRESS="+s.host.Address,
		"KVM_HOST_PORT="+strconv.Itoa(s.host.Port),
		"KVM_HOST_USER="+s.host.User,
		"KVM_HOST_PRIVATE_KEY_FILE="+s.host.PrivateKeyFile,
		"KVM_HOST_KEY="+s.host.HostKey,
		"KVM_HOST_DATA_DIR="+s.host.DataDir,
		"KVM_HOST_ACCELERATOR="+accelerator.name,
	), variables...)}
	out.row("Terraform", "%s", program)
	out.row("host", "%s@%s:%d, %s", s.host.User, s.host.Address, s.host.Port, accelerator.host)
	out.row("accelerator", "%s", accelerator)
	return s, nil
}

// apply calls report with each resource as soon as it is done, and keeps the outputs.
func (s *stage) apply(ctx context.Context, report func(done), flags ...string) (err error) {
	s.outputs, err = s.terraform.apply(ctx, report, flags...)
	return err
}

// findProvider returns the absolute path of the provider, which it builds if it
// is not there.
func findProvider(ctx context.Context, out show, binary string) (string, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return "", fmt.Errorf("find the provider: %w", err)
	}
	if name := filepath.Base(binary); !strings.HasPrefix(name, "terraform-provider-kvm") {
		return "", fmt.Errorf("the provider is called %s: Terraform finds only terraform-provider-kvm", name)
	}
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	out.note("building the provider")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w: %s", err, text)
	}
	return binary, nil
}

func (s *stage) cliConfig() string { return filepath.Join(s.dir, "terraformrc") }

// copyExample copies the example, so that its state is not beside it, and has
// Terraform take the provider from where it was built.
func (s *stage) copyExample(binary string) error {
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
	config := fmt.Sprintf("provider_installation {\n  dev_overrides { %q = %q }\n  direct {}\n}\n", provider.Address, filepath.Dir(binary))
	if err := os.WriteFile(s.cliConfig(), []byte(config), 0o600); err != nil {
		return fmt.Errorf("write Terraform's configuration: %w", err)
	}
	return nil
}

// cleanEnvironment is the environment without what would change what Terraform
// or the provider do.
func cleanEnvironment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "TF_") && !strings.HasPrefix(entry, "KVM_") {
			kept = append(kept, entry)
		}
	}
	return kept
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
