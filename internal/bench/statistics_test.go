package main

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   sample
		want float64
	}{
		{sample{3}, 3}, {sample{5, 1, 3}, 3}, {sample{4, 1, 3, 2}, 2.5}, {sample{1, 1, 100}, 1},
	} {
		if got := c.of.median(); got != c.want {
			t.Errorf("median of %v: got %v, want %v", c.of, got, c.want)
		}
	}
	if got := (sample{}).median(); !math.IsNaN(got) {
		t.Errorf("median of nothing: %v", got)
	}
	if s := (sample{3, 1, 2}); s.median() != 2 || s[0] != 3 {
		t.Errorf("the median sorted what it was given: %v", s)
	}
}

func TestRatio_IsOfMediansAndOfSomething(t *testing.T) {
	if got, err := ratio(sample{2, 30, 3}, sample{2}); err != nil || got != 1.5 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, c := range [][2]sample{{{}, {1}}, {{1}, {}}, {{1}, {0}}} {
		if got, err := ratio(c[0], c[1]); err == nil {
			t.Errorf("ratio of %v and %v: %v", c[0], c[1], got)
		}
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{1234.5, "ms", "1234 ms"}, {99.94, "ms", "99.9 ms"}, {1.234, "s", "1.23 s"}, {0.01234, "s", "0.012 s"},
		{1.149, "×", "1.15 ×"}, {3, "n", "3"}, {50, "ms", "50 ms"}, {math.NaN(), "", "–"},
	} {
		if got := show(c.value, c.unit); got != c.want {
			t.Errorf("%v %s: got %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestBusy_LeavesOutWhatTheProcessorsDidNotDo(t *testing.T) {
	got, err := parseBusy("cpu  100 20 30 4000 500 6 7 800 0 0\ncpu0 1 2 3\n")
	if want := 1630 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{"", "cpu 1 2\n", "cpu a b c d e f g h\n", "intr 1 2 3 4 5 6 7 8\n"} {
		if got, err := parseBusy(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
