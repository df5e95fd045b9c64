package host_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// beyond are verbs that speak as those do that are left.
var beyond = []string{"link", "note", "label", "orphans", "update", "roll back", "restore of the snapshot", "restore of the fork"}

func TestVerbs_TakeAsManyRoundTripsOverASlowNetwork(t *testing.T) {
	t.Parallel()
	link := testhost.NewLink(t, testhost.LinkOptions{})
	var first time.Duration // pause
	for i, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		l := another(t, testhost.Options{Link: link})
		var pause time.Duration
		for _, deed := range l.verbs(&pause) {
			if slices.Contains(beyond, deed.name) {
				continue
			}
			link.SetRTT(rtt)
			begun := time.Now()
			var scripts []string
			trips := link.Trips(func() { scripts = l.trips.during(func() { must(t, deed.do()) }) })
			t.Logf("%s, %s: %d round trips, %d scripts, %d ms", rtt, deed.name, trips, len(scripts), time.Since(begun).Milliseconds())
			most := len(scripts) + 1 // a sign of life, or that there is room for more output
			switch deed.name {
			case "facts": // the first, which logs in
				most = 12
			case "upload": // TCP begins slowly
				most = 15
			case "ready": // to connect, to ask, and the farewell
				most = 3
			}
			if i == 0 {
				most += 3 // what a busy machine does not send at once
			}
			if trips > most {
				t.Errorf("at %s %s took %d round trips, and %d scripts; want at most %d", rtt, deed.name, trips, len(scripts), most)
			}
			link.SetRTT(0)
			if deed.done != nil {
				deed.done()
				time.Sleep(20 * time.Millisecond) // connections to the guest are closed without waiting for it
			}
		}
		t.Logf("%s: pause %s", rtt, pause)
		if first == 0 {
			first = pause
		}
		if pause <= 0 || pause > first+2*rtt {
			t.Errorf("at %s the guest stood still for %s, and for %s at 20 ms", rtt, pause, first)
		}
	}
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
