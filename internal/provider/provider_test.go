package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/image"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/instance"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/network"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/snapshot"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/volume"
)

var unknown = prototest.Unknown{}

func serve(t *testing.T) *prototest.Provider { return prototest.New(t, New("test")()) }

// withHosts configures a provider; no host of it is ever reached.
func withHosts(t *testing.T, config map[string]any) *prototest.Provider {
	t.Helper()
	p := serve(t)
	if diags := p.Configure(t, config); len(diags) != 0 {
		t.Fatal(say(diags))
	}
	return p
}

func addressed(names ...string) map[string]any {
	all := map[string]any{}
	for _, name := range names {
		all[name] = map[string]any{"address": "203.0.113.1"}
	}
	return all
}

func TestSchema_DescribesEveryAttribute(t *testing.T) {
	s := serve(t).Schemas()
	all := map[string]*tfprotov6.Schema{"provider": s.Provider}
	for name, schema := range s.ResourceSchemas {
		all[name] = schema
	}
	for name, schema := range s.DataSourceSchemas {
		all["data "+name] = schema
	}
	if len(all) != 11 {
		t.Errorf("%d schemas: %v", len(all), slices.Sorted(maps.Keys(all)))
	}
	for name, schema := range all {
		if schema.Block.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for path, attribute := range attributes("", schema.Block.Attributes) {
			if attribute.Description == "" {
				t.Errorf("%s.%s has no description", name, path)
			}
		}
	}
}

func TestSchema_HasOneEffectOfEveryAttribute(t *testing.T) {
	schemas := serve(t).Schemas().ResourceSchemas
	for name, table := range map[string]effect.Table{
		"kvm_image": image.Effects, "kvm_instance": instance.Effects, "kvm_network": network.Effects,
		"kvm_snapshot": snapshot.Effects, "kvm_volume": volume.Effects,
	} {
		declared := attributes("", schemas[name].Block.Attributes)
		for path, attribute := range declared {
			if strings.HasPrefix(path, "timeouts.") {
				continue
			}
			decided, ok := table.Effects[path]
			if !ok {
				t.Errorf("%s.%s has no effect", name, path)
			}
			if settable := attribute.Optional || attribute.Required; settable == (decided == effect.Computed) {
				t.Errorf("%s.%s: settable is %v, its effect %s", name, path, settable, decided)
			}
		}
		for path := range table.Effects {
			if _, ok := declared[path]; !ok && !strings.HasSuffix(path, ".*") {
				t.Errorf("%s.%s has an effect and does not exist", name, path)
			}
		}
	}
}

// attributes lists all attributes by path, with * for a map's keys.
func attributes(prefix string, list []*tfprotov6.SchemaAttribute) map[string]*tfprotov6.SchemaAttribute {
	found := map[string]*tfprotov6.SchemaAttribute{}
	for _, attribute := range list {
		path := prefix + attribute.Name
		found[path] = attribute
		if attribute.NestedType == nil {
			continue
		}
		inside := path + "."
		if attribute.NestedType.Nesting != tfprotov6.SchemaObjectNestingModeSingle {
			inside += "*."
		}
		maps.Copy(found, attributes(inside, attribute.NestedType.Attributes))
	}
	return found
}

func TestValidate_RefusesWhatCannotBe(t *testing.T) {
	host := func(name string, value any) map[string]any {
		return map[string]any{"hosts": map[string]any{"lab": map[string]any{"address": "h", name: value}}}
	}
	both := func(a, b string) map[string]any {
		return map[string]any{"hosts": map[string]any{"lab": map[string]any{"address": "h", a: "x", b: "y"}}}
	}
	for name, c := range map[string]struct {
		config map[string]any
		at     string // "": valid
	}{
		"one host":              {host("port", 22), ""},
		"everything unknown":    {map[string]any{"hosts": unknown, "default_host": unknown}, ""},
		"an unknown address":    {host("address", unknown), ""},
		"no address":            {host("address", nil), `ElementKeyString("lab").AttributeName("address")`},
		"an empty address":      {host("address", ""), `AttributeName("address")`},
		"no host":               {map[string]any{"hosts": map[string]any{}}, `AttributeName("hosts")`},
		"a host's bad name":     {map[string]any{"hosts": addressed("Lab_1")}, `AttributeName("hosts")`},
		"a relative data_dir":   {host("data_dir", "vms"), `AttributeName("data_dir")`},
		"another accelerator":   {host("accelerator", "xen"), `AttributeName("accelerator")`},
		"a port out of range":   {host("port", 65536), `AttributeName("port")`},
		"no private key":        {host("private_key", "x"), `AttributeName("private_key")`},
		"no host key":           {host("host_key", "ssh-ed25519"), `AttributeName("host_key")`},
		"a host key":            {host("host_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti"), ""},
		"a jump to nowhere":     {host("proxy_jump", "a,,b"), `AttributeName("proxy_jump")`},
		"a jump to no port":     {host("proxy_jump", "a:b"), `AttributeName("proxy_jump")`},
		"two jumps":             {host("proxy_jump", "user@a:22, b"), ""},
		"no jump":               {host("proxy_jump", "none"), ""},
		"two private keys":      {both("private_key", "private_key_file"), `AttributeName("private_key")`},
		"two ways to be sure":   {both("host_key", "known_hosts_file"), `AttributeName("host_key")`},
		"a default that is not": {map[string]any{"hosts": addressed("a", "b"), "default_host": "c"}, `AttributeName("default_host")`},
		"a default that is":     {map[string]any{"hosts": addressed("a", "b"), "default_host": "b"}, ""},
		"the environment's":     {map[string]any{"default_host": "default"}, ""},
	} {
		diags := serve(t).Validate(t, c.config)
		if c.at == "" && len(diags) != 0 {
			t.Errorf("%s: %s", name, say(diags))
		}
		if c.at != "" && (len(diags) == 0 || !strings.Contains(diags[0].Attribute.String(), c.at)) {
			t.Errorf("%s: %s; want an error at %s", name, say(diags), c.at)
		}
	}
}

func TestConfigure_WithoutAnyHostIsAnError(t *testing.T) {
	t.Setenv("KVM_HOST_ADDRESS", "")
	diags := serve(t).Configure(t, map[string]any{})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "KVM_HOST_ADDRESS") {
		t.Errorf("%s; want a word on KVM_HOST_ADDRESS", say(diags))
	}
}

func TestPlan_KnowsHostAndIDBeforeTheObjectIs(t *testing.T) {
	p := withHosts(t, map[string]any{"hosts": addressed("lab", "edge"), "default_host": "lab"})
	img := map[string]any{"name": "debian", "source": "/debian.qcow2"}
	for name, c := range map[string]struct {
		resource string
		config   map[string]any
		id       string
	}{
		"the default host":        {"kvm_image", img, "lab/images/debian"},
		"a host by name":          {"kvm_image", map[string]any{"name": "debian", "source": "/x", "host": "edge"}, "edge/images/debian"},
		"the image's host":        {"kvm_instance", map[string]any{"name": "web", "image": "edge/images/debian"}, "edge/instances/web"},
		"the source's host":       {"kvm_instance", map[string]any{"name": "web", "fork_of": "edge/snapshots/golden"}, "edge/instances/web"},
		"the instance's host":     {"kvm_snapshot", map[string]any{"name": "golden", "instance": "edge/instances/base"}, "edge/snapshots/golden"},
		"a host yet unknown":      {"kvm_image", map[string]any{"name": "debian", "source": "/x", "host": unknown}, ""},
		"an image yet unknown":    {"kvm_instance", map[string]any{"name": "web", "image": unknown}, ""},
		"an instance yet unknown": {"kvm_snapshot", map[string]any{"name": "golden", "instance": unknown}, ""},
	} {
		plan, diags := p.PlanCreate(t, c.resource, c.config)
		if len(diags) != 0 {
			t.Errorf("%s: %s", name, say(diags))
			continue
		}
		if c.id == "" {
			if plan["id"].IsKnown() {
				t.Errorf("%s: the id is %s; want it unknown", name, plan["id"])
			}
		} else if !plan["id"].Equal(tftypes.NewValue(tftypes.String, c.id)) {
			t.Errorf("%s: the id is %s; want %s", name, plan["id"], c.id)
		}
	}
}

func TestValidate_OfImagesAndSnapshotsFindsMistakesAndTakesNothingUnknownForOne(t *testing.T) {
	img := func(name string, value any) map[string]any {
		config := map[string]any{"name": "debian", "source": "https://example.com/debian.qcow2"}
		config[name] = value
		return config
	}
	snap := func(name string, value any) map[string]any {
		config := map[string]any{"name": "golden", "instance": "lab/instances/base"}
		config[name] = value
		return config
	}
	for name, c := range map[string]struct {
		resource string
		config   map[string]any
		at       string // "": valid
	}{
		"an image":           {"kvm_image", img("host", "lab"), ""},
		"a bad name":         {"kvm_image", img("name", "Debian"), "name"},
		"a path":             {"kvm_image", img("source", "./debian.qcow2"), ""},
		"no source":          {"kvm_image", img("source", ""), "source"},
		"another scheme":     {"kvm_image", img("source", "ftp://example.com/x"), "source"},
		"a URL of no host":   {"kvm_image", img("source", "https:///x"), "source"},
		"half a checksum":    {"kvm_image", img("checksum", "sha256:abc"), "checksum"},
		"an empty host":      {"kvm_image", img("host", ""), "host"},
		"a limit of nothing": {"kvm_image", img("timeouts", map[string]any{"create": "0s"}), "create"},
		"an unknown image": {"kvm_image", map[string]any{"name": unknown, "source": unknown, "checksum": unknown, "host": unknown,
			"timeouts": map[string]any{"create": unknown, "delete": unknown}}, ""},

		"a snapshot":             {"kvm_snapshot", snap("labels", map[string]any{"a": "b"}), ""},
		"a snapshot's bad name":  {"kvm_snapshot", snap("name", "golden-"), "name"},
		"of a snapshot":          {"kvm_snapshot", snap("instance", "lab/snapshots/s"), "instance"},
		"a label without a key":  {"kvm_snapshot", snap("labels", map[string]any{"": "b"}), "labels"},
		"a limit of no duration": {"kvm_snapshot", snap("timeouts", map[string]any{"delete": "soon"}), "delete"},
		"an unknown snapshot":    {"kvm_snapshot", map[string]any{"name": unknown, "instance": unknown, "labels": unknown, "timeouts": unknown}, ""},
	} {
		diags := serve(t).ValidateResource(t, c.resource, c.config)
		switch {
		case c.at == "" && len(diags) != 0:
			t.Errorf("%s: %s", name, say(diags))
		case c.at != "" && (len(diags) == 0 || !strings.Contains(diags[0].Attribute.String(), `"`+c.at+`"`)):
			t.Errorf("%s: %s; want an error at %s", name, say(diags), c.at)
		}
	}
}

func TestValidate_OfADataSourceWantsTheInstanceOnTheHostThatIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		host, instance any
		refused        bool
	}{
		"its host":                {"a", "a/instances/x", false},
		"another host":            {"a", "b/instances/x", true},
		"no host":                 {nil, "b/instances/x", false},
		"no instance":             {"a", nil, false},
		"a host yet unknown":      {unknown, "b/instances/x", false},
		"an instance yet unknown": {"a", unknown, false},
		"a snapshot's id":         {"a", "b/snapshots/x", true},
	} {
		diags := serve(t).ValidateData(t, "kvm_snapshots", map[string]any{"host": c.host, "instance": c.instance})
		switch {
		case !c.refused && len(diags) != 0:
			t.Errorf("%s: %s", name, say(diags))
		case c.refused && (len(diags) != 1 || !strings.Contains(diags[0].Attribute.String(), `"instance"`)):
			t.Errorf("%s: %s; want one error at instance", name, say(diags))
		}
	}
}

func TestPlan_RefusesAHostThatIsNotThere(t *testing.T) {
	p := withHosts(t, map[string]any{"hosts": addressed("lab", "edge")})
	for name, c := range map[string]struct {
		config map[string]any
		says   string
	}{
		"not configured":       {map[string]any{"name": "a", "image": "lab/images/i", "host": "nowhere"}, "nowhere"},
		"the origin's unknown": {map[string]any{"name": "a", "image": "gone/images/i"}, "gone"},
	} {
		if _, diags := p.PlanCreate(t, "kvm_instance", c.config); len(diags) != 1 || !strings.Contains(diags[0].Detail, c.says) || diags[0].Attribute == nil {
			t.Errorf("%s: %s; want one error with a path that says %q", name, say(diags), c.says)
		}
	}
	if _, diags := p.PlanCreate(t, "kvm_image", map[string]any{"name": "a", "source": "/x"}); len(diags) != 1 || !strings.Contains(diags[0].Detail, "default_host") {
		t.Errorf("several hosts and no default: %s", say(diags))
	}
}

func TestUnknownConfiguration_IsAnErrorOnlyWhereItIsUsed(t *testing.T) {
	for name, config := range map[string]map[string]any{
		"an address": {"hosts": map[string]any{"lab": map[string]any{"address": unknown}}},
		"a host":     {"hosts": map[string]any{"lab": unknown}},
		"all hosts":  {"hosts": unknown},
	} {
		t.Setenv("KVM_HOST_ADDRESS", "203.0.113.9") // must not be fallen back to
		p := withHosts(t, config)
		if _, diags := p.PlanCreate(t, "kvm_image", map[string]any{"name": "a", "source": "/x"}); len(diags) != 0 {
			t.Errorf("%s: planning a new image: %s", name, say(diags))
		}
		state := map[string]any{"id": "lab/images/a", "host": "lab", "name": "a"}
		read, diags := p.Read(t, "kvm_image", state)
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, "not known yet") {
			t.Errorf("%s: reading an image: %s; want an error", name, say(diags))
		}
		if read == nil {
			t.Errorf("%s: the image was dropped from the state", name)
		}
	}
}

func TestImport_TakesAnIDABareNameOrAnIdentity(t *testing.T) {
	p := withHosts(t, map[string]any{"hosts": addressed("lab", "edge"), "default_host": "lab"})
	for resource, kind := range map[string]string{"kvm_image": "images", "kvm_instance": "instances", "kvm_snapshot": "snapshots"} {
		for name, c := range map[string]struct {
			id       string
			identity map[string]any
			want     string
		}{
			"an id":                  {"edge/" + kind + "/a", nil, "edge/" + kind + "/a"},
			"a bare name":            {"a", nil, "lab/" + kind + "/a"},
			"an identity":            {"", map[string]any{"host": "edge", "name": "a"}, "edge/" + kind + "/a"},
			"an identity without":    {"", map[string]any{"name": "a"}, "lab/" + kind + "/a"},
			"another kind's id":      {"edge/disks/a", nil, ""},
			"a host not configured":  {"nowhere/" + kind + "/a", nil, ""},
			"an identity of no host": {"", map[string]any{"host": "nowhere", "name": "a"}, ""},
			"an identity, no name":   {"", map[string]any{"host": "lab", "name": "-"}, ""},
		} {
			state, diags := p.Import(t, resource, c.id, c.identity)
			if c.want == "" {
				if len(diags) != 1 {
					t.Errorf("%s by %s: %s; want one error", resource, name, say(diags))
				}
			} else if len(diags) != 0 || !state["id"].Equal(tftypes.NewValue(tftypes.String, c.want)) {
				t.Errorf("%s by %s: %s, %s; want %s", resource, name, state["id"], say(diags), c.want)
			}
		}
	}
}

func say(diags []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&b, "[%s %s: %s: %s]", d.Severity, d.Attribute, d.Summary, d.Detail)
	}
	return b.String()
}
