package snapshot

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to a snapshot.
var Effects = effect.Table{Object: "snapshot", Effects: map[string]effect.Effect{
	"id":         effect.Computed,
	"uid":        effect.Computed,
	"host":       effect.Computed,
	"name":       effect.Replace,
	"instance":   effect.Replace,
	"labels":     effect.Live,
	"kind":       effect.Computed,
	"vcpus":      effect.Computed,
	"memory_mib": effect.Computed,
	"size_bytes": effect.Computed,
	"created_at": effect.Computed,
	"timeouts":   effect.Local,
}}
