package host_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// distant are the verbs whose round trips are counted; the others speak as these.
var distant = []string{
	"facts", "upload", "create", "start", "stop at once", "fork", "restore", "ready", "snapshot",
	"fork of a running one", "standby", "restore from standby", "stop", "delete", "delete of a snapshot", "delete of an image",
}

func TestVerbs_TakeAsManyRoundTripsOverASlowNetwork(t *testing.T) {
	t.Parallel()
	pauses := map[time.Duration]time.Duration{}
	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		link := testhost.NewLink(t, testhost.LinkOptions{RTT: rtt})
		l := another(t, testhost.Options{Link: link})
		var pause time.Duration
		for _, deed := range l.verbs(&pause) {
			if !slices.Contains(distant, deed.name) {
				continue
			}
			if deed.name == "ready" { // how long it takes to become so does not count
				must(t, deed.do())
			}
			begun := time.Now()
			var scripts []string
			trips := link.Trips(func() { scripts = l.trips.during(func() { must(t, deed.do()) }) })
			took := time.Since(begun)
			t.Logf("%s, %s: %d round trips, %d scripts, %d ms", rtt, deed.name, trips, len(scripts), took.Milliseconds())
			if most := mostTrips(deed.name, rtt, len(scripts), took); trips > most {
				t.Errorf("at %s %s took %d round trips, and %d scripts; want at most %d", rtt, deed.name, trips, len(scripts), most)
			}
		}
		link.SetRTT(0) // for the cleaning
		pauses[rtt] = pause
	}
	t.Logf("the guest stood still for %v", pauses)
	for rtt, pause := range pauses {
		if near := pauses[20*time.Millisecond]; pause <= 0 || pause > near+2*rtt {
			t.Errorf("at %s the guest stood still for %s, and for %s at 20 ms", rtt, pause, near)
		}
	}
}

// mostTrips is how many round trips a verb may take that ran so many scripts.
func mostTrips(verb string, rtt time.Duration, scripts int, took time.Duration) int {
	// Unasked come signs of life, every 15 s, and word that there is room for
	// more output, which a script does not wait for.
	most := scripts + 1 + int(took/(15*time.Second))
	switch verb {
	case "facts": // the first, which logs in
		most += 10
	case "upload": // TCP begins slowly
		most += 14
	case "ready": // to connect, to ask, and the farewell
		most += 2
	}
	if rtt < 100*time.Millisecond {
		most += 4 // what a busy machine does not send at once
	}
	return most
}

func TestVerbs_WorkWhereOnePacketOfAHundredIsLost(t *testing.T) {
	t.Parallel()
	link := testhost.NewLink(t, testhost.LinkOptions{RTT: 20 * time.Millisecond, Loss: 0.01, Seed: 1})
	another(t, testhost.Options{Link: link}).live()
	if link.Lost() == 0 {
		t.Error("no packet was lost")
	}
	t.Logf("%d packets were lost", link.Lost())
}
