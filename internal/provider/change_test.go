package provider

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
)

// A change of one argument, and what it has to do. This is the contract, written
// down beside the tables of effects, from which plan and documentation are made.
type change struct {
	path string // "*" is the only key there is
	to   any    // nil: it goes
	deed *deed
}

// A deed is how plan and documentation tell what a change does.
type deed struct {
	replaces  bool
	warning   string // in the plan; "" for none
	described string // in the argument's description, where %s is the object
}

var (
	nothing  = &deed{described: "does nothing to the %s itself."}
	live     = &deed{described: "takes effect in place, at once."}
	moves    = &deed{described: "leads the %s there, in place."}
	restarts = &deed{warning: "restarts", described: "restarts the %s."}
	restores = &deed{warning: "is restored to snapshot", described: "takes the %s back, in place"}
	chosen   = &deed{warning: "restarts", described: "is said by `on_change`."}
	replaces = &deed{replaces: true, described: "replaces the %s."}
)

var changes = map[string][]change{
	"kvm_image": {
		{"name", "other", replaces},
		{"host", "edge", replaces},
		{"source", "/other.qcow2", replaces},
		{"checksum", "sha256:" + strings.Repeat("ab", 32), replaces},
		{"timeouts", map[string]any{"delete": "1m"}, nothing},
	},
	"kvm_snapshot": {
		{"name", "other", replaces},
		{"instance", "lab/instances/other", replaces},
		{"labels", map[string]any{"role": "golden"}, live},
		{"timeouts", map[string]any{"create": "1m"}, nothing},
	},
	"kvm_volume": {
		{"name", "other", replaces},
		{"host", "edge", replaces},
		{"image", "lab/images/other", replaces},
		{"image", nil, replaces},
		{"size_gib", 30, live},
		{"deletion_protection", true, live},
		{"labels", map[string]any{}, live},
		{"timeouts", map[string]any{"create": "1m"}, nothing},
	},
	"kvm_network": {
		{"name", "other", replaces},
		{"host", "edge", replaces},
		{"cidr", "10.80.0.0/25", live}, // of which the gateway is the same,
		{"nat", false, live},
		{"dhcp_range", map[string]any{"first": "10.80.0.7", "last": "10.80.0.8"}, live},
		{"dhcp_range.first", "10.80.0.11", live},
		{"dhcp_range.last", "10.80.0.21", live},
		{"domain", "other.example", live},
		{"state", "up", moves},
		{"labels", map[string]any{"role": "lab"}, live},
		{"timeouts", map[string]any{"create": "1m"}, nothing},
	},
	"kvm_instance": {
		{"name", "other", replaces},
		{"host", "edge", replaces},
		{"image", "lab/images/other", replaces},
		{"image", nil, replaces},
		{"fork_of", "lab/snapshots/golden", replaces},

		{"kernel", nil, &deed{warning: restarts.warning}}, // which its parts tell
		{"kernel.image", "lab/images/other", restarts},
		{"kernel.initrd", "lab/images/initrd", restarts},
		{"kernel.command_line", "quiet", restarts},
		{"cloud_init", nil, &deed{warning: restarts.warning}},
		{"cloud_init.user_data", "#!/bin/sh", chosen},
		{"cloud_init.meta_data", "a: b", chosen},
		{"cloud_init.network_config", "version: 1", chosen},
		{"cloud_init.user_data_wo_version", 2, chosen},
		{"cloud_init.on_change", "replace", nothing},
		{"vcpus", 4, restarts},
		{"memory_mib", 4096, restarts},
		{"machine_type", "pc-q35-6.2", restarts},
		{"cpu_model", "qemu64", restarts},
		{"firmware", "uefi", replaces},
		{"restore_from", "before", restores},

		{"disk_gib", 30, live},
		{"state", "stopped", moves},
		{"deletion_protection", true, live},
		{"labels", map[string]any{}, live},

		{"disks", map[string]any{}, live},
		{"disks.logs", map[string]any{"volume": "lab/volumes/logs", "size_gib": nil}, live},
		{"disks.scratch", map[string]any{"volume": nil, "size_gib": 10}, live},
		{"disks.*.volume", "lab/volumes/other", live},
		{"disks.*.size_gib", 10, live},
		{"disks.*.image", "lab/images/other", live},

		{"network_interfaces", map[string]any{}, replaces},
		{"network_interfaces.wan", map[string]any{"type": "user", "mac_address": "52:54:00:65:43:21", "restrict": false, "forward": map[string]any{}}, replaces},
		{"network_interfaces.*.type", "bridge", replaces},
		{"network_interfaces.*.bridge", "br1", restarts},
		{"network_interfaces.*.network", "lab/networks/lan", restarts},
		{"network_interfaces.*.mac_address", "52:54:00:65:43:22", restarts},
		{"network_interfaces.*.restrict", true, restarts},
		{"network_interfaces.*.forward", map[string]any{}, live},
		{"network_interfaces.*.forward.dns", map[string]any{"guest_port": 53, "host_port": 20053, "host_address": "0.0.0.0", "protocol": "udp"}, live},
		{"network_interfaces.*.forward.*.guest_port", 2222, live},
		{"network_interfaces.*.forward.*.host_port", 20023, live},
		{"network_interfaces.*.forward.*.host_address", "0.0.0.0", live},
		{"network_interfaces.*.forward.*.protocol", "udp", live},

		{"guest_agent", true, restarts},
		{"identity", nil, nothing},
		{"identity.hostname", "other", nothing},
		{"identity.machine_id", false, nothing},
		{"identity.ssh_host_keys", false, nothing},
		{"on_fork", []any{"true"}, nothing},

		{"ready", nil, nothing},
		{"ready.check", "http", nothing},
		{"ready.port", 80, nothing},
		{"ready.path", "/health", nothing},
		{"ready.pattern", "login:", nothing},
		{"ready.timeout", "1m", nothing},
		{"stop_timeout", "1m", nothing},
		{"allow_restart", false, nothing},
		{"timeouts", map[string]any{"update": "1m"}, nothing},
	},
}

func TestPlan_OfEveryChangeIsWhatTheContractSays(t *testing.T) {
	p := withHosts(t, map[string]any{"hosts": map[string]any{"lab": map[string]any{"address": unknown}}}) // nothing is asked of a host
	for name, schema := range p.Schemas().ResourceSchemas {
		declared := attributes("", schema.Block.Attributes)
		for _, c := range changes[name] {
			t.Run(name+"/"+c.path, func(t *testing.T) { c.isPlanned(t, p, name) })
			want := strings.ReplaceAll(c.deed.described, "%s", strings.TrimPrefix(name, "kvm_"))
			if a := declared[c.path]; a != nil && !strings.Contains(a.Description, want) {
				t.Errorf("%s.%s is described as %q; want %q", name, c.path, a.Description, want)
			}
		}
		for path, a := range declared {
			isPart := strings.HasPrefix(path, "timeouts.")
			isKnown := slices.ContainsFunc(changes[name], func(c change) bool { return c.path == path })
			if (a.Optional || a.Required) && !a.WriteOnly && !isPart && !isKnown { // a plan has nothing that is write-only
				t.Errorf("what a change of %s.%s does is not written down", name, path)
			}
		}
	}
}

func (c change) isPlanned(t *testing.T, p *prototest.Provider, name string) {
	schema := p.Schemas().ResourceSchemas[name]
	state, wanted := example(t, name, schema), example(t, name, schema)
	at := set(wanted, c.path, c.to)
	planned, replaced, diags := p.PlanUpdate(t, name, state, wanted)

	if c.deed.replaces != (len(replaced) > 0) {
		t.Errorf("it is replaced by %v; want %v", replaced, c.deed.replaces)
	}
	for _, path := range replaced {
		if !strings.HasPrefix(dotted(path), at) {
			t.Errorf("it is replaced by %s; want %s", dotted(path), at)
		}
	}
	if (c.deed.warning == "") != (len(diags) == 0) {
		t.Errorf("the plan says %q; want %q", say(diags), c.deed.warning)
	}
	for _, d := range diags {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning || !strings.HasPrefix(dotted(d.Attribute), at) || !strings.Contains(d.Summary, c.deed.warning) {
			t.Errorf("the plan says %s; want only that it %s, at %s", say(diags), c.deed.warning, at)
		}
	}
	if c.deed.replaces { // which Terraform plans as something new
		return
	}
	if c.path == "guest_agent" { // who has one will have addresses
		wanted["ip_addresses"] = unknown
	}
	if c.deed == chosen { // another seed has another digest
		wanted["cloud_init"].(map[string]any)["digest"] = otherDigest(t, planned["cloud_init"])
	}
	if name == "kvm_volume" && c.path == "size_gib" { // of which its size in bytes follows
		wanted["size_bytes"] = 30 << 30
	}
	for attribute, typ := range schema.ValueType().(tftypes.Object).AttributeTypes {
		if want := prototest.Value(typ, wanted[attribute]); !planned[attribute].Equal(want) {
			t.Errorf("%s is planned to be %s; want %s", attribute, planned[attribute], want)
		}
	}
}

// digestOfExample is that of the seed of the example.
var digestOfExample = cloudinit.Config{Hostname: "base", UserData: "#cloud-config", MetaData: "x: 1", NetworkConfig: "version: 2"}.Digest()

// otherDigest is that of a planned cloud_init, which must not be the example's.
func otherDigest(t *testing.T, planned tftypes.Value) (digest string) {
	t.Helper()
	var inside map[string]tftypes.Value
	if err := planned.As(&inside); err != nil {
		t.Fatal(err)
	}
	if err := inside["digest"].As(&digest); err != nil || digest == digestOfExample {
		t.Errorf("the digest is planned to be %q: %v", digest, err)
	}
	return digest
}

// example is a state of a resource as it is written today: what the oldest one of
// its version does not have, a refresh has filled in.
func example(t *testing.T, name string, schema *tfprotov6.Schema) (state map[string]any) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/state/%s.v%d.json", name, schema.Version))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	if name == "kvm_instance" {
		state["cpu_model"], state["firmware"] = "host", "bios"
	}
	if nics, ok := state["network_interfaces"].(map[string]any); ok {
		nics["lan"].(map[string]any)["restrict"] = false
		state["guest_agent"] = false
		state["identity"] = map[string]any{"hostname": "base"}
		state["disks"] = map[string]any{"data": map[string]any{"volume": "lab/volumes/data", "size_gib": nil}}
	}
	if name == "kvm_instance" {
		state["cloud_init"] = map[string]any{"user_data": "#cloud-config", "meta_data": "x: 1", "network_config": "version: 2", "on_change": "restart", "digest": digestOfExample}
	}
	return state
}

// set sets what is at a path, and returns that path with its keys.
func set(in map[string]any, path string, to any) string {
	key, rest, deeper := strings.Cut(path, ".")
	if key == "*" {
		for key = range in {
		}
	}
	switch {
	case deeper:
		return key + "." + set(in[key].(map[string]any), rest, to)
	case to == nil:
		delete(in, key)
	default:
		in[key] = to
	}
	return key
}

// dotted is a path as the changes have it.
func dotted(path *tftypes.AttributePath) string {
	var keys []string
	for _, step := range path.Steps() {
		keys = append(keys, fmt.Sprint(step))
	}
	return strings.Join(keys, ".")
}
