package main

import (
	"context"
	"time"
)

// A row is a row of the table of what is to be measured: its name in BENCH, what
// measures it, and how the page shows it.
type row struct {
	name    string
	title   string
	about   string // what is measured, and how
	measure func(context.Context, *bench, *Result) error
	tables  []table
	figures []figure
	targets []target
	limit   time.Duration // that it may take
	quick   time.Duration // that its sample takes; 0: it is in none
}

// A table has a line per place, and a column per series.
type table struct {
	name  string // as in [Measure.Table]
	title string
	axis  string // what the lines are
}

// A figure is a plot of some series of a table.
type figure struct {
	file   string // without .svg
	title  string
	table  string
	series []string
	x, y   string // what the axes are, with units
	readme bool
}

// rows are all, in the order of the page.
func rows() []row {
	return []row{forkRow, fanoutRow, snapshotRow, standbyRow, depthRow, diskRow, scaleRow, tripsRow, startRow}
}
