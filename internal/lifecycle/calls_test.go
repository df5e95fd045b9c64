package lifecycle

import "testing"

func TestCalls_LeadToTheDesiredStateFromEveryObservedOne(t *testing.T) {
	for _, observed := range Observed() {
		for _, desired := range Desired() {
			path, err := Calls(observed, desired)
			if err != nil {
				t.Fatalf("%s -> %s: %v", observed, desired, err)
			}
			state := observed
			for _, call := range path {
				state = Leads(state, call)
			}
			if state != desired {
				t.Errorf("%s -> %s: %v leads to %s", observed, desired, path, state)
			}
		}
	}
}

func TestCalls_DoNothingWhenTheDesiredStateIsThere(t *testing.T) {
	for _, state := range Desired() {
		if path, err := Calls(state, state); err != nil || len(path) != 0 {
			t.Errorf("%s -> %s: %v, %v; want nothing to do", state, state, path, err)
		}
	}
}

func TestCalls_RefuseWhatIsUnknownOrCannotBeAskedFor(t *testing.T) {
	for _, c := range []struct{ observed, desired State }{
		{Unknown, Running}, {Unknown, Stopped}, {Running, Paused}, {Running, Absent}, {"template", Running},
	} {
		if path, err := Calls(c.observed, c.desired); err == nil {
			t.Errorf("%s -> %s: %v; want an error", c.observed, c.desired, path)
		}
	}
}

func TestCalls_NeverThrowMemoryAway(t *testing.T) {
	path, err := Calls(Standby, Stopped)
	if err != nil || len(path) != 2 || path[0] != Restore || path[1] != Stop {
		t.Errorf("standby -> stopped: %v, %v; want restore, stop", path, err)
	}
}
