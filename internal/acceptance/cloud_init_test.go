package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// seeded is an instance that boots with a seed of this user data.
func seeded(name, userData, onChange string, more ...string) string {
	return booted(name, fmt.Sprintf("cloud_init = {\n user_data = %q\n meta_data = \"role: test\"\n network_config = \"version: 2\"\n on_change = %q\n}\n%s\n%s",
		userData, onChange, readyHTTP, strings.Join(more, "\n")))
}

// readsSeed wants a guest to find in its seed what cloud-init looks for, and this
// user data.
func (l *lab) readsSeed(name, userData string) check {
	return l.in(name, "mkdir -p /seed && mount -t iso9660 -o ro /dev/vdb /seed && ls /seed && grep -c -e role -e local-hostname /seed/meta-data && cat /seed/user-data && umount /seed",
		"meta-data\nnetwork-config\nuser-data\n2\n"+userData)
}

// hasInstanceID wants the instance-id of a guest's seed to be another one than was
// remembered, or the same, and remembers it.
func (l *lab) hasInstanceID(name string, another bool, id *string) check {
	return func(ctx context.Context) error {
		c, err := l.client(ctx, name)
		if err != nil {
			return err
		}
		got, err := c.Run(ctx, "mkdir -p /seed && mount -t iso9660 -o ro /dev/vdb /seed && sed -n 's/^instance-id: //p' /seed/meta-data && umount /seed")
		if err == nil && (got == "" || another == (got == *id)) {
			err = fmt.Errorf("the instance-id of %s is %q and was %q; want it changed: %t", name, got, *id, another)
		}
		*id = got
		return err
	}
}

func TestCloudInit_IsWhatTheGuestReadsAndChangesAsItSays(t *testing.T) {
	t.Parallel()
	var token, id string
	uid := same("kvm_instance.seeded", "uid")
	update := planned("kvm_instance.seeded", plancheck.ResourceActionUpdate)
	steps := []tf.TestStep{
		{Config: seeded("seeded", "#!one", "restart"), ConfigStateChecks: checks{
			shared.hasNewToken("seeded", &token), shared.readsSeed("seeded", "#!one"), shared.hasInstanceID("seeded", true, &id), uid()}},
		refused(seeded("seeded", "#!two", "restart", "allow_restart = false"), "The change needs a restart", "cloud_init.user_data"),
		{Config: seeded("seeded", "#!two", "restart"), ConfigPlanChecks: update, ConfigStateChecks: checks{
			shared.hasNewToken("seeded", &token), shared.readsSeed("seeded", "#!two"), shared.hasInstanceID("seeded", true, &id), uid()}},
		{Config: seeded("seeded", "#!two", "restart", "vcpus = 2"), ConfigPlanChecks: update, ConfigStateChecks: checks{
			shared.hasNewToken("seeded", &token), shared.hasInstanceID("seeded", false, &id), uid()}},
	}
	steps = append(steps, imported("kvm_instance.seeded", "default/instances/seeded")...)
	shared.apply(t, "seeded", append(steps,
		tf.TestStep{Config: seeded("seeded", "#!three", "ignore", "vcpus = 2"), ConfigPlanChecks: update, ConfigStateChecks: checks{
			shared.hasToken("seeded", &token), shared.readsSeed("seeded", "#!two"), uid()}},
		tf.TestStep{Config: seeded("seeded", "#!four", "replace"), ConfigPlanChecks: planned("kvm_instance.seeded", plancheck.ResourceActionDestroyBeforeCreate), ConfigStateChecks: checks{
			shared.hasNewToken("seeded", &token), shared.readsSeed("seeded", "#!four"), shared.hasInstanceID("seeded", true, &id)}},
	)...)
}

func TestCloudInit_GoesWithForksAndSnapshots(t *testing.T) {
	t.Parallel()
	var token string
	snapshot := "resource \"kvm_snapshot\" \"sown\" {\n name = \"sown\"\n instance = kvm_instance.sown.id\n}\n"
	fork := func(more string) string {
		return "resource \"kvm_instance\" \"fork\" {\n name = \"sown-fork\"\n fork_of = kvm_snapshot.sown.id\n" + readyHTTP + "\n" + more + "\n}\n"
	}
	shared.apply(t, "sown",
		tf.TestStep{Config: seeded("sown", "#!old", "restart") + snapshot + fork(""), ConfigStateChecks: checks{
			shared.hasNewToken("sown", &token), shared.readsSeed("sown-fork", "#!old"), shared.hasToken("sown-fork", &token)}},
		tf.TestStep{Config: seeded("sown", "#!new", "restart") + snapshot + fork(`cloud_init = { user_data = "#!own", on_change = "ignore" }`), ConfigStateChecks: checks{
			shared.readsSeed("sown", "#!new"), shared.readsSeed("sown-fork", "#!old"), shared.hasToken("sown-fork", &token)}},
		// Taken back, the guest goes on, and has the seed that is declared, or that of
		// the snapshot where a change of it is ignored.
		tf.TestStep{Config: seeded("sown", "#!new", "restart", `restore_from = "sown"`) + snapshot, ConfigStateChecks: checks{
			shared.hasToken("sown", &token), hasSeed("sown", "#!new")}},
		tf.TestStep{Config: seeded("sown", "#!new", "ignore") + snapshot},
		tf.TestStep{Config: seeded("sown", "#!new", "ignore", `restore_from = "sown"`) + snapshot, ConfigStateChecks: checks{
			shared.hasToken("sown", &token), hasSeed("sown", "#!old")}},
	)
}

// hasSeed wants user data in the file of an instance's seed.
func hasSeed(name, userData string) statecheck.StateCheck {
	return check(func(context.Context) error {
		content, err := os.ReadFile(shared.path("instances/" + name + "/boot/seed.iso"))
		if err == nil && !strings.Contains(string(content), userData) {
			err = fmt.Errorf("the seed of %s has no %s", name, userData)
		}
		return err
	})
}

func TestCloudInit_WhoseSeedIsGoneIsToldAsDamage(t *testing.T) {
	t.Parallel()
	config := fmt.Sprintf("resource \"kvm_instance\" \"unsown\" {\n name = \"unsown\"\n kernel = { image = \"default/images/vmlinuz\" }\n state = \"stopped\"\n cloud_init = { user_data = %q }\n}\n", "#!x")
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	file := shared.path("instances/unsown/boot/seed.iso")
	must(t, os.Remove(file))
	out := w.want(2, "plan", "-detailed-exitcode")
	if !says("is damaged", "boot/seed.iso, is missing", "truncate -s 524288").MatchString(out) {
		t.Errorf("the plan says:\n%s", out)
	}
	must(t, os.WriteFile(file, nil, 0o600)) // as it says
	must(t, os.Truncate(file, 524288))
	w.want(0, "plan", "-detailed-exitcode")
}
