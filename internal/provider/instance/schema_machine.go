package instance

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var (
	// q35Type is a machine type with its version, as upstream's and distributions'
	// are: pc-q35-7.2, pc-q35-rhel9.2.0.
	q35Type = regexp.MustCompile(`^pc-q35-[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// cpuModel is what package qemu accepts of one: flags, which follow a comma,
	// are no part of it.
	cpuModel = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

func machineTypeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("machine_type", "QEMU's machine type with its version, such as `pc-q35-7.2`: one of the family `pc-q35-`, whose PCI slots are known, and none that is an alias, such as `q35`, which is another one after an upgrade. "+
			"It stays when the host's QEMU is upgraded. Default: the newest of the host's QEMU when the instance is made; on a fork that of its source, with which it must agree. Left out later, it stays what it is."),
		Optional:      true,
		Computed:      true,
		Validators:    []validator.String{stringvalidator.RegexMatches(q35Type, "must be a versioned machine type such as pc-q35-7.2, not an alias such as q35")},
		PlanModifiers: []planmodifier.String{keptText{}},
	}
}

func cpuModelAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("cpu_model", "QEMU's model of the virtual CPUs, without flags, such as `qemu64` or `Skylake-Server-v4`, of which `qemu-system-x86_64 -cpu help` has a list. "+
			"A model that several hosts can have makes a checkpoint loadable on each of them. Default: all that the host can give: `host` under `kvm`, `max` under `tcg`; on a fork that of its source, with which it must agree. Left out later, it stays what it is."),
		Optional:      true,
		Computed:      true,
		Validators:    []validator.String{stringvalidator.RegexMatches(cpuModel, "must be the name of a CPU model such as qemu64, without flags")},
		PlanModifiers: []planmodifier.String{keptText{}},
	}
}

func firmwareAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("firmware", "What the guest is booted by: `bios`, or `uefi`, for which the host needs OVMF (Debian and Ubuntu: the package `ovmf`). "+
			"The instance gets a copy of it, without Secure Boot, which no upgrade of the host changes, and variables of its own, which are part of its snapshots and forks. "+
			"Default: `bios`; on a fork that of its source, with which it must agree. Left out later, it stays what it is."),
		Optional:      true,
		Computed:      true,
		Validators:    []validator.String{stringvalidator.OneOf(qemu.FirmwareBIOS, qemu.FirmwareUEFI)},
		PlanModifiers: []planmodifier.String{keptText{qemu.FirmwareBIOS}},
	}
}
