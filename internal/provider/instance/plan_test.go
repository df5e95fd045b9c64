package instance

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// plannedChange is what is said of a plan for the instance "a" of a host, to
// become what it is to be from what it was.
func plannedChange(t *testing.T, lab *fakeHost, was, is arguments) diag.Diagnostics {
	t.Helper()
	r := &instanceResource{
		Resource: object.Resource{Hosts: hosts.New(map[string]hosts.Entry{"lab": {}}, "")},
		drive:    func(string) (driver, error) { return lab, nil },
	}
	before, plan := planOf(t, was), planOf(t, is)
	req := resource.ModifyPlanRequest{Config: tfsdk.Config(plan), State: tfsdk.State(before), Plan: plan}
	resp := resource.ModifyPlanResponse{Plan: plan}
	r.ModifyPlan(t.Context(), req, &resp)
	return resp.Diagnostics
}

func TestPlan_SaysWhatRestartsAndRefusesWhatMayNot(t *testing.T) {
	kernel := func(image, initrd any) arguments { return arguments{"image": image, "initrd": initrd} }
	const restarts, may, refused = "The instance a restarts", "The instance a may restart", "The change needs a restart"
	for name, c := range map[string]struct {
		is   arguments
		said string // the summaries
	}{
		"nothing":                               {arguments{}, ""},
		"a restart":                             {arguments{"memory_mib": 1024}, restarts},
		"that is not allowed":                   {arguments{"memory_mib": 1024, "allow_restart": false}, refused},
		"perhaps not allowed":                   {arguments{"memory_mib": 1024, "allow_restart": unknown}, restarts},
		"none, which is not allowed":            {arguments{"allow_restart": false}, ""},
		"another kernel":                        {arguments{"kernel": kernel("lab/images/k", "lab/images/other"), "allow_restart": false}, refused},
		"vcpus that are not known":              {arguments{"vcpus": unknown}, may},
		"and not allowed to change":             {arguments{"vcpus": unknown, "allow_restart": false}, may},
		"one known, one not":                    {arguments{"vcpus": unknown, "memory_mib": 1024, "allow_restart": false}, refused + "; " + may},
		"an initrd that is not known":           {arguments{"kernel": kernel("lab/images/k", unknown), "allow_restart": false}, may},
		"another seed":                          {arguments{"cloud_init": arguments{"user_data": "x", "on_change": "restart"}}, restarts},
		"that is not allowed a restart":         {arguments{"cloud_init": arguments{"user_data": "x", "on_change": "restart"}, "allow_restart": false}, refused},
		"a seed that is not known":              {arguments{"cloud_init": arguments{"user_data": unknown, "on_change": "restart"}, "allow_restart": false}, may},
		"a seed that is ignored":                {arguments{"cloud_init": arguments{"user_data": "x", "on_change": "ignore"}, "allow_restart": false}, ""},
		"a seed of which nothing is known":      {arguments{"cloud_init": unknown}, may},
		"a kernel of which nothing is known":    {arguments{"kernel": unknown, "allow_restart": false}, may + "; " + may},
		"of what does not run":                  {arguments{"memory_mib": 1024, "allow_restart": false, "was": "stopped"}, ""},
		"of what does not run, perhaps":         {arguments{"memory_mib": unknown, "was": "stopped"}, ""},
		"of what is in standby":                 {arguments{"memory_mib": 1024, "was": "standby"}, restarts},
		"of what is in standby, not allowed":    {arguments{"memory_mib": 1024, "was": "standby", "allow_restart": false}, refused},
		"of what is to be stopped, not allowed": {arguments{"memory_mib": 1024, "state": "stopped", "allow_restart": false}, ""},
		"of what has panicked, not allowed":     {arguments{"memory_mib": 1024, "was": "panicked", "allow_restart": false}, ""},
		"another port of passt's":               {arguments{"network_interfaces": forwarding("passt", 81)}, restarts},
		"that is not allowed a restart, either": {arguments{"network_interfaces": forwarding("passt", 81), "allow_restart": false}, refused},
		"of what is in standby, by passt":       {arguments{"network_interfaces": forwarding("passt", 81), "was": "standby", "allow_restart": false}, ""},
		"another port of the user network":      {arguments{"network_interfaces": forwarding("user", 81), "were": "user", "allow_restart": false}, ""},
		"a rollback, which is no restart, too":  {arguments{"memory_mib": 512, "restore_from": "s", "vcpus": 2}, "The instance a is restored to snapshot s"},
	} {
		lab := newFakeHost()
		lab.snapshots = []*host.Snapshot{{Name: "s", Kind: lifecycle.Stopped, InstanceUID: "uid-1"}}
		was := arguments{"uid": "uid-1", "image": "lab/images/i", "kernel": kernel("lab/images/k", "lab/images/initrd"), "vcpus": 1, "memory_mib": 512, "allow_restart": true, "network_interfaces": forwarding("passt", 80)}
		is := merged(was, c.is)
		if kind, ok := c.is["were"]; ok {
			was["network_interfaces"] = forwarding(kind, 80)
			delete(is, "were")
		}
		if state, ok := c.is["was"]; ok {
			was["state"] = state
			delete(is, "was")
		}
		var said []string
		for _, d := range plannedChange(t, lab, was, is) {
			said = append(said, d.Summary())
		}
		if got := strings.Join(said, "; "); got != c.said {
			t.Errorf("%s: %q; want %q", name, got, c.said)
		}
	}
}

// forwarding is a network interface of a type, to one port of which one of the host
// is forwarded.
func forwarding(kind any, port int) arguments {
	return arguments{"lan": arguments{"type": kind, "forward": arguments{
		"http": arguments{"guest_port": port, "host_port": 8080, "host_address": "127.0.0.1", "protocol": "tcp"},
	}}}
}

func TestPlan_ShrinksNoDiskOfWhateverSizeItReallyHas(t *testing.T) {
	has := func(gib float64) *qemu.Disk { return &qemu.Disk{SizeBytes: int64(gib * (1 << 30))} }
	for name, c := range map[string]struct {
		disk    *qemu.Disk
		was, is any
		says    string // "": it can be
	}{
		"a larger one":                         {has(20), 20, 21, ""},
		"a smaller one":                        {has(20), 20, 19, "has 20.0 GiB, and 19 GiB are asked for"},
		"one that is not known":                {has(20), 20, unknown, ""},
		"a larger one than was never asked":    {has(1.5), nil, 2, ""},
		"a smaller one than was never asked":   {has(2.5), nil, 2, "has 2.5 GiB, and 2 GiB are asked for"},
		"one where there is none":              {nil, nil, 2, "without a disk"},
		"one where none can be told":           {nil, nil, 2, ""},
		"one of another instance of that name": {has(20), nil, 2, ""},
	} {
		lab := newFakeHost()
		lab.add("a", host.Record{Machine: qemu.Machine{Disk: c.disk}}, lifecycle.Running)
		uid := "uid-1"
		switch name {
		case "one where none can be told":
			lab.instances["a"].Unreadable = true
		case "one of another instance of that name":
			uid = "uid-of-old"
		}
		was := arguments{"uid": uid, "image": "lab/images/i", "disk_gib": c.was}
		diags := plannedChange(t, lab, was, merged(was, arguments{"disk_gib": c.is}))
		if said := details(diags); (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q; want %q", name, said, c.says)
		}
	}
}

func merged(all, others arguments) arguments {
	both := arguments{}
	for _, some := range []arguments{all, others} {
		for name, value := range some {
			both[name] = value
		}
	}
	return both
}

// A state that was written before there was firmware is not refreshed with
// -refresh=false.
func TestPlan_OfAStateWithoutFirmwareTakesItForBIOS(t *testing.T) {
	for firmware, want := range map[any]int{"bios": 0, unknown: 0, "uefi": 1} {
		was := planOf(t, arguments{"image": "lab/images/i"})
		is := planOf(t, arguments{"image": "lab/images/i", "firmware": firmware})
		var before, plan model
		if diags := was.Get(t.Context(), &before); diags.HasError() {
			t.Fatal(diags)
		}
		if diags := is.Get(t.Context(), &plan); diags.HasError() {
			t.Fatal(diags)
		}
		if got := before.replacements(&plan, was.Raw, is.Raw); len(got) != want {
			t.Errorf("%v: replaced by %v", firmware, got)
		}
	}
}
