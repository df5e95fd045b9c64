package lifecycle

import (
	"fmt"
	"slices"
	"strings"
)

// An edge is one call from one state, and where it leads.
type edge struct {
	from, to State
	call     Call
}

// edges are the steps of all paths of the table, each once, in its order.
func edges() []edge {
	var found []edge
	for _, observed := range Observed() {
		for _, desired := range Desired() {
			state := observed
			for _, call := range calls[observed][desired] {
				step := edge{state, Leads(state, call), call}
				if !slices.Contains(found, step) {
					found = append(found, step)
				}
				state = step.to
			}
		}
	}
	return found
}

// Diagram draws the states and the calls between them, in Mermaid.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, e := range edges() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", node(e.from), node(e.to), e.call)
	}
	return b.String()
}

// node is how Mermaid calls a state; an instance begins as absent.
func node(s State) string {
	if s == Absent {
		return "[*]"
	}
	return string(s)
}

// Table writes the calls from each observed to each desired state, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| observed \\ desired |")
	for _, desired := range Desired() {
		fmt.Fprintf(&b, " %s |", desired)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Desired())) + "\n")
	for _, observed := range Observed() {
		fmt.Fprintf(&b, "| %s |", observed)
		for _, desired := range Desired() {
			fmt.Fprintf(&b, " %s |", cell(calls[observed][desired]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(path []Call) string {
	if len(path) == 0 {
		return "–"
	}
	names := make([]string, len(path))
	for i, call := range path {
		names[i] = string(call)
	}
	return strings.Join(names, ", ")
}
