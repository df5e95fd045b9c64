package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Process is the QEMU process of an instance.
type Process struct {
	PID      int
	instance string
}

// RunFile is a file in run/ of an instance.
func RunFile(dataDir, instance, name string) string {
	return filepath.Join(dataDir, "instances", instance, "run", name)
}

// FindProcess finds the process of an instance. A pid alone proves nothing: its
// command line must be that of the instance.
func FindProcess(dataDir, instance string) (Process, error) {
	text, err := os.ReadFile(RunFile(dataDir, instance, "control.pid"))
	if err != nil {
		return Process{}, fmt.Errorf("find the process of %s: %w", instance, err)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return Process{}, fmt.Errorf("find the process of %s: %w", instance, err)
	}
	p := Process{pid, instance}
	if !p.alive() {
		return Process{}, fmt.Errorf("find the process of %s: process %d is another one", instance, pid)
	}
	return p, nil
}

// alive says whether it is there; a zombie, which has no command line, is not.
func (p Process) alive() bool {
	command, err := os.ReadFile(p.File("cmdline"))
	return err == nil && strings.Contains(string(command), "\x00guest="+p.instance+"\x00")
}

// Kill ends the process and waits for its end.
func (p Process) Kill() error {
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill process %d of %s: %w", p.PID, p.instance, err)
	}
	for end := time.Now().Add(5 * time.Second); p.alive(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("process %d of %s does not end", p.PID, p.instance)
		}
	}
	return nil
}

// Memory is what processes have in memory, in bytes.
type Memory struct {
	RSS int64 // every page counts in full
	PSS int64 // a page that n processes share counts as an n-th
}

// Plus is the memory of both.
func (m Memory) Plus(n Memory) Memory { return Memory{m.RSS + n.RSS, m.PSS + n.PSS} }

// Memory is what the process has in memory.
func (p Process) Memory() (Memory, error) {
	text, err := os.ReadFile(p.File("smaps_rollup"))
	if err != nil {
		return Memory{}, fmt.Errorf("measure the memory of %s: %w", p.instance, err)
	}
	return parseMemory(string(text))
}

// parseMemory reads a smaps_rollup file (proc(5)).
func parseMemory(text string) (Memory, error) {
	var m Memory
	for line := range strings.Lines(text) {
		fields := strings.Fields(line) // Rss: 1234 kB
		if len(fields) != 3 {
			continue
		}
		kib, _ := strconv.ParseInt(fields[1], 10, 64) // other lines do not matter
		switch fields[0] {
		case "Rss:":
			m.RSS = kib << 10
		case "Pss:":
			m.PSS = kib << 10
		}
	}
	if m.RSS == 0 || m.PSS == 0 {
		return m, errors.New("a smaps_rollup file without Rss and Pss")
	}
	return m, nil
}

// File is a file of the process below /proc.
func (p Process) File(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.PID), name)
}
