package image

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to an image.
var Effects = effect.Table{Object: "image", Effects: map[string]effect.Effect{
	"id":                 effect.Computed,
	"uid":                effect.Computed,
	"host":               effect.Replace,
	"name":               effect.Replace,
	"source":             effect.Replace,
	"checksum":           effect.Replace,
	"sha256":             effect.Computed,
	"format":             effect.Computed,
	"size_bytes":         effect.Computed,
	"virtual_size_bytes": effect.Computed,
	"timeouts":           effect.Local,
}}
