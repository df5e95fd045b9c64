package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// measured are results with so long a fork at 8 GiB.
func measured(large float64) Results {
	r := &Result{Machine: Machine{CPU: "one", Cores: 2, Accelerator: "tcg"}, Commit: "abc"}
	for _, ms := range []float64{90, 80, 200} {
		r.add("fork", memory(256), forkRunning, "ms", ms)
	}
	r.add("fork", memory(8192), forkRunning, "ms", large)
	r.add("fork", memory(256), bootAnswer, "ms", 2000)
	return Results{"fork": r}
}

func page(results Results) string {
	var b bytes.Buffer
	renderPage(&b, results)
	return b.String()
}

// line is the first of a text that has a part.
func lineWith(t *testing.T, text, part string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("no line has %q:\n%s", part, text)
	return ""
}

func TestPage_HasEveryTargetOfEveryRowEvenOfThoseThatWereNotMeasured(t *testing.T) {
	text := page(measured(99))
	for _, r := range rows() {
		if !strings.Contains(text, "\n## "+r.title+"\n") {
			t.Errorf("it has no section %q", r.title)
		}
		for _, target := range r.targets {
			line := lineWith(t, text, fmt.Sprintf("[%s](#%s): %s |", r.name, anchor(r.title), target.what))
			if r.name != "fork" && !strings.HasSuffix(line, "| not measured | – |") {
				t.Errorf("%s, of which nothing was measured: %s", r.name, line)
			}
		}
	}
	if !strings.Contains(text, "make bench BENCH=scale") {
		t.Error("it does not say how to measure what was not")
	}
}

func TestPage_SaysWhichTargetsAreMetAndWhichAreMissed(t *testing.T) {
	const growth, first = "8 GiB over 256 MiB", "fork to running at 256 MiB"
	for large, want := range map[float64]string{99: "| ≤ 1.15 × | 1.10 × | met |", 180: "| ≤ 1.15 × | 2.00 × | **missed** |"} {
		if line := lineWith(t, page(measured(large)), growth); !strings.HasSuffix(line, want) {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	if line := lineWith(t, page(measured(99)), first); !strings.HasSuffix(line, "| ≤ 100 ms | 90 ms | met |") {
		t.Errorf("got %q", line)
	}
	// The first answers are in none of these results, though the row is.
	if line := lineWith(t, page(measured(99)), "fork to first answer"); !strings.Contains(line, "not measured:") {
		t.Errorf("got %q", line)
	}
}

func TestPage_HasMediansWithTheLeastAndTheMost(t *testing.T) {
	text := page(measured(99))
	for _, want := range []string{
		"| memory | fork, running | cold boot, first answer | n |",
		"| 256 MiB | 90 ms (80 – 200) | 2000 ms | 1 – 3 |",
		"| 8 GiB | 99 ms | – | 1 |",
		"![Time to a fork, a cold boot, and a full copy](benchmarks/fork.svg)",
		"Measured at commit abc on",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %q:\n%s", want, text)
		}
	}
}

func TestPage_SaysWhatCouldNotBeMeasuredAndWhy(t *testing.T) {
	results := measured(99)
	results["fork"].miss("%d GiB: too little memory", 8)
	results["fork"].note("it was noisy")
	results["disk"] = &Result{Machine: Machine{CPU: "two"}, Missing: []string{"all of it"}}
	text := page(results)
	for _, want := range []string{
		"**Not measured.** 8 GiB: too little memory", "it was noisy", "**Not measured.** all of it",
		"Of fork:", "Of disk:", "| processor | two, 0 cores |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %q", want)
		}
	}
	if err := unmeasured(results); err == nil || !strings.Contains(err.Error(), "disk: all of it") {
		t.Errorf("the run would end with %v", err)
	}
	if err := unmeasured(measured(99)); err != nil {
		t.Errorf("a run that has measured all ends with %v", err)
	}
}

func TestResults_AreKeptAndMeasuredAgainRowByRow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bin/bench.json")
	if kept, err := readResults(file); err != nil || len(kept) != 0 {
		t.Fatalf("before the first run: %v, %v", kept, err)
	}
	results := measured(99)
	if err := results.write(file); err != nil {
		t.Fatal(err)
	}
	kept, err := readResults(file)
	if err != nil || page(kept) != page(results) {
		t.Errorf("the page is another one when it is rendered from the file, %v", err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readResults(file); err == nil {
		t.Error("a damaged file is taken for none")
	}
}

func TestFigures_HaveLinesOfMoreThanOnePoint(t *testing.T) {
	all := drawings(measured(99))
	if len(all) != 1 || all[0].File != "fork" || len(all[0].Lines) != 1 {
		t.Fatalf("got %+v; want the forks alone", all)
	}
	if got, want := fmt.Sprint(all[0].Lines[0].Points), "[{256 90 80 200} {8192 99 99 99}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRows_NameTablesAndFilesOnce(t *testing.T) {
	files := map[string]bool{}
	for _, r := range rows() {
		tables := map[string]bool{}
		for _, table := range r.tables {
			tables[table.name] = true
		}
		for _, f := range r.figures {
			if !tables[f.table] || files[f.file] {
				t.Errorf("%s: the figure %s is of the table %q, and may be the second of that name", r.name, f.file, f.table)
			}
			files[f.file] = true
		}
	}
}
