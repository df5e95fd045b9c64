package hosts

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

func TestID_IsReadAsItIsWritten(t *testing.T) {
	id := ID{Host: "lab", Kind: host.Snapshots, Name: "golden-1"}
	parsed, err := ParseID(id.String(), host.Instances, host.Snapshots)
	if err != nil || parsed != id || id.String() != "lab/snapshots/golden-1" {
		t.Errorf("%s: %+v, %v", id, parsed, err)
	}
}

func TestParseID_RefusesWhatIsNoID(t *testing.T) {
	for _, text := range []string{"", "web", "lab/web", "lab/images/web", "lab/instances/", "lab/instances/Web", "/instances/web", "lab/instances/web/disk", "../instances/web"} {
		if id, err := ParseID(text, host.Instances, host.Snapshots); err == nil {
			t.Errorf("%q: %+v; want an error", text, id)
		} else if !strings.Contains(err.Error(), "HOST/instances/NAME or HOST/snapshots/NAME") {
			t.Errorf("%q: %v; want the forms in it", text, err)
		}
	}
}

func registry(defaultName string, names ...string) *Registry {
	entries := map[string]Entry{}
	for _, name := range names {
		entries[name] = Entry{Host: host.Config{Name: name}}
	}
	return New(entries, defaultName)
}

func TestResolve_FindsTheDefault(t *testing.T) {
	for name, c := range map[string]struct {
		registry     *Registry
		wanted, want string
		err          error
	}{
		"the only host":                 {registry("", "lab"), "", "lab", nil},
		"the default of several":        {registry("edge", "lab", "edge"), "", "edge", nil},
		"another than the default":      {registry("edge", "lab", "edge"), "lab", "lab", nil},
		"one that is not there":         {registry("", "lab"), "edge", "", ErrNotConfigured},
		"while hosts are unknown":       {Unknown(), "lab", "", ErrNotYet},
		"the default, while unknown":    {registry("", "lab", "edge").WithUnknownDefault(), "", "", ErrNotYet},
		"a host, while the default is":  {registry("", "lab", "edge").WithUnknownDefault(), "lab", "lab", nil},
		"no host, while the default is": {registry("", "lab").WithUnknownDefault(), "edge", "", ErrNotConfigured},
	} {
		got, err := c.registry.Resolve(c.wanted)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", name, got, err, c.want, c.err)
		}
	}
	if name, err := registry("", "lab", "edge").Resolve(""); err == nil {
		t.Errorf("several hosts and no default: %q; want an error", name)
	}
}

func TestHost_IsOneDriverForTheProvidersLife(t *testing.T) {
	r := registry("", "lab", "edge")
	first, err := r.Host("lab")
	second, _ := r.Host("lab")
	other, _ := r.Host("edge")
	if err != nil || first != second || first == other || first.Name != "lab" {
		t.Errorf("%p, %p, %p, %v", first, second, other, err)
	}
}

func TestHost_ThatIsNotKnownYetIsAnErrorThatSaysSo(t *testing.T) {
	r := New(map[string]Entry{"lab": {Unknown: "address"}, "edge": {}}, "edge")
	if _, err := r.Host("lab"); !errors.Is(err, ErrNotYet) || !strings.Contains(err.Error(), `the address of host "lab" is not known yet`) {
		t.Error(err)
	}
	if _, err := r.Host("edge"); err != nil {
		t.Errorf("the other host: %v", err)
	}
}

func TestLocate_TakesABareNameOnTheDefaultHost(t *testing.T) {
	for text, want := range map[string]string{"web": "edge/instances/web", "lab/instances/web": "lab/instances/web"} {
		if id, err := registry("edge", "lab", "edge").Locate(text, host.Instances); err != nil || id.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, id, err, want)
		}
	}
	for _, text := range []string{"", "Web", "lab/images/web"} {
		if id, err := registry("", "lab").Locate(text, host.Instances); err == nil {
			t.Errorf("%q: %s; want an error", text, id)
		}
	}
	if id, err := registry("", "lab", "edge").Locate("web", host.Instances); err == nil {
		t.Errorf("no default host: %s; want an error", id)
	}
}
