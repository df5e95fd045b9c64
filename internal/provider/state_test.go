package provider

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
)

// TestState_OfEveryVersionIsUnderstood reads states as each version of a schema
// wrote them. Whoever raises a schema's version adds such a state and, for the
// one before, an upgrader; files that are there stay as they are.
func TestState_OfEveryVersionIsUnderstood(t *testing.T) {
	p := serve(t)
	for name, schema := range p.Schemas().ResourceSchemas {
		for version := range schema.Version + 1 {
			file := fmt.Sprintf("testdata/state/%s.v%d.json", name, version)
			written, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
				continue
			}
			read, diags := p.Upgrade(t, name, version, written)
			if len(diags) != 0 {
				t.Errorf("%s: %s", file, say(diags))
				continue
			}
			if version < schema.Version {
				continue // the upgrader's own test says what becomes of it
			}
			var attributes map[string]any
			if err := json.Unmarshal(written, &attributes); err != nil {
				t.Fatal(err)
			}
			types := schema.ValueType().(tftypes.Object).AttributeTypes
			for attribute, value := range attributes {
				if types[attribute] == nil {
					t.Errorf("%s: there is no attribute %s any more, and no upgrader", file, attribute)
					continue
				}
				if want := prototest.Value(types[attribute], value); !read[attribute].Equal(want) {
					t.Errorf("%s: %s is read as %s; want %s", file, attribute, read[attribute], want)
				}
			}
		}
	}
}
