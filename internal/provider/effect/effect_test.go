package effect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	part  = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"kind": tftypes.String, "speed": tftypes.String}}
	thing = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"name": tftypes.String, "parts": tftypes.Map{ElementType: part}}}
)

var table = Table{Object: "thing", Effects: map[string]Effect{
	"name": Live, "parts": ByPart, "parts.*": Replace, "parts.*.kind": Replace, "parts.*.speed": Live,
}}

// a thing's parts by key, each of a kind and a speed.
type parts map[string][2]string

func value(name string, p parts) tftypes.Value {
	all := tftypes.NewValue(thing.AttributeTypes["parts"], nil)
	if p != nil {
		elements := map[string]tftypes.Value{}
		for key, v := range p {
			elements[key] = tftypes.NewValue(part, map[string]tftypes.Value{
				"kind": tftypes.NewValue(tftypes.String, v[0]), "speed": tftypes.NewValue(tftypes.String, v[1]),
			})
		}
		all = tftypes.NewValue(thing.AttributeTypes["parts"], elements)
	}
	return tftypes.NewValue(thing, map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, name), "parts": all})
}

func TestChanged_FollowsTheTable(t *testing.T) {
	was := value("a", parts{"x": {"k", "slow"}})
	for name, c := range map[string]struct {
		is            tftypes.Value
		replace, live string
	}{
		"nothing":         {was, "[]", "[]"},
		"an attribute":    {value("b", parts{"x": {"k", "slow"}}), "[]", "[name]"},
		"in a map":        {value("a", parts{"x": {"k", "fast"}}), "[]", `[parts["x"].speed]`},
		"both in a map":   {value("a", parts{"x": {"l", "fast"}}), `[parts["x"].kind]`, `[parts["x"].speed]`},
		"a key comes":     {value("a", parts{"x": {"k", "slow"}, "y": {"k", "slow"}}), `[parts["y"]]`, "[]"},
		"a key goes":      {value("a", parts{}), `[parts["x"]]`, "[]"},
		"the map goes":    {value("a", nil), `[parts["x"]]`, "[]"},
		"a key for a key": {value("a", parts{"y": {"k", "slow"}}), `[parts["x"],parts["y"]]`, "[]"},
	} {
		if got := fmt.Sprint(table.Changed(Replace, was, c.is)); got != c.replace {
			t.Errorf("%s: %s is replaced; want %s", name, got, c.replace)
		}
		if got := fmt.Sprint(table.Changed(Live, was, c.is)); got != c.live {
			t.Errorf("%s: %s is live; want %s", name, got, c.live)
		}
	}
}

func TestChanged_DoesNotGuessAtKeysThatAreNotKnown(t *testing.T) {
	was := value("a", parts{"x": {"k", "slow"}})
	unknown := tftypes.NewValue(thing, map[string]tftypes.Value{
		"name": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "parts": tftypes.NewValue(thing.AttributeTypes["parts"], tftypes.UnknownValue),
	})
	if got := table.Changed(Replace, was, unknown); len(got) != 0 {
		t.Errorf("%s is replaced; want nothing", got)
	}
	if got := fmt.Sprint(table.Changed(Live, was, unknown)); got != "[name]" {
		t.Errorf("%s is live; want the name, which may change", got)
	}
}

func TestDescribe_EndsWithTheEffect(t *testing.T) {
	for path, want := range map[string]string{
		"name":         "Text. Changing it takes effect in place, at once.",
		"parts":        "Text. Adding or removing one replaces the thing.",
		"parts.*.kind": "Text. Changing it replaces the thing.",
	} {
		if got := table.Describe(path, "Text."); got != want {
			t.Errorf("%s: %q; want %q", path, got, want)
		}
	}
}

func TestChanges_HasARowOfEachEffectThatUsersCause(t *testing.T) {
	got := table.Changes()
	for _, want := range []string{
		"| `name`",
		"which `parts` there are",
		"deletes the thing and makes another |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
