package instance

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// Defaults of arguments.
const (
	defaultVCPUs        = 1
	defaultMemoryMiB    = 512
	defaultStopTimeout  = "30s"
	defaultReadyTimeout = "5m"
	defaultHostAddress  = "127.0.0.1"
	defaultProtocol     = "tcp"
	defaultNICType      = "user"
	bridgeNICType       = "bridge"
)

// Bounds that no host comes near. What is above them is a slip, and would not fit
// into a number of bytes in the end.
const (
	mostMemoryMiB = 64 << 20 // 64 TiB
	mostDiskGiB   = 8 << 20  // 8 PiB
)

var limits = field.Limits{Create: 20 * time.Minute, Update: 20 * time.Minute, Delete: 5 * time.Minute}

func (r *instanceResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Version: 0, // raise it, with an upgrader, when what is stored changes its meaning: CONTRIBUTING.md
		MarkdownDescription: "A virtual machine. It is made from an `image`, from a `kernel`, or from both, or it is a fork of a snapshot or of another instance (`fork_of`): " +
			"a fork starts where its source stood, memory and disk, in a fraction of a second, and never depends on it. " +
			"Each attribute says what a change of it does.",
		Attributes: map[string]schema.Attribute{
			"id":   field.ID(Effects, host.Instances),
			"uid":  field.UID(Effects),
			"name": field.Name(Effects),
			"host": field.Host(Effects, "the host of the image, kernel or source"),
			"image": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("image", "Id of the `kvm_image` to boot from: the instance's disk starts as a copy-on-write layer over it. Conflicts with `fork_of`. "+
					"An image that is made anew under the same name replaces no instance; to have that, use `replace_triggered_by`."),
				Optional:   true,
				Validators: []validator.String{field.IsID(host.Images)},
			},
			"fork_of": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("fork_of", "Id of the `kvm_snapshot` or `kvm_instance` to fork. The source may be running, standby or stopped; it goes on unchanged. "+
					"The fork takes over its virtual CPUs, memory, firmware, kernel, disk and network interfaces. Conflicts with `image` and `kernel`. "+
					"A source that is made anew under the same name replaces no fork; to have that, use `replace_triggered_by`."),
				Optional:   true,
				Validators: []validator.String{field.IsID(host.Snapshots, host.Instances)},
			},
			"kernel":     kernelAttribute(),
			"cloud_init": cloudInitAttribute(),
			"vcpus": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("vcpus", "Number of virtual CPUs. Default: 1; on a fork that of its source, with which it must agree."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 1024)},
				PlanModifiers:       []planmodifier.Int64{inheritedNumber{defaultVCPUs}},
			},
			"memory_mib": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("memory_mib", "Memory in MiB. Default: 512; on a fork that of its source, with which it must agree."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.Between(1, mostMemoryMiB)},
				PlanModifiers:       []planmodifier.Int64{inheritedNumber{defaultMemoryMiB}},
			},
			"disk_gib": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("disk_gib", "Size of the disk in GiB, at least that of the image or source. It grows while the instance runs, and in standby when it runs next; to make it smaller is an error in the plan. "+
					"Default: the size of the image or source, or no disk without either."),
				Optional:      true,
				Computed:      true,
				Validators:    []validator.Int64{int64validator.Between(1, mostDiskGiB)},
				PlanModifiers: []planmodifier.Int64{field.KeptSize{}},
			},
			"state": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("state", "What the instance should be: `running`; `standby`, memory and disk saved and no process; or `stopped`. Default: `running`. "+
					"It reads as what the instance is, which may also be `paused`, `panicked` or `unknown`. "+
					"What is to be `standby` is saved as soon as it is ready: without `ready`, while it still boots."),
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(string(lifecycle.Running)),
				Validators: []validator.String{stringvalidator.OneOf(desiredStates()...)},
			},
			"restore_from":       restoreFromAttribute(),
			"disks":              disksAttribute(),
			"network_interfaces": interfacesAttribute(),
			"ip_addresses":       addressesAttribute(),
			"guest_agent":        guestAgentAttribute(),
			"identity":           identityAttribute(),
			"on_fork":            onForkAttribute(),
			"ready":              readyAttribute(),
			"stop_timeout": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("stop_timeout", "How long the guest may take to shut down when it is asked to, such as `90s`, before its process is ended. Default: `30s`."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultStopTimeout),
				Validators:          []validator.String{field.IsDuration()},
			},
			"allow_restart": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("allow_restart", "Whether the instance may be restarted by a change that needs it. `false`: such a change is an error in the plan. A restart that the plan did not announce is refused by the apply, either way. Default: `true`."),
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
			"deletion_protection": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("deletion_protection", "Whether deleting or replacing the instance is an error. Default: `false`."),
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"labels":       field.Labels(Effects),
			"machine_type": machineTypeAttribute(),
			"cpu_model":    cpuModelAttribute(),
			"firmware":     firmwareAttribute(),
			"created_at":   field.Fixed(Effects, "created_at", "When the instance was made, as in RFC 3339, UTC."),
			"timeouts":     field.Timeouts(ctx, Effects, limits),
		},
	}
}

func desiredStates() []string {
	var states []string
	for _, state := range lifecycle.Desired() {
		states = append(states, string(state))
	}
	return states
}
