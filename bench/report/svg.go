package report

import (
	"fmt"
	"strings"
)

// Sizes of the chart in pixels.
const (
	chartWidth = 760
	labelWidth = 300
	valueWidth = 100
	barHeight  = 16
	barStep    = 24
	chartHead  = 64
	chartFoot  = 16
)

// style has colours for a light and for a dark page.
const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.small { font-size: 12px; fill: #59636e }
.ours { fill: #0969da }
.limit { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.small { fill: #9198a1 }
.ours { fill: #4493f8 }
.limit { fill: #59636e }
}
</style>
`

// SVG is a chart of the rates: a bar for each that was measured, its label to
// the left and its value to the right.
func (r *Report) SVG() string {
	type line struct {
		Bar
		Summary
	}
	var lines []line
	most := 0.0
	for _, bar := range r.Bars {
		if s := r.Summarize(bar.Row, bar.Show.Figure); s.Runs > 0 {
			lines = append(lines, line{bar, s})
			most = max(most, s.Median)
		}
	}
	height := chartHead + barStep*len(lines) + chartFoot
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="Rates by case">`+"\n",
		chartWidth, height, chartWidth, height)
	b.WriteString(style)
	b.WriteString(`<text class="title" x="0" y="18">Requests a second, median of the runs</text>` + "\n")
	b.WriteString(`<rect class="ours" x="0" y="32" width="12" height="12" rx="2"/><text class="small" x="18" y="42">Carteiro</text>` + "\n")
	b.WriteString(`<rect class="limit" x="90" y="32" width="12" height="12" rx="2"/><text class="small" x="108" y="42">limits, measured in the same run</text>` + "\n")
	for i, l := range lines {
		y := chartHead + barStep*i
		width := 1.0
		if most > 0 {
			width = max(1, l.Median/most*(chartWidth-labelWidth-valueWidth))
		}
		class := "ours"
		if l.Limit {
			class = "limit"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+13, escape(l.Row.Case+" "+l.Show.Label))
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, labelWidth, y, width, barHeight)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`+"\n", labelWidth+width+6, y+13, number(l.Median, l.Unit))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
