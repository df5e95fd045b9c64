package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// done is a resource that terraform apply has finished.
type done struct {
	address string // such as kvm_instance.base
	span
}

// span is from when to when something was done. The zero span is none.
type span struct{ begun, ended time.Time }

func (s span) took() time.Duration { return s.ended.Sub(s.begun) }

// with is the span of both.
func (s span) with(t span) span {
	if s.begun.IsZero() || t.begun.Before(s.begun) {
		s.begun = t.begun
	}
	if t.ended.After(s.ended) {
		s.ended = t.ended
	}
	return s
}

// outputs are the values of the configuration's outputs.
type outputs map[string]struct {
	Value json.RawMessage `json:"value"`
}

// event is a line of what terraform apply -json writes; see
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui.
type event struct {
	Time time.Time `json:"@timestamp"`
	Type string    `json:"type"`
	Hook struct {
		Resource struct {
			Address string `json:"addr"`
		} `json:"resource"`
	} `json:"hook"`
	Outputs    outputs `json:"outputs"`
	Diagnostic struct {
		Severity string `json:"severity"`
		Address  string `json:"address"`
		Summary  string `json:"summary"`
		Detail   string `json:"detail"`
	} `json:"diagnostic"`
}

// events takes in what terraform writes. The times are those of the events:
// terraform's own "elapsed" is in whole seconds.
type events struct {
	report  func(done)
	started map[string]time.Time
	outputs outputs
	errors  []string
	rest    []byte // of a line whose end was not yet written
}

func newEvents(report func(done)) *events {
	return &events{report: report, started: map[string]time.Time{}}
}

func (e *events) Write(text []byte) (int, error) {
	e.rest = append(e.rest, text...)
	for {
		line, rest, ended := bytes.Cut(e.rest, []byte("\n"))
		if !ended {
			return len(text), nil
		}
		e.rest = rest
		var ev event
		if json.Unmarshal(line, &ev) == nil { // other lines are for people
			e.take(ev)
		}
	}
}

func (e *events) take(ev event) {
	address := ev.Hook.Resource.Address
	switch ev.Type {
	case "apply_start":
		e.started[address] = ev.Time
	case "apply_complete":
		e.report(done{address, span{e.started[address], ev.Time}})
	case "outputs":
		e.outputs = ev.Outputs
	case "diagnostic":
		if d := ev.Diagnostic; d.Severity == "error" {
			e.errors = append(e.errors, strings.TrimSpace(fmt.Sprintf("%s: %s\n%s", d.Address, d.Summary, d.Detail)))
		}
	}
}

// problems are the errors that terraform reported.
func (e *events) problems() string { return strings.Join(e.errors, "\n\n") }
