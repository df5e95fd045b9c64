package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// show prints for people.
type show struct{ io.Writer }

func (s show) heading(format string, args ...any) { fmt.Fprintf(s, "\n"+format+"\n", args...) }

// note says what is being waited for.
func (s show) note(text string) { fmt.Fprintf(s, "%s\n", text) }

// row is a line with a name.
func (s show) row(name, format string, args ...any) {
	fmt.Fprintf(s, "  %-12s  %s\n", name, fmt.Sprintf(format, args...))
}

// step is a line with what something took.
func (s show) step(name string, took time.Duration, remark string) {
	fmt.Fprintln(s, strings.TrimRight(fmt.Sprintf("  %-24s  %7.2f s  %s", name, took.Seconds(), remark), " "))
}

func (s show) text(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprint(s, "  ", line)
	}
}

// firstWith is the first line of a text that has a part.
func firstWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// actions are the lines of a plan that say what would be done.
func actions(plan string) string {
	_, after, _ := strings.Cut(plan, "will perform the following actions:\n")
	text, _, _ := strings.Cut(after, "Plan: ")
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" && !strings.Contains(line, "unchanged attributes hidden") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// short is a duration for people.
func short(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
