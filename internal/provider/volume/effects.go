package volume

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to a volume.
var Effects = effect.Table{Object: "volume", Effects: map[string]effect.Effect{
	"id":                  effect.Computed,
	"uid":                 effect.Computed,
	"host":                effect.Replace,
	"name":                effect.Replace,
	"image":               effect.Replace,
	"size_gib":            effect.Live,
	"size_bytes":          effect.Computed,
	"deletion_protection": effect.Live,
	"labels":              effect.Live,
	"created_at":          effect.Computed,
	"timeouts":            effect.Local,
}}
