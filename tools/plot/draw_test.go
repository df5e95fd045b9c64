package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const drawings = `[{"file": "fork", "title": "Time", "x": "MiB", "y": "ms", "lines": [
	{"name": "fork", "points": [{"x": 256, "y": 90, "min": 80, "max": 99}, {"x": 8192, "y": 91, "min": 85, "max": 120}]},
	{"name": "copy", "points": [{"x": 256, "y": 400, "min": 390, "max": 410}, {"x": 8192, "y": 9000, "min": 8000, "max": 9900}]}
]}]`

func TestDraw_WritesAnSVGWithAllThatWasMeasuredAndNoBackground(t *testing.T) {
	dir := t.TempDir()
	if err := run(strings.NewReader(drawings), dir); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "fork.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	text := string(svg)
	for _, wanted := range []string{"Time", "MiB", "fork", "copy", ">256<", ">8192<"} {
		if !strings.Contains(text, wanted) {
			t.Errorf("it has no %q", wanted)
		}
	}
	for _, colour := range []string{"#FFFFFF", "#000000", "#ffffff", "white"} {
		if strings.Contains(text, colour) {
			t.Errorf("it has something in %s, which is not seen on every page", colour)
		}
	}
	if err := run(strings.NewReader(`[{"file": "empty"}]`), dir); err == nil {
		t.Error("a drawing of nothing is no error")
	}
}

// contrast is that of WCAG 2.1.
func contrast(a, b color.NRGBA) float64 {
	luminance := func(c color.NRGBA) float64 {
		linear := func(v uint8) float64 {
			if s := float64(v) / 255; s > 0.04045 {
				return math.Pow((s+0.055)/1.055, 2.4)
			} else {
				return s / 12.92
			}
		}
		return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	}
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
}

func TestColours_AreSeenOnLightAndDarkPages(t *testing.T) {
	pages := map[string]color.NRGBA{"light": {0xff, 0xff, 0xff, 0xff}, "dark": {0x0d, 0x11, 0x17, 0xff}} // GitHub's
	for name, page := range pages {
		if c := contrast(ink, page); c < 4 {
			t.Errorf("text has a contrast of %.2f to a %s page; want 4", c, name)
		}
		for _, line := range inks {
			if c := contrast(line, page); c < 3 {
				t.Errorf("%v has a contrast of %.2f to a %s page; want 3", line, c, name)
			}
		}
	}
}
