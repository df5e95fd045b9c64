package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Results are what was measured, by the name of the row. They are kept in a file,
// so that one row can be measured again, and the page be rendered without any.
type Results map[string]*Result

// A Result is what one run has measured for a row.
type Result struct {
	Machine  Machine   `json:"machine"`
	Commit   string    `json:"commit"`
	Begun    time.Time `json:"begun"`
	Seconds  float64   `json:"seconds"` // that it took
	Measures []Measure `json:"measures"`
	Notes    []string  `json:"notes,omitempty"`   // what one has to know of these figures
	Missing  []string  `json:"missing,omitempty"` // what could not be measured, and why
}

// A Measure is the samples of one cell of a table.
type Measure struct {
	Table   string    `json:"table"`
	Line    string    `json:"line"`
	At      float64   `json:"at"` // the line's place on an axis
	Series  string    `json:"series"`
	Unit    string    `json:"unit"`
	Samples []float64 `json:"samples"`
}

// A place is a line of a table, and where it is on an axis.
type place struct {
	line string
	at   float64
}

// add adds a sample to a cell.
func (r *Result) add(table string, p place, series, unit string, value float64) {
	for i, m := range r.Measures {
		if m.Table == table && m.Line == p.line && m.Series == series {
			r.Measures[i].Samples = append(m.Samples, value)
			return
		}
	}
	r.Measures = append(r.Measures, Measure{table, p.line, p.at, series, unit, []float64{value}})
}

func (r *Result) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

func (r *Result) miss(format string, args ...any) {
	r.Missing = append(r.Missing, fmt.Sprintf(format, args...))
}

// of is a cell's samples; an error where there are none.
func (r *Result) of(table, series string, at float64) (sample, error) {
	for _, m := range r.Measures {
		if m.Table == table && m.Series == series && m.At == at {
			return m.Samples, nil
		}
	}
	return nil, fmt.Errorf("%s, %s, at %v was not measured", table, series, at)
}

// column is the cells of a series, in the order of their places.
func (r *Result) column(table, series string) []Measure {
	var found []Measure
	for _, m := range r.Measures {
		if m.Table == table && m.Series == series {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b Measure) int { return int(a.At - b.At) })
	return found
}

func readResults(path string) (Results, error) {
	results := Results{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &results)
	}
	if err != nil {
		return nil, fmt.Errorf("read the results of earlier runs: %w", err)
	}
	return results, nil
}

func (r Results) write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	return nil
}
