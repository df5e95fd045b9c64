package acceptance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestPasst_OfAnInstanceAndItsFork: what its processes are is tested with the
// driver.
func TestPasst_OfAnInstanceAndItsForkIsAppliedSleepsAndIsMended(t *testing.T) {
	if _, err := exec.LookPath("passt"); err != nil {
		t.Skip("this needs passt (package passt)")
	}
	t.Parallel()
	var token string
	source := func(lan string, more ...string) string {
		text := booted("passt", readyHTTP+"\n"+strings.Join(more, "\n"))
		return strings.Replace(text, "lan = {", `lan = { type = "passt", `+lan, 1)
	}
	fork := func(more ...string) string {
		return forkOf("passt-fork", "default/instances/passt", append(more, "depends_on = [kvm_instance.passt]")...)
	}
	const two = `forward = { http = { guest_port = 80 }, again = { guest_port = 80 } }`
	more := func(lines ...string) string {
		return strings.Replace(source("", lines...), "forward = { http = { guest_port = 80 } }", two, 1)
	}
	address := same("kvm_instance.passt-fork", "network_interfaces")
	remembers := func() checks {
		return checks{shared.hasToken("passt", &token), shared.hasToken("passt-fork", &token), address()}
	}
	killed := func() {
		record, err := os.ReadFile(filepath.Join(shared.DataDir, "instances/passt/run/passt.pid"))
		must(t, err)
		pid, err := strconv.Atoi(strings.Fields(string(record))[0])
		must(t, err)
		must(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	steps := []tf.TestStep{
		refused(source(`restrict = true, `), "Not with passt", "leave out restrict"),
		{Config: source(""), ConfigStateChecks: checks{shared.hasNewToken("passt", &token)}},
		{Config: source("") + fork(), ConfigStateChecks: remembers()},
		{Config: source("", `state = "standby"`) + fork(`state = "standby"`), ConfigStateChecks: checks{shared.isIn("passt", lifecycle.Standby), shared.isIn("passt-fork", lifecycle.Standby), address()}},
		{Config: source("") + fork(), ConfigStateChecks: remembers()},
		refused(more("allow_restart = false")+fork(), "The change needs a restart", "forward"),
		{
			Config:            more() + fork(),
			ConfigPlanChecks:  planned("kvm_instance.passt", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{shared.hasNewToken("passt", &token)},
		},
		after(killed, tf.TestStep{
			Config:            more() + fork(),
			ConfigPlanChecks:  planned("kvm_instance.passt", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{shared.hasNewToken("passt", &token), shared.isIn("passt-fork", lifecycle.Running), address()},
		}),
	}
	steps = append(steps, imported("kvm_instance.passt", "default/instances/passt")...)
	shared.apply(t, "passt", append(steps, imported("kvm_instance.passt-fork", "default/instances/passt-fork")...)...)
}
