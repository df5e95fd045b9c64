package instance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

const digestOf = "cloud_init.digest"

// toldBySeed is the instance web, told this by cloud-init.
func toldBySeed(seed string, more ...string) string {
	return instance("image = \"lab/images/debian\"\ncloud_init = {\n" + seed + "\n}\n" + strings.Join(more, "\n"))
}

// reads wants the user data of an instance's seed on the host to be text, and the
// digest in the state to be that of the seed.
func reads(lab *fakeHost, name, text string) tf.TestCheckFunc {
	return func(s *terraform.State) error {
		userData, _, err := cloudinit.Read(lab.seeds[name])
		if err != nil || userData != text {
			return fmt.Errorf("the seed of %s has %q (%v); want %q", name, userData, err, text)
		}
		return tf.TestCheckResourceAttr(web, digestOf, lab.instances[name].SeedDigest)(s)
	}
}

func TestCloudInit_IsChangedAsOnChangeSays(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	update, all := planned(plancheck.ResourceActionUpdate), tf.ComposeTestCheckFunc
	const ignoring, replacing = `on_change = "ignore"`, `on_change = "replace"`
	userData := func(text string) string { return fmt.Sprintf("user_data = %q\n", text) }
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: toldBySeed(userData("#!one")), Check: all(calls(lab, "create", "start"), reads(lab, "web", "#!one"))},
		{Config: toldBySeed(userData("#!two")), ConfigPlanChecks: update, Check: all(calls(lab, "stop", "update", "start"), reads(lab, "web", "#!two"))},
		{Config: toldBySeed(userData("#!three"), "allow_restart = false"), PlanOnly: true, ExpectError: regexp.MustCompile(`Changing\s+cloud_init.user_data\s+restarts`)},
		{Config: toldBySeed(userData("#!three") + ignoring), ConfigPlanChecks: update, Check: all(calls(lab, "update"), reads(lab, "web", "#!two"), is("cloud_init.user_data", "#!three"))},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web", ImportStateVerifyIgnore: []string{"cloud_init.user_data"}}, // the seed has another one
		{Config: toldBySeed(userData("#!three")), ConfigPlanChecks: update, Check: all(calls(lab, "update", "stop", "update", "start"), reads(lab, "web", "#!three"))},
		{Config: toldBySeed(userData("#!three") + "meta_data = \"{a: b}\"\nnetwork_config = \"version: 2\""), ConfigPlanChecks: update, Check: all(calls(lab, "update", "stop", "update", "start"), reads(lab, "web", "#!three"))},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web"},
		{
			PreConfig: func() {
				lab.plant("web", &lab.instances["web"].Record, &host.Seed{Digest: "by hand", Image: lab.seeds["web"]})
			},
			Config:           toldBySeed(userData("#!three") + "meta_data = \"{a: b}\"\nnetwork_config = \"version: 2\""),
			ConfigPlanChecks: update, Check: all(calls(lab, "stop", "update", "start"), reads(lab, "web", "#!three")),
		},
		{Config: toldBySeed(userData("#!four") + replacing), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate), Check: all(calls(lab, "delete", "create", "start"), reads(lab, "web", "#!four"))},
		{Config: instance(`image = "lab/images/debian"`), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate), Check: calls(lab, "delete", "create", "start")},
		{Config: toldBySeed(userData("#!five") + ignoring), ConfigPlanChecks: update, Check: all(calls(lab, "update"), tf.TestCheckNoResourceAttr(web, digestOf))},
		{Config: toldBySeed(userData("#!five")), ConfigPlanChecks: update, Check: all(calls(lab, "update", "stop", "update", "start"), reads(lab, "web", "#!five"))},
		{Config: instance(`image = "lab/images/debian"`), ConfigPlanChecks: update, Check: calls(lab, "update", "stop", "update", "start")},
	}})
}

func TestCloudInit_KeepsASecretOutOfStateAndDiagnostics(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	secret := func(text string, version int) string {
		return toldBySeed(fmt.Sprintf("user_data_wo = %q\nuser_data_wo_version = %d", text, version))
	}
	has := func(text string) tf.TestCheckFunc {
		return tf.ComposeTestCheckFunc(reads(lab, "web", text), tf.TestCheckNoResourceAttr(web, "cloud_init.user_data_wo"), func(s *terraform.State) error {
			if said := fmt.Sprint(s) + string(lab.instances["web"].Settings); strings.Contains(said, "canary") {
				return fmt.Errorf("the secret is in %s", said)
			}
			return nil
		})
	}
	none := tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: secret("#cloud-config\npassword: *canary\n", 1), PlanOnly: true, ExpectError: regexp.MustCompile(`In\s+user_data_wo:\s+line\s+2,\s+column\s+11:\s+it\s+begins`)},
		{Config: secret("#!canary 1", 1), Check: tf.ComposeTestCheckFunc(calls(lab, "create", "start"), has("#!canary 1"))},
		{Config: secret("#!canary 2", 1), ConfigPlanChecks: none, Check: has("#!canary 1")},
		{Config: secret("#!canary 2", 2), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: tf.ComposeTestCheckFunc(calls(lab, "update", "stop", "update", "start"), has("#!canary 2"))},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web"},
	}})
}

func TestCloudInit_OfAForkIsItsSourcesUnlessItHasItsOwn(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	source := `resource "kvm_instance" "source" {
		name       = "source"
		image      = "lab/images/debian"
		cloud_init = { user_data = "#!source" }
		state      = "standby"
	}
	`
	fork := func(more string) string { return source + instance("fork_of = kvm_instance.source.id\n"+more) }
	inherited := func(*terraform.State) error {
		if lab.instances["web"].SeedDigest != lab.instances["source"].SeedDigest {
			return fmt.Errorf("it has another seed than its source")
		}
		return nil
	}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: fork(""), Check: tf.ComposeTestCheckFunc(inherited, tf.TestCheckNoResourceAttr(web, "cloud_init"))},
		{ResourceName: web, ImportState: true, ImportStateVerify: true, ImportStateId: "web"},
		{Config: fork(`cloud_init = { user_data = "#!own" }`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: reads(lab, "web", "#!own")},
		{Config: fork(""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: func(*terraform.State) error { // it goes on with its own
			if text, _, err := cloudinit.Read(lab.seeds["web"]); text != "#!own" {
				return fmt.Errorf("it has %q: %v", text, err)
			}
			return nil
		}},
		{Config: fork(`cloud_init = { user_data = "#!ignored", on_change = "ignore" }`), Check: reads(lab, "web", "#!own")},
		{Config: source, Check: func(*terraform.State) error { lab.done(); return nil }},
		{Config: fork(`cloud_init = { user_data = "#!born" }`), Check: tf.ComposeTestCheckFunc(calls(lab, "fork", "restore"), reads(lab, "web", "#!born"))},
	}})
}

func TestFork_OfMemoryIsRefusedASeedThatItsSourceHasNot(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.snapshots = []*host.Snapshot{snapshotOf("golden", lifecycle.Standby)}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: instance("fork_of = \"lab/snapshots/golden\"\ncloud_init = {}"), PlanOnly: true, ExpectError: regexp.MustCompile(`no seed for cloud-init`)},
	}})
}

func TestRestoreFrom_GivesTheSeedThatIsDeclaredAndRestartsNothingForIt(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	before, bare := snapshotOf("before", lifecycle.Standby), snapshotOf("bare", lifecycle.Standby)
	before.SeedDigest, before.Machine.Seed = "of the snapshot", &qemu.Seed{SizeBytes: cloudinit.Size}
	lab.snapshots = []*host.Snapshot{before, bare}
	const userData = "user_data = \"#!now\"\n"
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: toldBySeed(userData), Check: calls(lab, "create", "start")},
		{Config: toldBySeed(userData, `restore_from = "bare"`), PlanOnly: true, ExpectError: regexp.MustCompile(`no\s+seed\s+for\s+cloud-init`)},
		{Config: toldBySeed(userData, `restore_from = "before"`), Check: tf.ComposeTestCheckFunc(calls(lab, "rollback to before", "update", "restore"), reads(lab, "web", "#!now"))},
		{Config: toldBySeed(userData + "on_change = \"ignore\"\n"), Check: calls(lab, "update")},
		{Config: toldBySeed(userData+"on_change = \"ignore\"\n", `restore_from = "before"`), Check: tf.ComposeTestCheckFunc(calls(lab, "rollback to before", "restore"), is(digestOf, "of the snapshot"))},
	}})
}
