package host

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-version"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// Facts are what a host is, and whether it is fit for its work.
type Facts struct {
	QEMUVersion        string
	MachineType        string // what "q35" stands for: "pc-q35-7.2"
	Accelerator        string // as configured
	AcceleratorWorks   bool   // a guest was run under it
	AcceleratorProblem string // why not, and what to do; "" if it works
	CPUs               int
	MemoryTotalMiB     int64
	MemoryAvailableMiB int64
	DataDir            string
	Filesystem         string // of DataDir: "ext4", …
	DataDirTotalBytes  int64
	DataDirFreeBytes   int64  // for an unprivileged user
	Kernel             string // its release
	Instances          int
	Running            int // instances that run
	Snapshots          int
	Images             int
}

// facts keeps what a host's QEMU is, for the driver's life.
type facts struct {
	mu      sync.Mutex
	program program
	models  map[string]bool // see models.go
}

// A program is a host's QEMU.
type program struct {
	machineType string // what "q35" stands for
	version     *version.Version
	firmware    *uefi // nil: it has none
	passt       bool  // the host has the command passt
}

// Facts probes a host: one round trip, and about a second for the guest that
// proves the accelerator. ErrUnfit says what is missing and what mends it.
func (h *Host) Facts(ctx context.Context) (*Facts, error) {
	values, err := h.probe(ctx, "yes")
	if err != nil {
		return nil, err
	}
	l, err := h.list(ctx)
	if err != nil {
		return nil, err
	}
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(values[key], 10, 64)
		return n
	}
	f := &Facts{
		QEMUVersion: values["version"], MachineType: values["machine"],
		Accelerator: h.Accelerator, AcceleratorWorks: values["works"] == "yes",
		CPUs: int(number("cpus")), Kernel: values["kernel"],
		MemoryTotalMiB: number("memory_total") >> 10, MemoryAvailableMiB: number("memory_available") >> 10,
		DataDir: h.DataDir, Filesystem: values["filesystem"],
		Instances: len(l.instances), Snapshots: len(l.snapshots), Images: len(l.images),
	}
	var blocks, free, size int64
	if n, _ := fmt.Sscan(values["space"], &blocks, &free, &size); n == 3 {
		f.DataDirTotalBytes, f.DataDirFreeBytes = blocks*size, free*size
	}
	for _, inst := range l.instances {
		if inst.State == lifecycle.Running {
			f.Running++
		}
	}
	if !f.AcceleratorWorks {
		f.AcceleratorProblem = acceleratorProblem(values)
	}
	return f, nil
}

func acceleratorProblem(values map[string]string) string {
	problem := values["problem"]
	if kvm := values["kvm"]; kvm != "" {
		problem += " (" + kvm + `). Add the login to the group kvm (usermod -aG kvm USER), enable virtualisation in the firmware,`
		return problem + ` or set accelerator = "tcg" for this host.`
	}
	return problem
}

// program is the host's QEMU, of whose machine type new instances are: one round
// trip for the driver's life.
func (h *Host) program(ctx context.Context) (program, error) {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	if h.facts.program.machineType == "" {
		values, err := h.probe(ctx, "no")
		if err != nil {
			return program{}, err
		}
		if values["machine"] == "" {
			return program{}, call{h, "probe", Ref{hosts, h.Name}}.fail(ErrUnfit, h.QEMUBinary+" does not have the machine q35", "")
		}
		h.facts.program = program{values["machine"], version.Must(version.NewVersion(values["version"])), parseUEFI(values["firmware"]), values["passt"] == "yes"}
	}
	return h.facts.program, nil
}

// oldestQEMU is the first that can save the state of devices by a job.
var oldestQEMU = version.Must(version.NewVersion("6.0"))

const testedQEMU = "7.2"

func (h *Host) probe(ctx context.Context, accelerator string) (map[string]string, error) {
	out, err := call{h, "probe", Ref{hosts, h.Name}}.read(ctx, factsScript, h.DataDir, h.QEMUBinary, h.Accelerator, cpuModel[h.Accelerator], accelerator, h.QEMUUser)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		values[key] = value
	}
	if v, err := version.NewVersion(values["version"]); err != nil || v.LessThan(oldestQEMU) {
		return nil, call{h, "probe", Ref{hosts, h.Name}}.fail(ErrUnfit,
			fmt.Sprintf("%s is of version %s; %s or later is needed, %s is what is tested", h.QEMUBinary, cmp.Or(values["version"], "unknown"), oldestQEMU, testedQEMU), "")
	}
	return values, nil
}
