package acceptance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// ids are those of all that Terraform manages here, by address.
func (w *workspace) ids() map[string]string {
	w.t.Helper()
	var shown struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address, Mode string
					Values        struct{ ID string }
				}
			} `json:"root_module"`
		}
	}
	must(w.t, json.Unmarshal([]byte(w.want(0, "show", "-json")), &shown))
	ids := map[string]string{}
	for _, r := range shown.Values.RootModule.Resources {
		if r.Mode == "managed" {
			ids[r.Address] = r.Values.ID
		}
	}
	return ids
}

// forget makes Terraform forget what has these ids.
func (w *workspace) forget(ids map[string]string) {
	w.t.Helper()
	w.want(0, append([]string{"state", "rm"}, slices.Collect(maps.Keys(ids))...)...)
}

// add writes a file beside the configuration; remove it with os.Remove.
func (w *workspace) add(name, config string) (file string) {
	w.t.Helper()
	file = filepath.Join(w.dir, name)
	must(w.t, os.WriteFile(file, []byte(config), 0o600))
	return file
}

// importBlocks are those that import what has these ids.
func importBlocks(ids map[string]string) string {
	var b strings.Builder
	for _, address := range slices.Sorted(maps.Keys(ids)) {
		fmt.Fprintf(&b, "import {\n  to = %s\n  id = %q\n}\n", address, ids[address])
	}
	return b.String()
}

// plans wants the plan to have nothing but these numbers.
func plans(t *testing.T, said string, toImport int) {
	t.Helper()
	if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", toImport); !strings.Contains(said, want) {
		t.Errorf("want %q:\n%s", want, said)
	}
}

// reimport forgets everything and imports it again. That plan, and the next, must
// have nothing else to do.
func (w *workspace) reimport() {
	w.t.Helper()
	ids := w.ids()
	w.forget(ids)
	blocks := w.add("import.tf", importBlocks(ids))
	plans(w.t, w.want(0, "apply", "-auto-approve"), len(ids))
	must(w.t, os.Remove(blocks))
	w.want(0, "plan", "-detailed-exitcode")
}

// importable has every kind of object, made of what is on the shared host, with
// every argument that no default is like. Little of it runs.
func importable() string {
	return fmt.Sprintf(`
	resource "kvm_image" "disk" {
		name     = "import-disk"
		source   = %q
		timeouts = { create = "7m" }
	}
	resource "kvm_instance" "full" {
		name               = "import-full"
		image              = kvm_image.disk.id
		kernel             = { image = "default/images/vmlinuz", initrd = "default/images/initrd", command_line = "console=ttyS0 quote=\"$${x}\"" }
		memory_mib         = 128
		disk_gib           = 1
		state              = "stopped"
		network_interfaces = { lan = { forward = { ssh = { guest_port = 22 }, dns = { guest_port = 53, protocol = "udp" } } }, spare = {} }
		ready              = { check = "console", pattern = "\\$${login}: $" }
		stop_timeout       = "90s"
		allow_restart      = false
		labels             = { role = "golden" }
		timeouts           = { create = "12m", delete = "80s" }
	}
	resource "kvm_instance" "plain" {
		name   = "import-plain"
		kernel = { image = "default/images/vmlinuz" }
		state  = "stopped"
	}
	resource "kvm_instance" "fork" {
		name    = "import-fork"
		fork_of = "default/snapshots/golden"
		ready   = { check = "http", port = 80, path = "/token", timeout = "3m" }
	}
	resource "kvm_snapshot" "snap" {
		name     = "import-snap"
		instance = kvm_instance.fork.id
		labels   = { made = "live" }
		timeouts = { create = "9m" }
	}
	`, shared.guest.Disk)
}

func TestImport_GivesWhatWasDeclaredByEveryWay(t *testing.T) {
	t.Parallel()
	config := importable()
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	ids := w.ids()
	if len(ids) != 5 {
		t.Fatalf("there is %v", ids)
	}

	// On the command line, by id and by bare name; the rest by blocks.
	w.forget(ids)
	rest := maps.Clone(ids)
	for address, id := range map[string]string{"kvm_instance.full": "default/instances/import-full", "kvm_image.disk": "import-disk"} {
		w.want(0, "import", "-no-color", address, id)
		delete(rest, address)
	}
	w.write(config + importBlocks(rest))
	plans(t, w.want(0, "apply", "-auto-approve"), len(rest))
	w.want(0, "plan", "-detailed-exitcode")

	w.forget(ids)
	w.write(importBlocks(ids))
	plans(t, w.want(0, "plan", "-generate-config-out=generated.tf"), len(ids))
	plans(t, w.want(0, "apply", "-auto-approve"), len(ids))
	w.want(0, "plan", "-detailed-exitcode")
}

func TestSettings_AreKeptOnTheHostWhenTheyChange(t *testing.T) {
	t.Parallel()
	image := func(more string) string {
		return fmt.Sprintf("resource \"kvm_image\" \"kept\" {\n name = \"kept\"\n source = %q\n %s\n}\n", shared.guest.Kernel, more)
	}
	instance := func(more string) string {
		return "resource \"kvm_instance\" \"kept\" {\n name = \"kept\"\n kernel = { image = kvm_image.kept.id }\n state = \"stopped\"\n" + more + "\n}\n"
	}
	snapshot := func(more string) string {
		return "resource \"kvm_snapshot\" \"kept\" {\n name = \"kept\"\n instance = kvm_instance.kept.id\n" + more + "\n}\n"
	}
	limits := `timeouts = { create = "9m" }`
	w := newWorkspace(t, image(limits)+instance(`ready = { check = "console", pattern = "up" }`)+snapshot(limits))
	w.want(0, "apply", "-auto-approve")
	w.write(image("") + instance("stop_timeout = \"1m\"\nlabels = { a = \"b\" }\n"+limits) + snapshot(""))
	if said := w.want(0, "apply", "-auto-approve"); !strings.Contains(said, "0 added, 3 changed, 0 destroyed") {
		t.Errorf("changed:\n%s", said)
	}
	w.reimport()
}

func TestImport_ByIdentity(t *testing.T) {
	t.Parallel()
	test := tf.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: factories,
		Steps:                    []tf.TestStep{{Config: strings.ReplaceAll(importable(), "import-", "identity-")}},
	}
	for _, address := range []string{"kvm_image.disk", "kvm_instance.full", "kvm_instance.fork", "kvm_snapshot.snap"} {
		test.Steps = append(test.Steps, tf.TestStep{ResourceName: address, ImportState: true, ImportStateKind: tf.ImportBlockWithResourceIdentity})
	}
	tf.Test(t, test)
	shared.nothing(t, "identity-")()
}

func TestMovedAndRemovedBlocks_TouchNothingOnTheHost(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, fork("moved"))
	w.want(0, "apply", "-auto-approve")
	pid, err := shared.pid("moved")
	must(t, err)

	w.write(strings.Replace(fork("moved"), `"moved"`, `"renamed"`, 1) + "moved {\n  from = kvm_instance.moved\n  to = kvm_instance.renamed\n}\n")
	said := w.want(0, "apply", "-auto-approve")
	if !strings.Contains(said, "has moved to") || !strings.Contains(said, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("moved:\n%s", said)
	}
	w.want(0, "plan", "-detailed-exitcode")

	w.write("removed {\n  from = kvm_instance.renamed\n  lifecycle { destroy = false }\n}\n")
	said = w.want(0, "apply", "-auto-approve")
	if !strings.Contains(said, "will no longer be managed") || !strings.Contains(said, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("removed:\n%s", said)
	}
	if left := w.ids(); len(left) != 0 {
		t.Errorf("Terraform still manages %v", left)
	}
	must(t, shared.hasToken("moved", &shared.token)(t.Context()))
	if same, _ := shared.pid("moved"); same != pid {
		t.Errorf("its process was %d and is %d", pid, same)
	}

	must(t, shared.remove(t.Context(), "instances/moved"))
}
