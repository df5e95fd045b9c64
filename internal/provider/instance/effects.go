package instance

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to an instance.
var Effects = effect.Table{Object: "instance", Effects: map[string]effect.Effect{
	"id":         effect.Computed,
	"uid":        effect.Computed,
	"created_at": effect.Computed,

	"host":    effect.Replace,
	"name":    effect.Replace,
	"image":   effect.Replace,
	"fork_of": effect.Replace,

	"kernel":              effect.ByPart,
	"kernel.image":        effect.Restart,
	"kernel.initrd":       effect.Restart,
	"kernel.command_line": effect.Restart,

	"vcpus":        effect.Restart,
	"memory_mib":   effect.Restart,
	"machine_type": effect.Restart,
	"cpu_model":    effect.Restart,
	"firmware":     effect.Replace,
	"disk_gib":     effect.Live,
	"state":        effect.Move,

	"restore_from": effect.Rollback,

	"network_interfaces":                          effect.ByPart,
	"network_interfaces.*":                        effect.Replace,
	"network_interfaces.*.type":                   effect.Replace,
	"network_interfaces.*.bridge":                 effect.Restart,
	"network_interfaces.*.network":                effect.Restart,
	"network_interfaces.*.mac_address":            effect.Restart,
	"network_interfaces.*.restrict":               effect.Restart,
	"network_interfaces.*.forward":                effect.Live,
	"network_interfaces.*.forward.*.guest_port":   effect.Live,
	"network_interfaces.*.forward.*.host_port":    effect.Live,
	"network_interfaces.*.forward.*.host_address": effect.Live,
	"network_interfaces.*.forward.*.protocol":     effect.Live,

	"ready":         effect.Local,
	"ready.check":   effect.Local,
	"ready.port":    effect.Local,
	"ready.path":    effect.Local,
	"ready.pattern": effect.Local,
	"ready.timeout": effect.Local,

	"stop_timeout":        effect.Local,
	"allow_restart":       effect.Local,
	"deletion_protection": effect.Live,
	"labels":              effect.Live,
	"timeouts":            effect.Local,
}}
