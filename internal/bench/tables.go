package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// renderTable writes a table; nothing where nothing was measured.
func renderTable(w io.Writer, t table, result *Result) {
	var series []string
	var places []place
	cells := map[place]map[string]Measure{}
	for _, m := range result.Measures {
		if m.Table != t.name {
			continue
		}
		at := place{m.Line, m.At}
		if cells[at] == nil {
			cells[at] = map[string]Measure{}
			places = append(places, at)
		}
		if !slices.Contains(series, m.Series) {
			series = append(series, m.Series)
		}
		cells[at][m.Series] = m
	}
	if len(places) == 0 {
		return
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	fmt.Fprintf(w, "\n%s:\n\n| %s | %s | n |\n|---|%s---|\n", t.title, t.axis, strings.Join(series, " | "), strings.Repeat("---|", len(series)))
	for _, at := range places {
		row := []string{at.line}
		var counts []int
		for _, s := range series {
			m, ok := cells[at][s]
			if !ok {
				row = append(row, "–")
				continue
			}
			row, counts = append(row, m.cell()), append(counts, len(m.Samples))
		}
		n := fmt.Sprint(slices.Min(counts))
		if slices.Max(counts) > slices.Min(counts) {
			n += fmt.Sprintf(" – %d", slices.Max(counts))
		}
		fmt.Fprintf(w, "| %s | %s |\n", strings.Join(row, " | "), n)
	}
}

// cell is a sample for people: the median, and from the least to the most.
func (m Measure) cell() string {
	s := sample(m.Samples)
	if len(s) == 1 || s.min() == s.max() {
		return show(s.median(), m.Unit)
	}
	return fmt.Sprintf("%s (%s – %s)", show(s.median(), m.Unit), show(s.min(), ""), show(s.max(), ""))
}
