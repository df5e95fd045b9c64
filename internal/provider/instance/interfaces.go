package instance

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var forwardType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"guest_port":   types.Int64Type,
	"host_port":    types.Int64Type,
	"host_address": types.StringType,
	"protocol":     types.StringType,
}}

var interfaceType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"type":        types.StringType,
	"bridge":      types.StringType,
	"network":     types.StringType,
	"mac_address": types.StringType,
	"restrict":    types.BoolType,
	"forward":     types.MapType{ElemType: forwardType},
}}

// interfacesValue is what an instance of the host of that name has, never null: neither the map nor a
// forward in it, so that nothing and an empty map are one thing.
func interfacesValue(name string, inst *host.Instance) types.Map {
	present := inst.Present()
	interfaces := make(map[string]attr.Value, len(inst.Machine.NICs))
	for _, nic := range inst.Machine.NICs {
		interfaces[nic.Key] = types.ObjectValueMust(interfaceType.AttrTypes, map[string]attr.Value{
			"type":        types.StringValue(nic.Type),
			"bridge":      orNull(nic.Bridge),
			"network":     networkValue(name, nic.Network),
			"mac_address": types.StringValue(nic.MAC),
			"restrict":    types.BoolValue(nic.Restrict),
			"forward":     forwardsValue(present[nic.Key]),
		})
	}
	return types.MapValueMust(interfaceType, interfaces)
}

func orNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// networkValue is the id of a network on a host; null of none.
func networkValue(name, network string) types.String {
	if network == "" {
		return types.StringNull()
	}
	return idValue(name, host.Ref{Kind: host.Networks, Name: network})
}

func forwardsValue(forwards map[string]qemu.Forward) types.Map {
	values := make(map[string]attr.Value, len(forwards))
	for key, forward := range forwards {
		values[key] = types.ObjectValueMust(forwardType.AttrTypes, map[string]attr.Value{
			"guest_port":   types.Int64Value(int64(forward.GuestPort)),
			"host_port":    types.Int64Value(int64(forward.HostPort)),
			"host_address": types.StringValue(forward.HostAddress),
			"protocol":     types.StringValue(forward.Protocol),
		})
	}
	return types.MapValueMust(forwardType, values)
}

// interfaceSpecs is what is asked for: nil when that was left to the source of
// a fork, and likewise an interface's forwards.
func interfaceSpecs(interfaces types.Map) map[string]host.InterfaceSpec {
	if interfaces.IsNull() || interfaces.IsUnknown() {
		return nil
	}
	specs := make(map[string]host.InterfaceSpec, len(interfaces.Elements()))
	for key, value := range interfaces.Elements() {
		object, ok := known(value)
		if !ok {
			continue
		}
		restrict, _ := object.Attributes()["restrict"].(types.Bool)
		specs[key] = host.InterfaceSpec{
			Type:     text(object, "type").ValueString(),
			MAC:      text(object, "mac_address").ValueString(),
			Bridge:   text(object, "bridge").ValueString(),
			Network:  refOf(text(object, "network")).Name,
			Forwards: forwardsOf(object.Attributes()["forward"]),
			Restrict: pointer(restrict),
		}
	}
	return specs
}

// pointer is nil for what is not known yet: it is left to the source of a fork.
func pointer(value types.Bool) *bool {
	if value.IsUnknown() {
		return nil
	}
	return value.ValueBoolPointer()
}

// forwardsOf gives a forward whose host port is yet to be chosen port 0.
func forwardsOf(value attr.Value) map[string]qemu.Forward {
	forwards, ok := value.(types.Map)
	if !ok || forwards.IsNull() || forwards.IsUnknown() {
		return nil
	}
	found := make(map[string]qemu.Forward, len(forwards.Elements()))
	for key, value := range forwards.Elements() {
		object, ok := known(value)
		if !ok {
			continue
		}
		guest, _ := object.Attributes()["guest_port"].(types.Int64)
		port, _ := object.Attributes()["host_port"].(types.Int64)
		found[key] = qemu.Forward{
			Protocol:    text(object, "protocol").ValueString(),
			HostAddress: text(object, "host_address").ValueString(),
			HostPort:    int(port.ValueInt64()),
			GuestPort:   int(guest.ValueInt64()),
		}
	}
	return found
}

// known is an object that can be looked into.
func known(value attr.Value) (types.Object, bool) {
	object, ok := value.(types.Object)
	return object, ok && !object.IsNull() && !object.IsUnknown()
}
