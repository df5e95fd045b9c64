package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Exit codes of terraform plan -detailed-exitcode.
const (
	noChanges = 0
	changes   = 2
)

// patience is how long an interrupted terraform may take to end what it has in
// hand and to save its state.
const patience = 45 * time.Second

// terraform is the program, with the directory and environment it runs in.
type terraform struct {
	program     string
	dir         string
	environment []string
	applied     bool // and not destroyed
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
	var failure bytes.Buffer
	cmd := exec.CommandContext(ctx, t.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.dir, t.environment, out, &failure
	// Terraform and its provider are a group of their own: a Ctrl-C at the
	// terminal reaches them once, through us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err := cmd.Run()
	if cmd.Process != nil && ctx.Err() != nil {
		// A terraform that had to be killed leaves its provider behind.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly there is none
	}
	if err != nil {
		err = fmt.Errorf("terraform %s: %w", args[0], err)
		if said := strings.TrimSpace(failure.String()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	return err
}
