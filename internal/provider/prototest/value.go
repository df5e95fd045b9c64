package prototest

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func pack(t *testing.T, schema *tfprotov6.Schema, value map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	typ := schema.ValueType()
	v := tftypes.NewValue(typ, nil)
	if value != nil {
		v = Value(typ, value)
	}
	packed, err := tfprotov6.NewDynamicValue(typ, v)
	if err != nil {
		t.Fatal(err)
	}
	return &packed
}

func unpack(t *testing.T, schema *tfprotov6.Schema, packed *tfprotov6.DynamicValue) map[string]tftypes.Value {
	t.Helper()
	v, err := packed.Unmarshal(schema.ValueType())
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]tftypes.Value
	if !v.IsNull() && v.As(&top) != nil {
		t.Fatalf("not an object: %s", v)
	}
	return top
}

// configurable is what of a value of these attributes can be configured.
func configurable(attributes []*tfprotov6.SchemaAttribute, value map[string]any) map[string]any {
	config := map[string]any{}
	for _, attribute := range attributes {
		inside, isFull := value[attribute.Name].(map[string]any)
		switch {
		case !attribute.Optional && !attribute.Required:
		case attribute.NestedType == nil || !isFull:
			config[attribute.Name] = value[attribute.Name]
		case attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeSingle:
			config[attribute.Name] = configurable(attribute.NestedType.Attributes, inside)
		default: // a map
			elements := map[string]any{}
			for key, element := range inside {
				elements[key] = configurable(attribute.NestedType.Attributes, element.(map[string]any))
			}
			config[attribute.Name] = elements
		}
	}
	return config
}

// Value makes a value of Go's strings, ints, bools, maps and slices; what an
// object leaves out is null.
func Value(typ tftypes.Type, value any) tftypes.Value {
	if _, unknown := value.(Unknown); unknown {
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		given, ok := value.(map[string]any)
		if !ok {
			break
		}
		inside := map[string]tftypes.Value{}
		for name, attribute := range typ.AttributeTypes {
			inside[name] = Value(attribute, given[name])
		}
		for name := range given {
			if _, ok := inside[name]; !ok {
				panic("prototest: there is no attribute " + name)
			}
		}
		return tftypes.NewValue(typ, inside)
	case tftypes.Map:
		given, ok := value.(map[string]any)
		if !ok {
			break
		}
		inside := map[string]tftypes.Value{}
		for key, element := range given {
			inside[key] = Value(typ.ElementType, element)
		}
		return tftypes.NewValue(typ, inside)
	case tftypes.List:
		given, ok := value.([]any)
		if !ok {
			break
		}
		var inside []tftypes.Value
		for _, element := range given {
			inside = append(inside, Value(typ.ElementType, element))
		}
		return tftypes.NewValue(typ, inside)
	}
	return tftypes.NewValue(typ, value)
}
