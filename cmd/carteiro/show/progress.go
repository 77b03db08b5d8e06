package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress tells how far long work is: a bar on a terminal, otherwise a line
// now and then.
type Progress struct {
	p     *Printer
	what  string
	total int64
	bar   *progressbar.ProgressBar // nil: lines
	told  time.Time
	ended bool
}

// lineEvery is how often a line is written where there is no terminal.
const lineEvery = 10 * time.Second

// Progress begins to show work of a total; 0: it is not known how much.
func (p *Printer) Progress(what string, total int64) *Progress {
	w := &Progress{p: p, what: what, total: total, told: p.Now()}
	if !p.Terminal {
		return w
	}
	most := total
	if most <= 0 {
		most = -1
	}
	w.bar = progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(p.W), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(total > 0),
		progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "#", SaucerPadding: ".", BarStart: "[", BarEnd: "]"}),
	)
	return w
}

// At tells how much is done, and in a note what else there is to say. That it
// cannot be shown stops no work.
func (w *Progress) At(done, total int64, note string) {
	note = OneLine(note)
	if w.bar == nil {
		w.line(done, total, note)
		return
	}
	if total > 0 && total != w.total {
		w.total = total
		w.bar.ChangeMax64(total)
	}
	if w.total > 0 {
		done = min(done, w.total) // it may grow meanwhile
	}
	_ = w.bar.Set64(done)
	w.bar.Describe(strings.TrimSpace(w.what + "  " + note))
}

func (w *Progress) line(done, total int64, note string) {
	if w.p.Now().Sub(w.told) < lineEvery {
		return
	}
	w.told = w.p.Now()
	share := ""
	if total > 0 {
		share = fmt.Sprintf(" %d%%", 100*min(done, total)/total)
	}
	_ = w.p.Line("%s%s  %s", w.what, share, note)
}

// End takes the bar away.
func (w *Progress) End() {
	if w.bar != nil && !w.ended {
		w.ended = true
		_ = w.bar.Clear()
	}
}
