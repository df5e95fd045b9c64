package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// stopAndCopy is how one saves a guest without this provider: it is stopped, all
// its memory and devices are streamed into a file (`migrate` in QEMU, "save" in
// libvirt), and it goes on. The file, which the caller syncs, closes and removes, is
// opened here, for QEMU's sandbox lets it start nothing.
func (l *lab) stopAndCopy(ctx context.Context, inst *host.Instance) (*os.File, error) {
	m, err := dialMonitor(ctx, l.path("instances", inst.Name, "run/qmp.sock"))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	file, err := os.OpenFile(l.scratch("stream"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = m.do("stop", nil)
	if err == nil {
		err = m.streamInto(ctx, file)
		_, failed := m.do("cont", nil)
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stream %s into a file: %w", inst.Name, err), file.Close(), os.Remove(file.Name()))
	}
	return file, nil
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
