package main

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

// process is the QEMU process of an instance.
type process struct {
	pid      int
	instance string
}

// process finds the process of an instance. A pid alone proves nothing: its
// command line must be that of the instance.
func (s *stage) process(instance string) (process, error) {
	text, err := os.ReadFile(s.runFile(instance, "control.pid"))
	if err != nil {
		return process{}, fmt.Errorf("find the process of %s: %w", instance, err)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return process{}, fmt.Errorf("find the process of %s: %w", instance, err)
	}
	p := process{pid, instance}
	if !p.alive() {
		return process{}, fmt.Errorf("find the process of %s: process %d is another one", instance, pid)
	}
	return p, nil
}

// alive says whether it is there; a zombie, which has no command line, is not.
func (p process) alive() bool {
	command, err := os.ReadFile(p.file("cmdline"))
	return err == nil && strings.Contains(string(command), "\x00guest="+p.instance+"\x00")
}

// kill ends the process and waits for its end.
func (p process) kill() error {
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill process %d of %s: %w", p.pid, p.instance, err)
	}
	for end := time.Now().Add(5 * time.Second); p.alive(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("process %d of %s does not end", p.pid, p.instance)
		}
	}
	return nil
}

// memory is what a process has in memory, in bytes.
type memory struct {
	rss int64 // every page counts in full
	pss int64 // a page that n processes share counts as an n-th
}

func (m memory) plus(n memory) memory { return memory{m.rss + n.rss, m.pss + n.pss} }

func (p process) memory() (memory, error) {
	text, err := os.ReadFile(p.file("smaps_rollup"))
	if err != nil {
		return memory{}, fmt.Errorf("measure the memory of %s: %w", p.instance, err)
	}
	return parseMemory(string(text))
}

// parseMemory reads a smaps_rollup file (proc(5)).
func parseMemory(text string) (memory, error) {
	var m memory
	for line := range strings.Lines(text) {
		fields := strings.Fields(line) // Rss: 1234 kB
		if len(fields) != 3 {
			continue
		}
		kib, _ := strconv.ParseInt(fields[1], 10, 64) // other lines do not matter
		switch fields[0] {
		case "Rss:":
			m.rss = kib << 10
		case "Pss:":
			m.pss = kib << 10
		}
	}
	if m.rss == 0 || m.pss == 0 {
		return m, errors.New("a smaps_rollup file without Rss and Pss")
	}
	return m, nil
}

func (p process) file(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.pid), name)
}
