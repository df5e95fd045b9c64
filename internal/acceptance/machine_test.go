package acceptance_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestMachine_TypeAndCPUAreChosenAndChangedByARestart(t *testing.T) {
	t.Parallel()
	var token string
	has := func(attribute, value string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("kvm_instance.machine", tfjsonpath.New(attribute), knownvalue.StringExact(value))
	}
	named := func(machineType, cpu string) string {
		return booted("machine", readyHTTP+"\nmachine_type = "+quote(machineType)+"\ncpu_model = "+quote(cpu))
	}
	steps := []tf.TestStep{
		refused(named("pc-q35-0.0", "qemu64"), `no machine type "pc-q35-0.0"`, "-machine help"),
		after(func() { must(t, shared.holds("machine")(t.Context())) },
			refused(named("pc-q35-7.1", "nonsense"), `no CPU model "nonsense"`, "-cpu help")),
		after(func() { must(t, shared.holds("machine")(t.Context())) }, tf.TestStep{
			Config: named("pc-q35-7.1", "qemu64"),
			ConfigStateChecks: checks{
				has("machine_type", "pc-q35-7.1"), has("cpu_model", "qemu64"), has("firmware", "bios"),
				shared.hasNewToken("machine", &token), shared.in("machine", "grep -c 'QEMU Virtual CPU' /proc/cpuinfo", "1"),
			},
		}),
		// Nothing is stopped for what QEMU does not have.
		refused(named("pc-q35-7.1", "host"), "the host's own", "under the accelerator tcg", "The instance is running."),
		{ // what is left out stays
			Config:            booted("machine", readyHTTP),
			ConfigPlanChecks:  planned("kvm_instance.machine", plancheck.ResourceActionNoop),
			ConfigStateChecks: checks{has("machine_type", "pc-q35-7.1"), has("cpu_model", "qemu64"), shared.hasToken("machine", &token)},
		},
		{
			Config:           named("pc-q35-7.0", "Nehalem"),
			ConfigPlanChecks: planned("kvm_instance.machine", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{
				has("machine_type", "pc-q35-7.0"), has("cpu_model", "Nehalem"),
				shared.hasNewToken("machine", &token), shared.in("machine", "grep -c Nehalem /proc/cpuinfo", "1"),
			},
		},
	}
	shared.apply(t, "machine", append(steps, imported("kvm_instance.machine", "default/instances/machine")...)...)
}

// What a guest makes of it takes a quarter of a minute, and is for the driver's
// tests.
func TestFirmware_UEFIIsImportedAndInherited(t *testing.T) {
	t.Parallel()
	const stopped = `resource "kvm_instance" "uefi" {
		name       = "uefi"
		image      = "default/images/disk"
		memory_mib = 128
		firmware   = "uefi"
		state      = "stopped"
	}
	`
	const forked = stopped + `resource "kvm_instance" "uefi-fork" {
		name    = "uefi-fork"
		fork_of = kvm_instance.uefi.id
		state   = "stopped"
	}
	`
	fork := func(attribute, value string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("kvm_instance.uefi-fork", tfjsonpath.New(attribute), knownvalue.StringExact(value))
	}
	steps := []tf.TestStep{
		{Config: stopped},
		{Config: forked, ConfigStateChecks: checks{fork("firmware", "uefi")}},
		refused(strings.Replace(forked, "fork_of ", "firmware = \"bios\"\nfork_of ", 1), "firmware", "bios", "uefi"),
	}
	shared.apply(t, "uefi", append(steps, imported("kvm_instance.uefi", "default/instances/uefi")...)...)
}
