// Command plot draws the plots of docs/benchmarks.md, one SVG file for each drawing
// that it is given, into a directory. It belongs to the tools, so that the provider
// does not depend on the library that draws.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Drawing is what internal/bench writes.
type Drawing struct {
	File  string `json:"file"` // without .svg
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"`
	Lines []Line `json:"lines"`
}

// A Line is a series of points.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// A Point is a median, from the least to the most.
type Point struct{ X, Y, Min, Max float64 }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: plot DIRECTORY <DRAWINGS")
		os.Exit(2)
	}
	if err := run(os.Stdin, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, dir string) error {
	var drawings []Drawing
	if err := json.NewDecoder(in).Decode(&drawings); err != nil {
		return fmt.Errorf("read the drawings: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range drawings {
		svg, err := d.draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", d.File, err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(d.File)+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}
