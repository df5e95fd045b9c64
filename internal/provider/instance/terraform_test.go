package instance

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

const web = "kvm_instance.web"

// instance is the resource kvm_instance.web with these arguments. After each
// apply the harness plans again, and fails unless there is nothing to do.
func instance(arguments string) string {
	return "resource \"kvm_instance\" \"web\" {\n name = \"web\"\n" + arguments + "\n}\n"
}

func planned(action plancheck.ResourceActionType) tf.ConfigPlanChecks {
	return tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(web, action)}}
}

// calls fails unless exactly these were made since it was asked last.
func calls(lab *fakeHost, want ...string) tf.TestCheckFunc {
	return func(*terraform.State) error {
		if got := lab.done(); !slices.Equal(got, want) {
			return fmt.Errorf("calls %v; want %v", got, want)
		}
		return nil
	}
}

func is(attribute, value string) tf.TestCheckFunc {
	return tf.TestCheckResourceAttr(web, attribute, value)
}

// The whole life of an instance: each step plans what it says, does no more
// than that, and leaves nothing to do.
func TestInstance_IsChangedAsThePlanSays(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	const lan = `network_interfaces = { lan = { forward = { http = { guest_port = 80 } } } }`
	const two = `network_interfaces = { lan = { forward = { http = { guest_port = 80 }, ssh = { guest_port = 22, host_port = 2201 } } } }`
	const ready = `ready = { check = "http", port = 80 }`
	var port string
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{
			Config: instance(`image = "lab/images/debian"` + "\n" + lan + "\n" + ready),
			Check: tf.ComposeTestCheckFunc(
				calls(lab, "create", "start", "ready"),
				is("id", "lab/instances/web"), is("host", "lab"), is("state", "running"), is("vcpus", "1"), is("memory_mib", "512"),
				tf.TestCheckNoResourceAttr(web, "disk_gib"),
				tf.TestCheckResourceAttrWith(web, "network_interfaces.lan.forward.http.host_port", func(v string) error { port = v; return nil }),
			),
		},
		{
			Config:           instance(`image = "lab/images/debian"` + "\n" + two + "\n" + ready + "\n" + `labels = { role = "web" }`),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			Check: tf.ComposeTestCheckFunc(
				calls(lab, "update"), is("labels.role", "web"), is("network_interfaces.lan.forward.ssh.host_port", "2201"),
				tf.TestCheckResourceAttrWith(web, "network_interfaces.lan.forward.http.host_port", func(v string) error {
					if v != port {
						return fmt.Errorf("the host port went from %s to %s", port, v)
					}
					return nil
				}),
			),
		},
		{
			Config:      instance(`image = "lab/images/debian"` + "\n" + lan + "\ndisk_gib = 1"), // less than it has, though nobody asked for that
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`never shrinks`),
		},
		{
			Config:           instance(`image = "lab/images/debian"` + "\n" + lan + "\nmemory_mib = 1024\ndisk_gib = 20"),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			Check:            tf.ComposeTestCheckFunc(calls(lab, "update", "stop", "update", "start"), is("memory_mib", "1024"), is("disk_gib", "20"), is("labels.%", "0")),
		},
		{
			Config:           instance(`image = "lab/images/debian"` + "\n" + lan + "\nmemory_mib = 1024\nstate = \"standby\""),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			Check:            tf.ComposeTestCheckFunc(calls(lab, "standby"), is("state", "standby"), is("disk_gib", "20")),
		},
		{
			Config:      instance(`image = "lab/images/debian"` + "\n" + lan + "\nmemory_mib = 2048\nallow_restart = false"),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`allow_restart is\s+false`),
		},
		{
			Config:      instance(`image = "lab/images/debian"` + "\n" + lan + "\nmemory_mib = 1024\ndisk_gib = 10"),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`never shrinks`),
		},
		{
			ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web", // a bare name, on the only host
		},
		{
			Config:           instance(`image = "lab/images/alpine"`),
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			Check:            tf.ComposeTestCheckFunc(calls(lab, "delete", "create", "start"), is("network_interfaces.%", "0")),
		},
		{
			Config:           instance(`image = "lab/images/alpine"` + "\n" + lan), // an interface is not added to what exists
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
		},
	}})
	if len(lab.instances) != 0 {
		t.Errorf("left: %v", lab.instances)
	}
}

func TestInstance_FromAKernelIsPlannedAsItIs(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	kernel := func(line string) string {
		return instance(`kernel = { image = "lab/images/vmlinuz", initrd = "lab/images/initrd"` + line + ` }`)
	}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: kernel(""), Check: calls(lab, "create", "start")},
		{Config: kernel(`, command_line = "quiet"`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "stop", "update", "start")},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "lab/instances/web"},
		{Config: instance(`kernel = { image = "lab/images/other" }`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "stop", "update", "start")},
	}})
}

func TestFork_TakesItsMachineFromItsSource(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.snapshots = []*host.Snapshot{{
		Name: "golden", Kind: lifecycle.Standby,
		Machine:  qemu.Machine{Type: "pc-q35-7.2", VCPUs: 2, MemoryMiB: 2048, NICs: []qemu.NIC{{Key: "lan", Type: "user", MAC: "52:54:00:00:00:01"}}},
		Forwards: map[string]map[string]qemu.Forward{"lan": {"http": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: 2080, GuestPort: 80}}},
	}}
	const fork = `fork_of = "lab/snapshots/golden"` + "\n"
	const http = "network_interfaces.lan.forward.http.host_port"
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{
			Config: instance(fork),
			Check:  tf.ComposeTestCheckFunc(calls(lab, "fork", "restore"), is("vcpus", "2"), is("memory_mib", "2048"), tf.TestCheckResourceAttrSet(web, http)),
		},
		{
			Config:           instance(fork + `labels = { role = "web" }`), // and nothing else is planned to change
			ConfigPlanChecks: tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{noUnknowns{}}},
			Check:            calls(lab, "update"),
		},
		{
			// Forwards that are declared are all there are.
			Config: instance(fork + `network_interfaces = { lan = { forward = { ssh = { guest_port = 22 } } } }`),
			Check: tf.ComposeTestCheckFunc(calls(lab, "update"), tf.TestCheckNoResourceAttr(web, http),
				tf.TestCheckResourceAttrSet(web, "network_interfaces.lan.forward.ssh.host_port")),
		},
		{
			Config: instance(fork+"state = \"standby\"\n"+`network_interfaces = { lan = { forward = { ssh = { guest_port = 22 } } } }`) +
				`resource "kvm_instance" "other" {
				   name = "other"
				   fork_of = "lab/snapshots/golden"
				   state = "standby"
				   network_interfaces = { lan = { forward = { ssh = { guest_port = 22 } } } }
				 }`,
			Check: tf.TestCheckResourceAttr("kvm_instance.other", "network_interfaces.lan.forward.%", "1"),
		},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web"},
	}})
}

func TestFork_ThatContradictsItsSourceIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.snapshots = []*host.Snapshot{{Name: "golden", Machine: qemu.Machine{
		Type: "pc-q35-7.2", CPU: "max", VCPUs: 2, MemoryMiB: 2048, NICs: []qemu.NIC{{Key: "lan"}}, Disk: &qemu.Disk{SizeBytes: 3 << 30},
	}}}
	var steps []tf.TestStep
	for arguments, says := range map[string]string{
		"disk_gib = 2":                      `the fork.s\s+is\s+to\s+have\s+2\s+GiB`,
		"network_interfaces = {}":           `interfaces \[lan\], and the fork\s+names \[\]`,
		"vcpus = 4":                         `has vcpus = 2`,
		"memory_mib = 1024":                 `has memory_mib =\s+2048`,
		`cpu_model = "host"`:                `has cpu_model =\s+"max"`,
		`machine_type = "pc-q35-8.0"`:       `has machine_type =\s+"pc-q35-7.2"`,
		`firmware = "uefi"`:                 `has firmware =\s+"bios"`,
		`network_interfaces = { wan = {} }`: `names\s+\[wan\]`,
	} {
		steps = append(steps, tf.TestStep{
			Config: instance(`fork_of = "lab/snapshots/golden"` + "\n" + arguments), PlanOnly: true, ExpectError: regexp.MustCompile("(?s)" + says + ".*Leave.*if the source is to change,\\s+too.*-target"),
		})
	}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: steps})
	if calls := lab.done(); len(calls) != 0 {
		t.Errorf("calls %v; want none", calls)
	}
}

func TestDrift_IsPlannedAsAChangeInPlace(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	web := func(change func(*host.Instance)) func() {
		return func() { change(lab.instances["web"]); lab.done() }
	}
	same := instance(`image = "lab/images/debian"`)
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: same},
		{
			PreConfig: web(func(i *host.Instance) { i.State, i.Ended = lifecycle.Stopped, "guest-shutdown" }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "start"),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.State = lifecycle.Paused }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "resume"),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.Labels, i.Machine.VCPUs = map[string]string{"by": "hand"}, 7 }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "update", "stop", "update", "start"),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.State, i.Unclear = lifecycle.Unknown, "it was stopped by a signal" }),
			Config:    same, ExpectError: regexp.MustCompile(`whose state is\s+unknown:\s+it\s+was\s+stopped\s+by\s+a\s+signal`),
		},
		{
			PreConfig: web(func(i *host.Instance) {
				i.Unreadable, i.UID, i.Problem, i.Rescue, i.Machine = true, "", "its metadata is nonsense", "mend it", qemu.Machine{}
			}),
			Config: same, ExpectError: regexp.MustCompile(`(?s)damaged:\s+its\s+metadata\s+is\s+nonsense.*Nothing\s+of\s+it\s+was\s+changed.\s+Mend\s+it`),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.UID = "uid-1" }), // which is all that it says
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), ExpectError: regexp.MustCompile(`damaged:\s+its\s+metadata\s+is\s+nonsense`),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.State = lifecycle.Running }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
		},
		{
			Config:      instance("image = \"lab/images/debian\"\nlabels = { role = \"web\" }"),
			ExpectError: regexp.MustCompile(`damaged:\s+its\s+metadata\s+is\s+nonsense`),
		},
		{
			ResourceName: "kvm_instance.web", ImportState: true, ImportStateId: "web",
			ExpectError: regexp.MustCompile(`(?s)Unable to import instance web.*its\s+metadata\s+is\s+nonsense.*Host:\s+lab.*Mend\s+it`),
		},
		{
			PreConfig: web(func(i *host.Instance) {
				i.Unreadable, i.Problem, i.State, i.Machine = false, "a layer is missing", lifecycle.Running, qemu.Machine{Type: "pc-q35-7.2", VCPUs: 1, MemoryMiB: 512}
			}),
			Config: same, ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
		},
		{
			Config:      instance("image = \"lab/images/debian\"\nstate = \"stopped\""),
			ExpectError: regexp.MustCompile(`damaged:\s+a\s+layer\s+is\s+missing`),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.Problem, i.State = "", lifecycle.Panicked }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "stop", "start"),
		},
		{
			PreConfig: web(func(i *host.Instance) {
				i.State, i.UID, i.Unreadable, i.Problem = lifecycle.Unknown, "somebody else's", true, "its metadata is nonsense"
			}),
			Config: same, ConfigPlanChecks: planned(plancheck.ResourceActionCreate), ExpectError: regexp.MustCompile(`(?s)Unable to create instance web.*The name is taken`),
		},
		{
			PreConfig: web(func(i *host.Instance) { i.State, i.Unreadable, i.Problem = lifecycle.Running, false, "" }),
			Config:    same, ConfigPlanChecks: planned(plancheck.ResourceActionCreate), ExpectError: regexp.MustCompile(`(?s)Unable to create instance web.*The name is taken`),
		},
	}})
	if lab.instances["web"] == nil {
		t.Error("what somebody else made is gone")
	}
}

// What changes on the host between plan and apply restarts nothing that the plan
// did not say.
func TestDrift_AfterThePlanRestartsNothing(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	config := func(more string) string { return instance("image = \"lab/images/debian\"\n" + more) }
	byHand := tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{meanwhile(func() { lab.done(); lab.instances["web"].Machine.VCPUs = 7 })}}
	runsOn := func() {
		if calls := lab.done(); len(calls) > 0 || lab.instances["web"].State != lifecycle.Running {
			t.Errorf("%v, and it is %s", calls, lab.instances["web"].State)
		}
	}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: config("")},
		{Config: config(`labels = { role = "web" }`), ConfigPlanChecks: byHand, ExpectError: regexp.MustCompile(`(?s)was\s+not\s+in\s+the\s+plan.*Run\s+terraform\s+plan\s+again`)},
		{PreConfig: runsOn, Config: config(`allow_restart = false`), ExpectError: regexp.MustCompile(`needs a restart`)},
		{
			PreConfig: func() { runsOn(); lab.instances["web"].Machine.VCPUs = 1 },
			Config:    config(`allow_restart = false`), ConfigPlanChecks: byHand, ExpectError: regexp.MustCompile(`allow_restart\s+is\s+false`),
		},
		{PreConfig: runsOn, Config: config(""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: calls(lab, "stop", "update", "start")},
	}})
}

// A meanwhile is what somebody else does between plan and apply.
type meanwhile func()

func (do meanwhile) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	do()
}

// A fork that names no forwards misses one that somebody has removed, too.
func TestFork_MissesAForwardThatItTookOver(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.snapshots = []*host.Snapshot{{Name: "golden", Kind: lifecycle.Standby, Machine: qemu.Machine{NICs: []qemu.NIC{{Key: "lan", Type: "user"}}},
		Forwards: map[string]map[string]qemu.Forward{"lan": {"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80}}}}}
	fork, one := instance(`fork_of = "lab/snapshots/golden"`), is("network_interfaces.lan.forward.%", "1")
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: fork, Check: tf.ComposeTestCheckFunc(calls(lab, "fork", "restore"), one)},
		{
			PreConfig: func() { lab.instances["web"].Lost = lab.instances["web"].Forwards },
			Config:    fork, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: tf.ComposeTestCheckFunc(calls(lab, "update"), one),
		},
		{
			PreConfig: func() { lab.instances["web"].Forwards = nil },
			Config:    fork, ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: tf.ComposeTestCheckFunc(calls(lab, "update"), one),
		},
	}})
}

func TestFork_OfADamagedSourceIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.snapshots = []*host.Snapshot{{Name: "golden", Problem: "its memory is gone", Rescue: "its disk is intact"}}
	lab.add("base", host.Record{}, lifecycle.Unknown)
	lab.instances["base"].Unclear = "it was stopped by a signal"
	for source, says := range map[string]string{
		"snapshots/golden": `(?s)damaged:\s+its\s+memory\s+is\s+gone.*Its\s+disk\s+is\s+intact`,
		"instances/base":   `stopped\s+by\s+a\s+signal`,
	} {
		tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
			{Config: instance(`fork_of = "lab/` + source + `"`), PlanOnly: true, ExpectError: regexp.MustCompile(says)},
		}})
	}
}

type noUnknowns struct{}

func (noUnknowns) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if unknown := fmt.Sprint(change.Change.AfterUnknown); strings.Contains(unknown, "true") {
			resp.Error = fmt.Errorf("unknown after the plan: %s", unknown)
		}
	}
}
