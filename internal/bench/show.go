package main

import (
	"fmt"
	"math"
)

// show is a value for people: three digits, without a space before ×.
func show(value float64, unit string) string {
	text := digits(value)
	switch unit {
	case "":
		return text
	case "×":
		return fmt.Sprintf("%.2f ×", value)
	case "n": // a number of things
		return fmt.Sprintf("%.0f", value)
	}
	return text + " " + unit
}

func digits(value float64) string {
	switch size := math.Abs(value); {
	case math.IsNaN(value):
		return "–"
	case size >= 100 || size == math.Trunc(size):
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	case size >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}
