package testhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// sshd is the server's program and, while it runs, its process.
type sshd struct {
	program string
	within  []string // the command that starts it in namespaces of its own
	under   []string // what starts it, if anything
	options []string // beside those of every start
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// RunSSHDUnder has the server started by another command from now on; see
// [Options].
func (h *Host) RunSSHDUnder(command []string) { h.sshd.under = command }

// StartSSHD starts the server again after StopSSHD, on the same port, and
// returns when it listens. A server that runs is left alone.
func (h *Host) StartSSHD(ctx context.Context) error {
	if h.sshd.running() {
		return nil
	}
	logged, err := os.ReadFile(h.SSHDLog)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read sshd's log: %w", err)
	}
	if err := h.sshd.start(append([]string{"-D", "-f", h.configFile(), "-E", h.SSHDLog}, h.sshd.options...)); err != nil {
		return err
	}
	if err := h.awaitListening(ctx, len(logged)); err != nil {
		h.StopSSHD()
		return err
	}
	return nil
}

// start starts the process such that it ends with this one, even if this one is
// killed. The kernel counts the thread that started it as its parent, so that
// thread is kept until the process has ended.
func (s *sshd) start(args []string) error {
	started := make(chan error)
	argv := slices.Concat(s.within, s.under, []string{s.program}, args)
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is always ended by a signal
		}
	}(s.cmd, s.ended)
	if err := <-started; err != nil {
		return fmt.Errorf("start sshd: %w", err)
	}
	return nil
}

// awaitListening reads the log, from an offset on, until sshd says that it
// listens. To connect and see would add a connection to those that tests count.
func (h *Host) awaitListening(ctx context.Context, offset int) error {
	for {
		ended := !h.sshd.running() // asked first: the log is complete then
		logged, err := os.ReadFile(h.SSHDLog)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read sshd's log: %w", err)
		}
		logged = logged[min(offset, len(logged)):]
		switch {
		case bytes.Contains(logged, []byte("Server listening on")):
			return nil
		case ended && bytes.Contains(logged, []byte("Address already in use")):
			return fmt.Errorf("start sshd on port %d: %w", h.Port, errPortTaken)
		case ended:
			return fmt.Errorf("start sshd: it ended: %s", bytes.TrimSpace(logged))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for sshd to listen: %w: %s", ctx.Err(), bytes.TrimSpace(logged))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *sshd) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}
