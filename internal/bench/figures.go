package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A drawing is what the program that draws (tools/plot) is given.
type drawing struct {
	File  string `json:"file"`
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"`
	Lines []line `json:"lines"`
}

type line struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
}

// A point is a median, from the least to the most.
type point struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// lines are the series of a figure that were measured.
func (f figure) lines(r *Result) (lines []line) {
	for _, name := range f.series {
		var points []point
		for _, m := range r.column(f.table, name) {
			s := sample(m.Samples)
			points = append(points, point{m.At, s.median(), s.min(), s.max()})
		}
		if len(points) > 1 { // one is no line
			lines = append(lines, line{name, points})
		}
	}
	return lines
}

func drawings(results Results) (all []drawing) {
	for _, r := range rows() {
		result := results[r.name]
		if result == nil {
			continue
		}
		for _, f := range r.figures {
			if lines := f.lines(result); len(lines) > 0 {
				all = append(all, drawing{f.file, f.title, f.x, f.y, lines})
			}
		}
	}
	return all
}

// plot draws all figures into a directory. What draws is a module of its own, so
// that the provider does not depend on it.
func plot(ctx context.Context, dir string, results Results) error {
	text, err := json.Marshal(drawings(results))
	if err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil {
		return err
	}
	for _, file := range old { // it may be of a figure that there is no more
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "go", "run", "-C", "tools", "./plot", dir)
	cmd.Stdin = bytes.NewReader(text)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("draw the plots: %w: %s", err, said)
	}
	return nil
}
