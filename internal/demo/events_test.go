package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const applied = `{"@level":"info","@message":"Terraform 1.11.4","@timestamp":"2026-11-24T10:00:00.000000Z","type":"version"}
{"@timestamp":"2026-11-24T10:00:01.000000Z","hook":{"resource":{"addr":"kvm_instance.base"},"action":"create"},"type":"apply_start"}
not JSON
{"@timestamp":"2026-11-24T10:00:02.250000Z","hook":{"resource":{"addr":"kvm_instance.base"},"action":"create","elapsed_seconds":1},"type":"apply_complete"}
{"@timestamp":"2026-11-24T10:00:02.260000Z","diagnostic":{"severity":"warning","summary":"Overrides"},"type":"diagnostic"}
{"@timestamp":"2026-11-24T10:00:02.270000Z","diagnostic":{"severity":"error","summary":"Unable to fork","detail":"No space","address":"kvm_instance.web[\"a\"]"},"type":"diagnostic"}
{"@timestamp":"2026-11-24T10:00:02.280000Z","outputs":{"base_port":{"value":8000},"fork_ports":{"value":{"web-b":8002,"web-a":8001}}},"type":"outputs"}
`

func TestEvents_TellWhatWasDoneAndWhatFailed(t *testing.T) {
	var reported []string
	events := newEvents(func(d done) { reported = append(reported, fmt.Sprint(d.address, " ", d.took())) })
	// In small parts, as a pipe may deliver them.
	if _, err := io.Copy(events, iotest.OneByteReader(strings.NewReader(applied))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"kvm_instance.base 1.25s"}; !slices.Equal(reported, want) {
		t.Errorf("reported %q, want %q", reported, want)
	}
	if got, want := events.problems(), "kvm_instance.web[\"a\"]: Unable to fork\nNo space"; got != want {
		t.Errorf("problems %q, want %q", got, want)
	}
	guests, err := events.outputs.guests()
	if err != nil {
		t.Fatal(err)
	}
	want := []guest{reach("base", 8000), reach("web-a", 8001), reach("web-b", 8002)}
	if !slices.Equal(guests, want) {
		t.Errorf("guests %v, want %v", guests, want)
	}
}

func TestOutputs_SayHowAMachineIsLoggedInto(t *testing.T) {
	commands, err := outputs{"ssh": {Value: []byte(`{"debian":"ssh -J root@h admin@10.64.0.2","debian-01":null}`)}}.commands()
	want := map[string]string{"debian": "ssh -J root@h admin@10.64.0.2", "debian-01": ""}
	if err != nil || !maps.Equal(commands, want) {
		t.Errorf("got %q, %v, want %q", commands, err, want)
	}
	if commands, err := (outputs{}).commands(); err == nil {
		t.Errorf("without the output: got %q", commands)
	}
}

func TestOutputs_WithoutPortsAreAnError(t *testing.T) {
	if guests, err := (outputs{}).guests(); err == nil {
		t.Errorf("got %v", guests)
	}
}

func TestSpan_CoversBoth(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC) }
	var all span
	for _, s := range []span{{at(3), at(5)}, {at(2), at(4)}, {at(4), at(9)}} {
		all = all.with(s)
	}
	if all != (span{at(2), at(9)}) {
		t.Errorf("got %v", all)
	}
}
