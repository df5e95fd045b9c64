package field

import (
	"testing"
	"time"
)

func TestHasLabels_WantsAllOfThem(t *testing.T) {
	labels := map[string]string{"role": "web", "env": "test", "empty": ""}
	for name, c := range map[string]struct {
		wanted map[string]string
		has    bool
	}{
		"none":             {nil, true},
		"one of several":   {map[string]string{"role": "web"}, true},
		"another value":    {map[string]string{"role": "db"}, false},
		"one is missing":   {map[string]string{"role": "web", "zone": "a"}, false},
		"empty, not there": {map[string]string{"zone": ""}, false},
		"empty, and there": {map[string]string{"empty": ""}, true},
	} {
		if got := HasLabels(labels, c.wanted); got != c.has {
			t.Errorf("%s: %v; want %v", name, got, c.has)
		}
	}
}

func TestDuration_IsWrittenAsAUserWould(t *testing.T) {
	for d, want := range map[time.Duration]string{
		20 * time.Minute: "20m", time.Hour: "1h", 90 * time.Second: "1m30s", 30 * time.Second: "30s", 90 * time.Minute: "1h30m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%q; want %q", got, want)
		}
		if parsed, err := time.ParseDuration(want); err != nil || parsed != d {
			t.Errorf("%q is %s, %v", want, parsed, err)
		}
	}
}
