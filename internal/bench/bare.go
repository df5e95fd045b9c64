package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
)

// A bare is what a QEMU needs that is started without the driver, with the same
// arguments as an instance: a directory with copies of its files.
type bare struct {
	dir  string
	argv []string
}

// forwarded is a host port, which the instance itself has. Any will do.
var forwarded = regexp.MustCompile(`hostfwd=tcp:127\.0\.0\.1:\d+-`)

// layOut copies an instance that runs. Its memory and the state of its devices,
// which it no longer has, are those of a snapshot, if it has one.
func (l *lab) layOut(inst *host.Instance, snapshot string) (b bare, err error) {
	process, err := testbed.FindProcess(l.host.DataDir, inst.Name)
	if err != nil {
		return b, err
	}
	text, err := os.ReadFile(process.File("cmdline"))
	if err != nil {
		return b, err
	}
	b.dir, err = os.MkdirTemp(filepath.Dir(l.host.DataDir), "bare-")
	if err != nil {
		return b, err
	}
	for _, argument := range strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00") {
		b.argv = append(b.argv, forwarded.ReplaceAllString(argument, "hostfwd=tcp:127.0.0.1:0-"))
	}
	from := l.path("instances", inst.Name)
	errs := []error{
		os.Mkdir(filepath.Join(b.dir, "run"), 0o700),
		copyTree(filepath.Join(from, "disk"), filepath.Join(b.dir, "disk")),
		copyTree(filepath.Join(from, "boot"), filepath.Join(b.dir, "boot")),
	}
	for _, end := range []string{"in", "out"} {
		errs = append(errs, unix.Mkfifo(filepath.Join(b.dir, "run/control."+end), 0o600))
	}
	if snapshot != "" {
		checkpoint := l.path("snapshots", snapshot, "checkpoint")
		errs = append(errs, os.Mkdir(filepath.Join(b.dir, "checkpoint"), 0o700),
			os.Link(filepath.Join(checkpoint, "memory"), filepath.Join(b.dir, "checkpoint/memory")),
			copyTree(filepath.Join(checkpoint, "device-state"), filepath.Join(b.dir, "run/device-state")))
	}
	return b, errors.Join(errs...)
}

// copyTree copies all bytes, but for holes: not those that a filesystem could share.
func copyTree(from, to string) error {
	if said, err := exec.Command("cp", "-a", "--reflink=never", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, said)
	}
	return nil
}

// A running is a QEMU that was started without the driver. It ends with its context.
type running struct {
	cmd     *exec.Cmd
	monitor *monitor
}

// start starts the process and waits until it answers: its machine is complete
// then, and its guest paused.
func (b bare) start(ctx context.Context, files []*os.File, more ...string) (*running, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, b.argv[0], append(b.argv[1:len(b.argv):len(b.argv)], more...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles, cmd.WaitDelay = b.dir, &said, &said, files, time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	m, err := dialMonitor(waiting, filepath.Join(b.dir, "run/qmp.sock"))
	q := &running{cmd, m}
	if err != nil {
		q.end()
		return nil, fmt.Errorf("start QEMU: %w: %s", err, said.String())
	}
	return q, nil
}

// end ends the process, and returns the CPU time that it has used, in ms.
func (q *running) end() float64 {
	if q.monitor != nil {
		q.monitor.Close()
	}
	_ = q.cmd.Process.Kill() // it may have ended
	_ = q.cmd.Wait()         // says that it was killed
	return cpuTime(q.cmd.ProcessState)
}

// cpuTime is what a process has used that has ended, with those that it has waited
// for, in ms.
func cpuTime(s *os.ProcessState) float64 {
	return float64((s.UserTime() + s.SystemTime()).Microseconds()) / 1000
}
