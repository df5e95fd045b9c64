package main

import "fmt"

// A target is what a figure is to be.
type target struct {
	what  string
	unit  string
	limit float64
	least bool // the limit is a lower one
	value func(*Result) (float64, error)
}

// A verdict is a target beside what was measured.
type verdict struct{ what, wanted, got, met string }

func (t target) judge(r *Result) verdict {
	sign := "≤"
	if t.least {
		sign = "≥"
	}
	v := verdict{what: t.what, wanted: sign + " " + show(t.limit, t.unit), got: "not measured"}
	if r == nil {
		v.met = "–"
		return v
	}
	value, err := t.value(r)
	if err != nil {
		v.met = fmt.Sprintf("not measured: %s", err)
		v.got = "–"
		return v
	}
	v.got = show(value, t.unit)
	if v.met = "**missed**"; t.least && value >= t.limit || !t.least && value <= t.limit {
		v.met = "met"
	}
	return v
}

// medianOf is the median of a cell.
func medianOf(table, series string, at float64) func(*Result) (float64, error) {
	return func(r *Result) (float64, error) {
		s, err := r.of(table, series, at)
		return s.median(), err
	}
}

// quotient is one cell over another one.
func quotient(table, series string, at float64, overTable, over string, overAt float64) func(*Result) (float64, error) {
	return func(r *Result) (float64, error) {
		a, err := r.of(table, series, at)
		if err != nil {
			return 0, err
		}
		b, err := r.of(overTable, over, overAt)
		if err != nil {
			return 0, err
		}
		return ratio(a, b)
	}
}

// growth is a series' cell at one place over that at another one.
func growth(table, series string, at, over float64) func(*Result) (float64, error) {
	return quotient(table, series, at, table, series, over)
}

// worst is the largest of several values.
func worst(of ...func(*Result) (float64, error)) func(*Result) (float64, error) {
	return func(r *Result) (most float64, err error) {
		for _, value := range of {
			v, err := value(r)
			if err != nil {
				return 0, err
			}
			most = max(most, v)
		}
		return most, nil
	}
}
