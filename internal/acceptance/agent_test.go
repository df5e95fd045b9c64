package acceptance_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testguest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// ofDebian is a fork of the Debian that runs.
func ofDebian(name string, lines ...string) string {
	return fmt.Sprintf(`resource "kvm_instance" %q {
		name    = %q
		fork_of = "default/snapshots/%s"
		%s
	}
	`, name, name, testguest.Debian, strings.Join(lines, "\n"))
}

// TestAgent_TellsAForkWhoItIsAndTerraformItsAddresses is about a guest that really
// has an agent.
func TestAgent_TellsAForkWhoItIsAndTerraformItsAddresses(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{})
	ctx := t.Context()
	key, err := testguest.PutDebian(ctx, own.DataDir)
	must(t, err)
	t.Cleanup(func() { must(t, own.remove(context.Background(), "snapshots/"+testguest.Debian)) })
	output := `output "addresses" { value = join(",", kvm_instance.web.ip_addresses["lan"]) }
	`

	broken := own.provider(nil) + output + ofDebian("web", `on_fork = ["echo hello; echo ${upper("no such thing")} >&2; exit 3"]`)
	w := newWorkspace(t, broken)
	tells(t, w.want(1, "apply", "-auto-approve"), "on_fork[0] in the guest ended with status 3", "NO SUCH THING", "marked as tainted")

	identity := `identity = { hostname = "www.example.com", machine_id = false }`
	config := own.provider(nil) + output + ofDebian("web", identity, `on_fork = ["hostname >/root/forked"]`, `ready = { check = "agent" }`)
	w.write(config)
	tells(t, w.want(0, "apply", "-auto-approve"), "1 added", "1 destroyed", "10.0.2.15")
	w.want(0, "plan", "-detailed-exitcode")
	web, err := own.instance(ctx, "web")
	must(t, err)
	said, err := exec.Command("ssh", "-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
		"-p", fmt.Sprint(web.Forwards["lan"]["ssh"].HostPort), testhost.DebianUser+"@127.0.0.1", "hostname; sudo cat /root/forked; cloud-init status").Output()
	if want := "www.example.com\nwww.example.com\nstatus: done\n"; err != nil || string(said) != want {
		t.Errorf("the guest said %q, %v; want %q", said, err, want)
	}
	tells(t, w.want(0, "state", "show", "kvm_instance.web"), `guest_agent          = true`, `"10.0.2.15"`)

	w.want(0, "state", "rm", "kvm_instance.web")
	w.want(0, "import", "kvm_instance.web", "web")
	w.want(0, "plan", "-detailed-exitcode")

	// A provider that dies between a restore and what it has to tell leaves a guest
	// that runs and takes itself for another: no attribute shows it, the plan does.
	asleep := ofDebian("late", `state = "standby"`)
	w.write(config + asleep)
	w.want(0, "apply", "-auto-approve")
	late, err := own.instance(ctx, "late")
	must(t, err)
	must(t, own.driver.Restore(ctx, late))
	w.write(config + ofDebian("late"))
	tells(t, w.want(2, "plan", "-detailed-exitcode"), "kvm_instance.late will be updated in-place", "has not been told")
	tells(t, w.want(0, "apply", "-auto-approve"), "1 changed")
	w.want(0, "plan", "-detailed-exitcode")
	if late, err = own.instance(ctx, "late"); err != nil || late.NeedsAwakening() {
		t.Errorf("%+v, %v; want it told", late, err)
	}
	w.want(0, "destroy", "-auto-approve")
}
