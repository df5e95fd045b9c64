package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// A monitor is a QMP connection of the benchmark's own, beside the driver's, for
// what the driver does not do.
type monitor struct {
	*net.UnixConn
	lines *bufio.Scanner
}

// dialMonitor waits for QEMU to listen, and to greet.
func dialMonitor(ctx context.Context, socket string) (*monitor, error) {
	for {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
		if err == nil {
			m := &monitor{UnixConn: conn, lines: bufio.NewScanner(conn)}
			m.lines.Buffer(nil, 1<<20)
			if !m.lines.Scan() {
				conn.Close()
				return nil, fmt.Errorf("QEMU does not greet: %v", m.lines.Err())
			}
			_, err := m.do("qmp_capabilities", nil)
			return m, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to QEMU: %w; last %w", context.Cause(ctx), err)
		case <-time.After(time.Millisecond):
		}
	}
}

// do has QEMU do something, and returns what it says. An open file goes with it.
func (m *monitor) do(command string, arguments map[string]any, file ...*os.File) (json.RawMessage, error) {
	said := map[string]any{"execute": command}
	if arguments != nil {
		said["arguments"] = arguments
	}
	line, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	var rights []byte
	for _, f := range file {
		rights = syscall.UnixRights(int(f.Fd()))
	}
	if err := m.SetDeadline(time.Now().Add(answers)); err != nil {
		return nil, err
	}
	if _, _, err := m.WriteMsgUnix(append(line, '\n'), rights, nil); err != nil {
		return nil, fmt.Errorf("tell QEMU to %s: %w", command, err)
	}
	for m.lines.Scan() {
		var answer struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
			Event  string
		}
		if err := json.Unmarshal(m.lines.Bytes(), &answer); err != nil {
			return nil, fmt.Errorf("read what QEMU says to %s: %w", command, err)
		}
		switch {
		case answer.Event != "":
		case answer.Error != nil:
			return nil, fmt.Errorf("QEMU says to %s: %s", command, answer.Error.Desc)
		default:
			return answer.Return, nil
		}
	}
	return nil, fmt.Errorf("QEMU says nothing to %s: %v", command, m.lines.Err())
}

// migrated waits until a migration, in or out, is complete.
func (m *monitor) migrated(ctx context.Context) error {
	for {
		text, err := m.do("query-migrate", nil)
		if err != nil {
			return err
		}
		var migration struct{ Status string }
		if err := json.Unmarshal(text, &migration); err != nil {
			return err
		}
		switch {
		case migration.Status == "completed":
			return nil
		case strings.HasPrefix(migration.Status, "fail"):
			return fmt.Errorf("the migration failed: %s", text)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}
