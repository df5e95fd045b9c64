package instance

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to an instance.
var Effects = effect.Table{Object: "instance", Effects: map[string]effect.Effect{
	"id":           effect.Computed,
	"uid":          effect.Computed,
	"created_at":   effect.Computed,
	"ip_addresses": effect.Computed,

	"host":    effect.Replace,
	"name":    effect.Replace,
	"image":   effect.Replace,
	"fork_of": effect.Replace,

	"kernel":              effect.ByPart,
	"kernel.image":        effect.Restart,
	"kernel.initrd":       effect.Restart,
	"kernel.command_line": effect.Restart,

	"cloud_init":                      effect.ByPart,
	"cloud_init.user_data":            effect.ByChoice,
	"cloud_init.user_data_wo":         effect.ByChoice,
	"cloud_init.user_data_wo_version": effect.ByChoice,
	"cloud_init.meta_data":            effect.ByChoice,
	"cloud_init.network_config":       effect.ByChoice,
	"cloud_init.on_change":            effect.Local,
	"cloud_init.digest":               effect.Computed,

	"vcpus":        effect.Restart,
	"memory_mib":   effect.Restart,
	"machine_type": effect.Restart,
	"cpu_model":    effect.Restart,
	"firmware":     effect.Replace,
	"disk_gib":     effect.Live,
	"state":        effect.Move,

	"disks":            effect.ByPart,
	"disks.*":          effect.Live,
	"disks.*.volume":   effect.Live,
	"disks.*.image":    effect.Live,
	"disks.*.size_gib": effect.Live,

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

	"guest_agent":            effect.Restart,
	"identity":               effect.Local,
	"identity.hostname":      effect.Local,
	"identity.machine_id":    effect.Local,
	"identity.ssh_host_keys": effect.Local,
	"on_fork":                effect.Local,

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
