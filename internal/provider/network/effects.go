package network

import "github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"

// Effects says what a change of each argument does to a network.
var Effects = effect.Table{Object: "network", Effects: map[string]effect.Effect{
	"id":               effect.Computed,
	"uid":              effect.Computed,
	"host":             effect.Replace,
	"name":             effect.Replace,
	"cidr":             effect.Live,
	"nat":              effect.Live,
	"dhcp_range":       effect.Live,
	"dhcp_range.first": effect.Live,
	"dhcp_range.last":  effect.Live,
	"domain":           effect.Live,
	"state":            effect.Move,
	"labels":           effect.Live,
	"gateway":          effect.Computed,
	"bridge":           effect.Computed,
	"created_at":       effect.Computed,
	"timeouts":         effect.Local,
}}
