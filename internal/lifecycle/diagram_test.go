package lifecycle

import (
	"strings"
	"testing"
)

func TestDiagram_HasEachStepOfTheTableOnce(t *testing.T) {
	const want = `stateDiagram-v2
    [*] --> stopped: create
    stopped --> running: start
    running --> running: ready
    running --> standby: standby
    running --> stopped: stop
    paused --> running: resume
    paused --> standby: standby
    panicked --> stopped: stop
    standby --> running: restore
`
	if got := Diagram(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTable_HasARowForEachObservedState(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(Table()), "\n")
	if len(rows) != 2+len(Observed()) {
		t.Fatalf("%d lines in\n%s", len(rows), Table())
	}
	if got, want := rows[0], `| observed \ desired | running | standby | stopped |`; got != want {
		t.Errorf("header %q; want %q", got, want)
	}
	if got, want := rows[len(rows)-1], "| standby | restore | – | restore, stop |"; got != want {
		t.Errorf("last row %q; want %q", got, want)
	}
}
