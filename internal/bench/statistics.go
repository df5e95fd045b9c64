package main

import (
	"errors"
	"math"
	"slices"
)

// A sample is values that were measured of one thing.
type sample []float64

// median is the middle value, or the mean of the two in the middle; NaN of none.
func (s sample) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func (s sample) min() float64 { return slices.Min(s) }
func (s sample) max() float64 { return slices.Max(s) }

// ratio is that of two medians. Both samples are of one run, in which they were
// taken in turns.
func ratio(a, b sample) (float64, error) {
	if len(a) == 0 || len(b) == 0 {
		return 0, errors.New("there is nothing to compare")
	}
	if b.median() == 0 {
		return 0, errors.New("what it is compared with is 0")
	}
	return a.median() / b.median(), nil
}
