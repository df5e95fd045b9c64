package instance

import (
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// modelOf is a plan for the instance "a" that should run, as it is when the
// given arguments are all that is set.
func modelOf(t *testing.T, arguments map[string]any) *model {
	t.Helper()
	var m model
	if diags := planOf(t, arguments).Get(t.Context(), &m); diags.HasError() {
		t.Fatal(diags)
	}
	return &m
}

func planOf(t *testing.T, arguments map[string]any) tfsdk.Plan {
	t.Helper()
	var resp resource.SchemaResponse
	new(instanceResource).Schema(t.Context(), resource.SchemaRequest{}, &resp)
	all := map[string]any{"name": "a", "host": "lab", "state": "running", "deletion_protection": false, "labels": map[string]any{}}
	for name, value := range arguments {
		all[name] = value
	}
	return tfsdk.Plan{Schema: resp.Schema, Raw: prototest.Value(resp.Schema.Type().TerraformType(t.Context()), all)}
}

func memory(m *model)               { m.MemoryMiB = types.Int64Value(4096) }
func disk(m *model)                 { m.DiskGiB = types.Int64Value(40) }
func protect(m *model)              { m.DeletionProtection = types.BoolValue(true) }
func desire(m *model, state string) { m.State = types.StringValue(state) }

func TestSpec_TakesWhatIsAskedFor(t *testing.T) {
	m := modelOf(t, map[string]any{
		"image": "lab/images/debian", "vcpus": 2, "memory_mib": 2048, "disk_gib": 20,
		"kernel":             map[string]any{"image": "lab/images/vmlinuz", "initrd": "lab/images/initrd", "command_line": "quiet"},
		"network_interfaces": map[string]any{"lan": map[string]any{"type": "user", "forward": map[string]any{"ssh": map[string]any{"guest_port": 22, "host_address": "127.0.0.1", "protocol": "tcp", "host_port": prototest.Unknown{}}}}},
		"labels":             map[string]any{"role": "web"},
	})
	want := host.InstanceSpec{
		Name: "a", Image: "debian", VCPUs: 2, MemoryMiB: 2048, DiskGiB: 20,
		Kernel: &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: "quiet"},
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{
			"ssh": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22},
		}}},
		Labels: map[string]string{"role": "web"},
	}
	if got := m.spec(); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestSpec_HasDefaultsWhereNothingIsAskedFor(t *testing.T) {
	spec := modelOf(t, map[string]any{"image": "lab/images/debian", "vcpus": prototest.Unknown{}}).spec()
	if spec.VCPUs != 1 || spec.MemoryMiB != 512 || spec.DiskGiB != 0 || spec.Kernel != nil || spec.Interfaces != nil {
		t.Errorf("%+v", spec)
	}
}

func TestForkSpec_LeavesToTheSourceWhatIsNotAskedFor(t *testing.T) {
	m := modelOf(t, map[string]any{
		"fork_of": "lab/instances/base", "vcpus": prototest.Unknown{},
		"network_interfaces": map[string]any{"lan": map[string]any{"type": "user", "forward": prototest.Unknown{}}},
	})
	spec := m.forkSpec()
	if spec.Source != (host.Ref{Kind: host.Instances, Name: "base"}) || spec.VCPUs != 0 || spec.MemoryMiB != 0 || spec.DiskGiB != 0 {
		t.Errorf("%+v", spec)
	}
	if lan, ok := spec.Interfaces["lan"]; !ok || lan.Forwards != nil {
		t.Errorf("interfaces: %+v; want lan without forwards of its own", spec.Interfaces)
	}
}

func TestFill_TellsAForkByItsSourceAlone(t *testing.T) {
	var m model
	m.fill("lab", &host.Instance{Record: host.Record{
		Name: "web", Image: host.Ref{Kind: host.Images, Name: "debian"}, KernelImage: host.Ref{Kind: host.Images, Name: "vmlinuz"},
		ForkOf: host.Ref{Kind: host.Snapshots, Name: "golden"}, Machine: qemu.Machine{Kernel: &qemu.Kernel{CommandLine: "quiet"}},
	}, State: lifecycle.Running})
	if m.ForkOf.ValueString() != "lab/snapshots/golden" || !m.Image.IsNull() || !m.Kernel.IsNull() {
		t.Errorf("fork_of %s, image %s, kernel %s", m.ForkOf, m.Image, m.Kernel)
	}
}

func TestFill_IsNullWhereNothingWasAskedForAndNeverUnknown(t *testing.T) {
	m := modelOf(t, map[string]any{"image": "lab/images/debian", "disk_gib": prototest.Unknown{}, "network_interfaces": prototest.Unknown{}})
	m.fill("lab", &host.Instance{Record: host.Record{Name: "a"}, State: lifecycle.Stopped})
	if !m.DiskGiB.IsNull() || len(m.NetworkInterfaces.Elements()) != 0 || m.NetworkInterfaces.IsUnknown() || m.State.ValueString() != "stopped" {
		t.Errorf("disk_gib %s, network_interfaces %s, state %s", m.DiskGiB, m.NetworkInterfaces, m.State)
	}
	value := reflect.ValueOf(*m)
	for i := range value.NumField() {
		if v := value.Field(i).Interface().(attr.Value); v.IsUnknown() {
			t.Errorf("%s is unknown", value.Type().Field(i).Name)
		}
	}
}

func TestChange_KeepsAHostPortThatWasChosen(t *testing.T) {
	present := map[string]map[string]qemu.Forward{"lan": {"ssh": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: 40001, GuestPort: 22}}}
	forward := func(guest, port any) map[string]any {
		return map[string]any{"type": "user", "forward": map[string]any{"ssh": map[string]any{"guest_port": guest, "host_port": port, "host_address": "127.0.0.1", "protocol": "tcp"}}}
	}
	for name, c := range map[string]struct {
		lan     map[string]any
		changes bool
	}{
		"any host port":     {forward(22, prototest.Unknown{}), false},
		"the same":          {forward(22, 40001), false},
		"another host port": {forward(22, 2201), true},
		"another guest's":   {forward(23, prototest.Unknown{}), true},
		"none":              {map[string]any{"type": "user", "forward": map[string]any{}}, true},
		"the source's":      {map[string]any{"type": "user", "forward": prototest.Unknown{}}, false},
	} {
		m := modelOf(t, map[string]any{"image": "lab/images/i", "network_interfaces": map[string]any{"lan": c.lan}})
		change := m.change(&host.Instance{Record: host.Record{Forwards: present}})
		if got := change.Forwards != nil; got != c.changes {
			t.Errorf("%s: forwards %v; want a change: %v", name, change.Forwards, c.changes)
		}
	}
}
