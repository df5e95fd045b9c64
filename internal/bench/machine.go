package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Machine is what was measured on, and with.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryMiB   int    `json:"memory_mib"`
	Kernel      string `json:"kernel"`
	Filesystem  string `json:"filesystem"` // of the data directory
	QEMU        string `json:"qemu"`
	Accelerator string `json:"accelerator"`
	Terraform   string `json:"terraform"`
	Go          string `json:"go"`
	Random      string `json:"random"` // the provider that plans are compared with
}

func describeMachine(ctx context.Context, b *bench, dataDir string) (Machine, error) {
	facts := b.accelerator.Facts
	m := Machine{
		CPU: processor(), Cores: facts.CPUs, MemoryMiB: int(facts.MemoryTotalMiB), QEMU: facts.QEMUVersion,
		Accelerator: b.accelerator.String(), Go: runtime.Version(), Random: b.random.about,
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return m, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	m.Kernel = unix.ByteSliceToString(name.Release[:])
	said, err := exec.CommandContext(ctx, "stat", "-f", "-c", "%T", dataDir).Output()
	if err != nil {
		return m, fmt.Errorf("ask what filesystem it is: %w", err)
	}
	m.Filesystem = strings.TrimSpace(string(said))
	said, err = exec.CommandContext(ctx, b.terraform, "version", "-json").Output()
	var version struct {
		Terraform string `json:"terraform_version"`
	}
	if err == nil {
		err = json.Unmarshal(said, &version)
	}
	if err != nil {
		return m, fmt.Errorf("ask for Terraform's version: %w", err)
	}
	m.Terraform = version.Terraform
	return m, nil
}

// processor is the name of the first; see proc(5).
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // a machine without says nothing
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// commit is that of the source, with a + where it was changed since.
func commit(ctx context.Context) string {
	said, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(said))
	// What the run itself writes does not count.
	if exec.CommandContext(ctx, "git", "diff", "--quiet", "HEAD", "--", ".", ":!docs", ":!README.md").Run() != nil {
		name += "+"
	}
	return name
}

// memoryLeft is how much memory is available, in MiB.
func memoryLeft() int {
	text, _ := os.ReadFile("/proc/meminfo") // none is seen without
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib >> 10
		}
	}
	return 0
}

// diskLeft is how much space a directory's filesystem has, in MiB.
func diskLeft(dir string) int {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return 0
	}
	return int(int64(stat.Bavail) * stat.Bsize >> 20)
}
