package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A plot has no background: what is drawn has to be seen on a white page and on a
// dark one. These have a contrast of 3:1 at least to both (WCAG 2.1, 1.4.11), text
// one of 4:1.
var (
	ink  = color.NRGBA{0x78, 0x78, 0x78, 0xff}
	inks = []color.NRGBA{
		{0x2f, 0x81, 0xf7, 0xff}, // blue
		{0xd1, 0x5f, 0x1b, 0xff}, // orange
		{0x3a, 0x93, 0x4c, 0xff}, // green
		{0xb0, 0x62, 0xd6, 0xff}, // violet
	}
)

const (
	width, height = 18 * vg.Centimeter, 10 * vg.Centimeter
	margin        = 2 * vg.Millimeter
	decades       = 30 // values that spread further than that are shown on a logarithmic scale
)

func (d Drawing) draw() ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = d.Title, d.X, d.Y
	for _, text := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.Legend.TextStyle,
		&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		text.Color = ink
		text.Font.Variant = "Sans"
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = ink, ink
	}
	p.Title.Padding = vg.Points(8)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(2)

	xs, ys := d.values()
	if len(ys) == 0 {
		return nil, errors.New("there is nothing to draw")
	}
	// What grows linearly is to look so: either both axes are logarithmic, or none.
	if isLogarithmic(ys) {
		for _, axis := range []*plot.Axis{&p.X, &p.Y} {
			axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		}
	} else {
		p.X.Min, p.Y.Min = 0, 0
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticksAt(xs))
	for i, line := range d.Lines {
		if err := add(p, line, inks[i%len(inks)], i); err != nil {
			return nil, err
		}
	}
	// Room for the legend, above all that is drawn.
	if p.Y.Max *= 1 + 0.12*float64(len(d.Lines)); isLogarithmic(ys) {
		p.Y.Max = slices.Max(ys) * math.Pow(slices.Max(ys)/slices.Min(ys), 0.1*float64(len(d.Lines)))
	}
	canvas := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(canvas), margin, -3*margin, margin, -2*margin))
	var out bytes.Buffer
	_, err := canvas.WriteTo(&out)
	// Who has no Liberation Sans gets what is as wide.
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), err
}

func (d Drawing) values() (xs, ys []float64) {
	for _, line := range d.Lines {
		for _, p := range line.Points {
			xs, ys = append(xs, p.X), append(ys, p.Min, p.Max)
		}
	}
	return xs, ys
}

func isLogarithmic(values []float64) bool {
	least := slices.Min(values)
	return least > 0 && slices.Max(values)/least > decades
}

// ticksAt has the places that were measured at on the axis.
func ticksAt(xs []float64) (ticks []plot.Tick) {
	for _, x := range slices.Compact(slices.Sorted(slices.Values(xs))) {
		ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprint(math.Round(x))})
	}
	return ticks
}

// add draws a line through the medians, with a bar from the least to the most.
func add(p *plot.Plot, l Line, c color.Color, nth int) error {
	var bars struct {
		plotter.XYs
		plotter.YErrors
	}
	for _, point := range l.Points {
		bars.XYs = append(bars.XYs, plotter.XY{X: point.X, Y: point.Y})
		bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{point.Y - point.Min, point.Max - point.Y})
	}
	line, marks, err := plotter.NewLinePoints(bars.XYs)
	if err != nil {
		return err
	}
	spread, err := plotter.NewYErrorBars(bars)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, vg.Points(1.5)
	marks.Color, marks.Radius = c, vg.Points(3)
	// The shape tells the lines apart for who does not see the colours.
	marks.Shape = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}}[nth%4]
	spread.Color = c
	p.Add(line, marks, spread)
	p.Legend.Add(l.Name, line, marks)
	return nil
}
