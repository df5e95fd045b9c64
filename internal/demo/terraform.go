package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// Exit codes of terraform plan -detailed-exitcode.
const (
	noChanges = 0
	changes   = 2
)

// terraform is the program on the example.
type terraform struct {
	testbed.Terraform
	applied bool // and not destroyed
}

// apply calls report with each resource as soon as it is done.
func (t *terraform) apply(ctx context.Context, report func(done), flags ...string) (outputs, error) {
	t.applied = true
	events := newEvents(report)
	err := t.run(ctx, events, append([]string{"apply", "-json", "-auto-approve", "-input=false"}, flags...)...)
	if problems := events.problems(); problems != "" {
		err = fmt.Errorf("%w:\n%s", err, problems)
	}
	return events.outputs, err
}

func (t *terraform) destroy(ctx context.Context, flags ...string) error {
	events := newEvents(func(done) {})
	err := t.run(ctx, events, append([]string{"destroy", "-json", "-auto-approve", "-input=false"}, flags...)...)
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, events.problems())
	}
	t.applied = false
	return nil
}

// plan returns what terraform plan says, which is to exit with want.
func (t *terraform) plan(ctx context.Context, want int) (string, error) {
	var text bytes.Buffer
	err := t.run(ctx, &text, "plan", "-detailed-exitcode", "-no-color", "-input=false")
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		return "", err
	}
	if got != want {
		return "", fmt.Errorf("terraform plan exits with %d, it should exit with %d:\n%s", got, want, text.String())
	}
	return text.String(), nil
}

func (t *terraform) run(ctx context.Context, out io.Writer, args ...string) error {
	_, err := t.Run(ctx, out, nil, args...)
	return err
}
