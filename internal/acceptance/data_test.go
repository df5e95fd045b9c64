package acceptance_test

import (
	"fmt"
	"regexp"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestData has a host of its own, where it knows what there is to be counted.
func TestData_TellsWhatThereIs(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{})
	objects := own.provider(nil) + image("kernel", own.guest.Kernel, "") + image("initrd", own.guest.Initrd, "") + fmt.Sprintf(`
		resource "kvm_instance" "runs" {
			name       = "runs"
			kernel     = { image = kvm_image.kernel.id, initrd = kvm_image.initrd.id, command_line = %q }
			memory_mib = 128
			labels     = { role = "web", env = "test" }
		}
		resource "kvm_instance" "stopped" {
			name   = "stopped"
			kernel = { image = kvm_image.kernel.id }
			state  = "stopped"
			labels = { role = "db" }
		}
		resource "kvm_volume" "held" {
			name     = "held"
			size_gib = 1
			labels   = { role = "db" }
		}
		resource "kvm_volume" "spare" {
			name     = "spare"
			size_gib = 2
		}
		resource "kvm_instance" "holder" {
			name   = "holder"
			kernel = { image = kvm_image.kernel.id }
			state  = "stopped"
			disks  = { data = { volume = kvm_volume.held.id } }
		}
		resource "kvm_snapshot" "old" {
			name     = "zz-old"
			instance = kvm_instance.stopped.id
		}`, testhost.CommandLine)
	// The age of a snapshot is told in seconds.
	newer := `
		resource "kvm_snapshot" "new" {
			name     = "aa-new"
			instance = kvm_instance.stopped.id
			labels   = { keep = "yes" }
		}
		resource "kvm_snapshot" "other" {
			name     = "other"
			instance = kvm_instance.runs.id
		}`
	data := `
		data "kvm_host" "it" {}
		data "kvm_instances" "all" {}
		data "kvm_instances" "web" { labels = { role = "web" } }
		data "kvm_snapshots" "of" { instance = "default/instances/stopped" }
		data "kvm_snapshots" "kept" { labels = { keep = "yes" } }
		data "kvm_volumes" "all" {}
		data "kvm_volumes" "db" { labels = { role = "db" } }
		output "volumes" { value = join(",", [for v in data.kvm_volumes.all.volumes : "${v.id}=${v.size_bytes}=${v.instance == null ? "" : v.instance}"]) }
		output "db"   { value = join(",", data.kvm_volumes.db.volumes[*].name) }
		output "all"  { value = join(",", [for i in data.kvm_instances.all.instances : "${i.name}=${i.state}"]) }
		output "web"  { value = join(",", data.kvm_instances.web.instances[*].name) }
		output "of"   { value = join(",", data.kvm_snapshots.of.snapshots[*].name) }
		output "kept" { value = join(",", data.kvm_snapshots.kept.snapshots[*].id) }
	`
	about := func(attribute string, value knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.kvm_host.it", tfjsonpath.New(attribute), value)
	}
	output := func(name, value string) statecheck.StateCheck {
		return statecheck.ExpectKnownOutputValue(name, knownvalue.StringExact(value))
	}
	own.apply(t, "",
		tf.TestStep{Config: objects},
		tf.TestStep{Config: objects + newer},
		tf.TestStep{
			Config: objects + newer + data,
			ConfigStateChecks: checks{
				about("host", knownvalue.StringExact("default")),
				about("qemu_version", knownvalue.StringRegexp(regexp.MustCompile(`^\d+\.\d+(\.\d+)?$`))),
				about("machine_type", knownvalue.StringRegexp(regexp.MustCompile(`^pc-q35-\d+\.\d+$`))),
				about("accelerator", knownvalue.StringExact("tcg")), about("accelerator_works", knownvalue.Bool(true)),
				about("data_dir", knownvalue.StringExact(own.DataDir)),
				about("instances", knownvalue.Int64Exact(3)), about("running_instances", knownvalue.Int64Exact(1)),
				about("snapshots", knownvalue.Int64Exact(3)), about("images", knownvalue.Int64Exact(2)),
				output("all", "holder=stopped,runs=running,stopped=stopped"), output("web", "runs"),
				output("of", "aa-new,zz-old"), output("kept", "default/snapshots/aa-new"),
				output("volumes", "default/volumes/held=1073741824=default/instances/holder,default/volumes/spare=2147483648="), output("db", "held"),
			},
		},
	)
}
