package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// A workspace is a directory with a configuration, in which Terraform runs.
type workspace struct {
	testbed.Terraform
}

// workspace makes one. The host is that of the lab.
func (l *lab) workspace(name, config string) (workspace, error) {
	dir := l.scratch("terraform-" + name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return workspace{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte("variable \"n\" {}\n"+config), 0o600); err != nil {
		return workspace{}, err
	}
	terraform, err := testbed.NewTerraform(l.terraform, dir, map[string]string{
		testbed.ProviderAddress: l.provider, randomAddress: l.random.binary,
	}, l.host, l.accelerator.Name)
	return workspace{terraform}, err
}

// A deed is what a command of Terraform's has cost.
type deed struct {
	ms     float64 // that it took
	cpu    float64 // of Terraform and its providers, ms
	memory float64 // the most that a provider had, MiB
}

func (w workspace) apply(ctx context.Context, n int) (deed, error) {
	return w.do(ctx, n, "apply", "-auto-approve")
}

func (w workspace) destroy(ctx context.Context, n int) (deed, error) {
	return w.do(ctx, n, "destroy", "-auto-approve")
}

// plan is one with nothing to change; anything else is an error.
func (w workspace) plan(ctx context.Context, n int) (deed, error) {
	return w.do(ctx, n, "plan", "-detailed-exitcode")
}

// do runs a command. That a plan has found changes (exit code 2) is an error, too.
func (w workspace) do(ctx context.Context, n int, command ...string) (deed, error) {
	var out bytes.Buffer
	peak := &peak{}
	args := append(command, "-no-color", "-input=false", fmt.Sprintf("-var=n=%d", n))
	begun := time.Now()
	state, err := w.Run(ctx, &out, peak.watch, args...)
	took := since(begun)
	memory := peak.end()
	if err != nil {
		return deed{}, fmt.Errorf("%w:\n%s", err, firstLines(errors.New(strings.TrimSpace(lastPart(out.String())))))
	}
	return deed{took, cpuTime(state), memory}, nil
}

// lastPart is the end of what a program has said.
func lastPart(text string) string { return text[max(0, len(text)-1500):] }

// firstLines is an error for a list: what a host said at length is left out.
func firstLines(err error) string {
	lines := strings.SplitN(strings.TrimSpace(err.Error()), "\n", 9)
	return strings.Join(lines[:min(len(lines), 8)], " ")
}
