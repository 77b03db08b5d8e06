package console

import (
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Charts are drawn here as SVG. Positions along the width are in percent, so
// that a chart is as wide as its place while its texts keep their size;
// heights are in pixels. The colours are classes of the style sheet.

// share is a position or a width along a chart, as SVG writes it.
type share float64

func (p share) String() string { return strconv.FormatFloat(float64(p), 'f', 2, 64) + "%" }

// bar is a rectangle of a chart.
type bar struct {
	X, Width  share
	Y, Height int
	Class     string // of its colour
	Title     string // in words, for who points at it
}

// tick is a mark of an axis with its text.
type tick struct {
	X    share
	Y    int
	Text string
}

// hourChart is deliveries by the hour in which they were created and the state
// that they are in now, stacked.
type hourChart struct {
	Height int // of the drawing
	Base   int // the y of the axis
	Bars   []bar
	Hours  []tick
	Levels []tick
	States []webhook.DeliveryState // those that there are, for the legend
	Rows   []hourRow               // the same in numbers
	Sum    int64
}

type hourRow struct {
	At    time.Time
	Count []int64 // in the order of States
	Sum   int64
}

const (
	chartHeight = 150 // of the bars
	chartTop    = 16  // above them, for the highest level's text
	chartFoot   = 20  // below them, for the hours
)

// stacked is the order of the states from the axis up: what is well is the
// ground that the rest stands on.
func stacked() []webhook.DeliveryState {
	return []webhook.DeliveryState{
		webhook.StateSucceeded, webhook.StatePending, webhook.StateRetrying, webhook.StateHeld, webhook.StateFailed, webhook.StateCanceled,
	}
}

// drawHours draws the counts of some hours.
func (v *visit) drawHours(counts *store.DeliveryCounts) hourChart {
	c := hourChart{Height: chartTop + chartHeight + chartFoot, Base: chartTop + chartHeight}
	sums := counts.Sum()
	for _, s := range stacked() {
		if sums[s] > 0 {
			c.States, c.Sum = append(c.States, s), c.Sum+sums[s]
		}
	}
	var most int64
	for _, h := range counts.Hours {
		row := hourRow{At: h.At}
		for _, s := range c.States {
			row.Count, row.Sum = append(row.Count, h.States[s]), row.Sum+h.States[s]
		}
		c.Rows, most = append(c.Rows, row), max(most, row.Sum)
	}
	top := niceAbove(most)
	for _, level := range []int64{top, top / 2} {
		if level > 0 {
			y := c.Base - int(chartHeight*level/top)
			c.Levels = append(c.Levels, tick{0, y, v.lang.number(int(level))})
		}
	}
	c.draw(v, top)
	return c
}

// draw makes the bars, and an hour's text at every few of them.
func (c *hourChart) draw(v *visit, top int64) {
	width := 100 / float64(max(1, len(c.Rows)))
	every := max(1, (len(c.Rows)+5)/6)
	for i, row := range c.Rows {
		x := share(float64(i)*width + width*.12)
		y, sum := c.Base, int64(0)
		for j, n := range row.Count {
			if n == 0 {
				continue
			}
			sum += n
			height := max(2, y-(c.Base-int(chartHeight*sum/top)))
			y -= height
			state := c.States[j]
			c.Bars = append(c.Bars, bar{x, share(width * .76), max(0, y), height, stateFill(state), row.At.In(brasilia).Format("15:04") + " · " +
				v.c.words[v.lang].orWord("state.", string(state)) + " " + v.lang.number(int(n))})
		}
		if i%every == 0 && i+every/2 < len(c.Rows) {
			c.Hours = append(c.Hours, tick{share(float64(i) * width), c.Base + 15, row.At.In(brasilia).Format("15:04")})
		}
	}
}

// stateFill is the class of a state's colour in a chart.
func stateFill(s webhook.DeliveryState) string {
	switch s {
	case webhook.StateSucceeded:
		return "fill-ok"
	case webhook.StateFailed:
		return "fill-bad"
	case webhook.StateRetrying:
		return "fill-warn"
	case webhook.StateHeld:
		return "fill-hold"
	case webhook.StatePending:
		return "fill-accent"
	}
	return "fill-calm"
}

// niceAbove is the smallest of 2, 4, 10, 20, 40, 100, … that is not below n.
func niceAbove(n int64) int64 {
	for size := int64(1); ; size *= 10 {
		for _, step := range []int64{2, 4, 10} {
			if step*size >= n {
				return step * size
			}
		}
	}
}
