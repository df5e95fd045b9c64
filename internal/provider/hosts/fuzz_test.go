package hosts

import (
	"path"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// FuzzParseID reads an id or a name as a user or a state has it: what is
// accepted is written again as it was, and is a path to an object and no other.
func FuzzParseID(f *testing.F) {
	for _, text := range []string{
		"lab/instances/web", "web", "lab/images/a", "", "/", "//", "../instances/web", "lab/instances/..", "lab/instances/.", "lab/instances/web\n", "lab/instances/web\x00",
		"lab/instances/-web", "lab/instances/we/b", "lab/hosts/a", "LAB/instances/web", "lab/instances/wéb", "a b/instances/web", "$(id)", "web;id", strings.Repeat("a", 64),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseID(text, host.Instances, host.Snapshots); err == nil {
			checkID(t, id)
			if id.String() != text || id.Kind == host.Images {
				t.Errorf("%q is read as %+v", text, id)
			}
		}
		if id, err := registry("", "lab").Locate(text, host.Instances); err == nil {
			checkID(t, id)
			if id.Kind != host.Instances || id.String() != text && id.String() != "lab/instances/"+text {
				t.Errorf("%q locates %+v", text, id)
			}
		}
	})
}

func checkID(t *testing.T, id ID) {
	t.Helper()
	for _, name := range []string{id.Host, id.Name} {
		if name == "" || len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-' {
			t.Errorf("%+v has the name %q", id, name)
		}
	}
	if dir := path.Join("/data", id.Ref().String()); path.Dir(dir) != "/data/"+string(id.Kind) || path.Base(dir) != id.Name {
		t.Errorf("%+v is in %q", id, dir)
	}
}
