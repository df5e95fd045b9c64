package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// stopAndCopy is how one saves a guest without this provider: it is stopped, and
// all its memory and devices are streamed into a file (`migrate` in QEMU, "save" in
// libvirt). It goes on afterwards. Between is called when the stream is complete,
// while the guest still stands still. The file is QEMU's own, for its sandbox lets
// it start nothing.
func (l *lab) stopAndCopy(ctx context.Context, inst *host.Instance, path string, between func(*os.File) error) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := dialMonitor(ctx, l.path("instances", inst.Name, "run/qmp.sock"))
	if err != nil {
		return err
	}
	defer m.Close()
	if _, err := m.do("stop", nil); err != nil {
		return err
	}
	defer func() {
		if _, failed := m.do("cont", nil); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	if err := m.streamInto(ctx, file); err != nil {
		return fmt.Errorf("stream %s into a file: %w", inst.Name, err)
	}
	return between(file)
}

func (m *monitor) streamInto(ctx context.Context, file *os.File) error {
	var off []map[string]any // what a live snapshot has switched on
	for _, name := range []string{"pause-before-switchover", "auto-converge", "x-ignore-shared"} {
		off = append(off, map[string]any{"capability": name, "state": false})
	}
	if _, err := m.do("migrate-set-capabilities", map[string]any{"capabilities": off}); err != nil {
		return err
	}
	if _, err := m.do("migrate-set-parameters", map[string]any{"max-bandwidth": int64(1) << 40}); err != nil {
		return err
	}
	if _, err := m.do("getfd", map[string]any{"fdname": "stream"}, file); err != nil {
		return err
	}
	if _, err := m.do("migrate", map[string]any{"uri": "fd:stream"}); err != nil {
		return err
	}
	return m.migrated(ctx)
}

// load starts a QEMU that loads such a file, and has its guest run.
func (b bare) load(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	q, err := b.start(ctx, []*os.File{file}, "-incoming", "fd:3")
	if err != nil {
		return err
	}
	defer q.end()
	if err := q.monitor.migrated(ctx); err != nil {
		return err
	}
	_, err = q.monitor.do("cont", nil)
	return err
}
