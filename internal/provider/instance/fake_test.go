package instance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A fakeHost keeps instances in memory. It does as the driver's contract says,
// and fails where a test wants it to.
type fakeHost struct {
	mu        sync.Mutex
	instances map[string]*host.Instance
	snapshots []*host.Snapshot
	calls     []string                     // what was done, in order, without reads
	fail      map[string]func() error      // by call; what it returns is the call's error
	lose      map[string]func() error      // by call that makes something; what it returns comes with what was made
	before    map[string]func(h *fakeHost) // by call; what somebody else does just before
	kept      []string                     // names and uids
	seeds     map[string][]byte            // by instance
	made      int
}

var errBroken = errors.New("broken")

func newFakeHost() *fakeHost {
	return &fakeHost{instances: map[string]*host.Instance{}, seeds: map[string][]byte{}, fail: map[string]func() error{}, lose: map[string]func() error{}, before: map[string]func(*fakeHost){}}
}

func always(err error) func() error { return func() error { return err } }

func once(err error) func() error {
	return func() error {
		now := err
		err = nil
		return now
	}
}

// begin notes a call; the caller holds the lock.
func (h *fakeHost) begin(ctx context.Context, call string) error {
	h.calls = append(h.calls, call)
	if before := h.before[call]; before != nil {
		before(h)
	}
	if fail := h.fail[call]; fail != nil {
		if err := fail(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (h *fakeHost) done() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

func (h *fakeHost) add(name string, record host.Record, state lifecycle.State) *host.Instance {
	h.made++
	record.Name, record.UID, record.CreatedAt = name, fmt.Sprintf("uid-%d", h.made), time.Unix(1700000000, 0)
	inst := &host.Instance{Record: record, State: state}
	h.instances[name] = inst
	return clone(inst)
}

// clone is what a driver returns: the caller may change it.
func clone(inst *host.Instance) *host.Instance {
	copied := *inst
	return &copied
}

func (h *fakeHost) Create(ctx context.Context, spec host.InstanceSpec) (*host.Instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, "create"); err != nil {
		return nil, err
	}
	if h.instances[spec.Name] != nil {
		return nil, host.ErrExists
	}
	record := host.Record{Labels: spec.Labels, DeletionProtection: spec.DeletionProtection, Settings: spec.Settings, DiskGiB: spec.DiskGiB,
		Machine: qemu.Machine{Type: "pc-q35-7.2", VCPUs: spec.VCPUs, MemoryMiB: spec.MemoryMiB}}
	if spec.Image != "" {
		record.Image = host.Ref{Kind: host.Images, Name: spec.Image}
		record.Machine.Disk = &qemu.Disk{SizeBytes: int64(max(spec.DiskGiB, 2)) << 30} // its image has 2 GiB
	}
	if spec.Kernel != nil {
		setKernel(&record, *spec.Kernel)
	}
	for _, key := range slices.Sorted(maps.Keys(spec.Interfaces)) {
		record.Machine.NICs = append(record.Machine.NICs, qemu.NIC{Key: key, Type: spec.Interfaces[key].Type, MAC: "52:54:00:00:00:0" + fmt.Sprint(len(record.Machine.NICs)), Restrict: spec.Interfaces[key].Restrict != nil && *spec.Interfaces[key].Restrict})
	}
	record.Forwards = h.choose(forwardsOfSpecs(spec.Interfaces), nil)
	h.plant(spec.Name, &record, spec.Seed)
	return h.answer("create", h.add(spec.Name, record, lifecycle.Stopped))
}

func (h *fakeHost) Fork(ctx context.Context, spec host.ForkSpec) (*host.Instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, "fork"); err != nil {
		return nil, err
	}
	record, state := host.Record{}, lifecycle.Standby
	switch source := h.instances[spec.Source.Name]; {
	case spec.Source.Kind == host.Instances && source != nil:
		record = source.Record
		if source.State == lifecycle.Stopped {
			state = lifecycle.Stopped
		}
	case spec.Source.Kind == host.Snapshots && len(h.snapshots) > 0:
		record.Machine, record.Forwards, state = h.snapshots[0].Machine, h.snapshots[0].Forwards, h.snapshots[0].Kind
	default:
		return nil, host.ErrNotFound
	}
	record.ForkOf, record.Image, record.DiskGiB = spec.Source, host.Ref{}, spec.DiskGiB
	record.Labels, record.DeletionProtection, record.Settings = spec.Labels, spec.DeletionProtection, spec.Settings
	wanted := map[string]map[string]qemu.Forward{}
	for nic, forwards := range record.Forwards {
		wanted[nic] = map[string]qemu.Forward{}
		for key, forward := range forwards { // each with a new host port
			forward.HostPort = 0
			wanted[nic][key] = forward
		}
	}
	for nic, forwards := range forwardsOfSpecs(spec.Interfaces) {
		maps.Copy(wanted[nic], forwards)
	}
	record.Forwards = h.choose(wanted, nil)
	h.seeds[spec.Name] = h.seeds[spec.Source.Name]
	h.plant(spec.Name, &record, spec.Seed)
	return h.answer("fork", h.add(spec.Name, record, state))
}

// answer is what a call returns that has made something.
func (h *fakeHost) answer(call string, made *host.Instance) (*host.Instance, error) {
	if lose := h.lose[call]; lose != nil {
		return made, lose()
	}
	return made, nil
}

func forwardsOfSpecs(specs map[string]host.InterfaceSpec) map[string]map[string]qemu.Forward {
	all := map[string]map[string]qemu.Forward{}
	for key, spec := range specs {
		all[key] = spec.Forwards
	}
	return all
}

// choose gives every forward a host port: the one named, the present one, or a
// new one.
func (h *fakeHost) choose(wanted, present map[string]map[string]qemu.Forward) map[string]map[string]qemu.Forward {
	all := map[string]map[string]qemu.Forward{}
	for nic, forwards := range wanted {
		all[nic] = map[string]qemu.Forward{}
		for key, forward := range forwards {
			if forward.HostPort == 0 {
				forward.HostPort = present[nic][key].HostPort
			}
			if forward.HostPort == 0 {
				h.made++
				forward.HostPort = 40000 + h.made
			}
			all[nic][key] = forward
		}
	}
	return all
}

// move is a call that is allowed from some states and leads to one.
func (h *fakeHost) move(ctx context.Context, call string, inst *host.Instance, to lifecycle.State, from ...lifecycle.State) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, call); err != nil {
		return err
	}
	there := h.instances[inst.Name]
	if there == nil || there.State != inst.State || !slices.Contains(from, inst.State) {
		return host.ErrChanged
	}
	there.State, inst.State = to, to
	return nil
}

// Keep is no call that any test counts, unless it fails.
func (h *fakeHost) Keep(_ context.Context, ref host.Ref, uid string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if fail := h.fail["keep"]; fail != nil {
		return fail()
	}
	h.kept = append(h.kept, ref.String()+" "+uid)
	return nil
}

func (h *fakeHost) Start(ctx context.Context, inst *host.Instance) error {
	return h.move(ctx, "start", inst, lifecycle.Running, lifecycle.Stopped)
}

func (h *fakeHost) Restore(ctx context.Context, inst *host.Instance) error {
	return h.move(ctx, "restore", inst, lifecycle.Running, lifecycle.Standby)
}

func (h *fakeHost) Resume(ctx context.Context, inst *host.Instance) error {
	return h.move(ctx, "resume", inst, lifecycle.Running, lifecycle.Paused)
}

func (h *fakeHost) Standby(ctx context.Context, inst *host.Instance) error {
	return h.move(ctx, "standby", inst, lifecycle.Standby, lifecycle.Running, lifecycle.Paused)
}

func (h *fakeHost) Stop(ctx context.Context, inst *host.Instance, _ time.Duration) error {
	return h.move(ctx, "stop", inst, lifecycle.Stopped, lifecycle.Running, lifecycle.Panicked)
}

func (h *fakeHost) Awaken(ctx context.Context, inst *host.Instance) error {
	return h.move(ctx, "awaken", inst, inst.State, lifecycle.Running)
}

func (h *fakeHost) Addresses(context.Context, *host.Instance) (map[string][]string, error) {
	return nil, host.ErrFailed
}

func (h *fakeHost) Ready(ctx context.Context, inst *host.Instance, _ host.Check) error {
	return h.move(ctx, "ready", inst, inst.State, lifecycle.Running)
}

// Check knows the sizes of disks, and that there is no image "nowhere".
func (h *fakeHost) Check(_ context.Context, inst *host.Instance, change host.Change) error {
	disk := inst.Machine.Disk
	if change.DiskGiB != nil && (disk == nil || int64(*change.DiskGiB)<<30 < disk.SizeBytes) {
		return fmt.Errorf("%w: a disk of %d GiB", host.ErrInvalid, *change.DiskGiB)
	}
	if change.Kernel != nil && change.Kernel.Image == "nowhere" {
		return host.ErrNotFound
	}
	return nil
}

func (h *fakeHost) Update(ctx context.Context, inst *host.Instance, change host.Change) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, "update"); err != nil {
		return err
	}
	if err := h.Check(ctx, inst, change); err != nil {
		return err
	}
	there := h.instances[inst.Name]
	if change.ForgetRestored {
		there.RestoredFrom = host.Ref{}
	}
	set(&there.Labels, change.Labels)
	set(&there.DeletionProtection, change.DeletionProtection)
	if set(&there.DiskGiB, change.DiskGiB); change.DiskGiB != nil {
		there.Machine.Disk = &qemu.Disk{SizeBytes: int64(*change.DiskGiB) << 30}
	}
	if change.Settings != nil {
		there.Settings = change.Settings
	}
	set(&there.Machine.VCPUs, change.VCPUs)
	set(&there.Machine.MemoryMiB, change.MemoryMiB)
	for i, nic := range there.Machine.NICs {
		if restrict, named := change.Restrict[nic.Key]; named {
			there.Machine.NICs = slices.Clone(there.Machine.NICs)
			there.Machine.NICs[i].Restrict = restrict
		}
	}
	if change.Seed != nil && there.State.HasProcess() {
		return host.ErrInvalid
	}
	h.plant(inst.Name, &there.Record, change.Seed)
	if (change.Restrict != nil || change.VCPUs != nil || change.MemoryMiB != nil || change.Kernel != nil) && there.State != lifecycle.Stopped {
		return host.ErrInvalid
	}
	if change.Kernel != nil {
		setKernel(&there.Record, *change.Kernel)
	}
	if change.Forwards != nil {
		there.Lost = nil
		there.Forwards = h.choose(change.Forwards, there.Forwards)
	}
	*inst = *there
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (h *fakeHost) DeleteInstance(ctx context.Context, name, uid string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, "delete"); err != nil {
		return err
	}
	if there := h.instances[name]; there != nil && there.UID != uid {
		return host.ErrReplaced
	}
	delete(h.instances, name)
	return nil
}

func (h *fakeHost) Instance(_ context.Context, name string) (*host.Instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if there := h.instances[name]; there != nil {
		return clone(there), nil
	}
	return nil, host.ErrNotFound
}

func (h *fakeHost) KnownInstance(_ context.Context, name string) (*host.Instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.instances[name] == nil {
		return nil, nil
	}
	return clone(h.instances[name]), nil
}

func (h *fakeHost) Snapshot(_ context.Context, name string) (*host.Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, snap := range h.snapshots {
		if snap.Name == name {
			return snap, nil
		}
	}
	return nil, host.ErrNotFound
}

func (h *fakeHost) Rollback(ctx context.Context, inst *host.Instance, snap *host.Snapshot) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx, "rollback to "+snap.Name); err != nil {
		return err
	}
	there := h.instances[inst.Name]
	there.State, there.Machine, there.Problem = snap.Kind, snap.Machine, ""
	there.RestoredFrom, there.SeedDigest = host.Ref{Kind: host.Snapshots, Name: snap.Name}, snap.SeedDigest
	*inst = *there
	return nil
}

func (h *fakeHost) KnownSnapshot(_ context.Context, name string) (*host.Snapshot, error) {
	for _, snap := range h.snapshots {
		if snap.Name == name {
			return snap, nil
		}
	}
	return nil, nil
}

func (h *fakeHost) Seed(_ context.Context, inst *host.Instance) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seeds[inst.Name], nil
}

// plant gives an instance a seed; nil: the one it has.
func (h *fakeHost) plant(name string, record *host.Record, seed *host.Seed) {
	if seed == nil {
		return
	}
	record.SeedDigest, record.Machine.Seed, h.seeds[name] = seed.Digest, nil, seed.Image
	if seed.Digest != "" {
		record.Machine.Seed = &qemu.Seed{SizeBytes: int64(len(seed.Image))}
	}
}

func (h *fakeHost) Orphans(context.Context, string, string) ([]string, error) { return nil, nil }

func (h *fakeHost) Forget() {}

func (h *fakeHost) RunsAsRoot() bool { return false }

func setKernel(record *host.Record, k host.KernelSpec) {
	record.KernelImage, record.InitrdImage = host.Ref{Kind: host.Images, Name: k.Image}, host.Ref{}
	if k.Initrd != "" {
		record.InitrdImage = host.Ref{Kind: host.Images, Name: k.Initrd}
	}
	record.Machine.Kernel = &qemu.Kernel{CommandLine: k.CommandLine}
}
