package show

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// Printer writes to one output.
type Printer struct {
	W        io.Writer
	Terminal bool             // a person looks at it
	Width    int              // columns of the terminal; 0: as wide as it gets
	Color    bool             // colours may be used
	Zone     *time.Location   // of the times shown
	Now      func() time.Time // for what is told relative to now
}

// New looks at an output: its width, and whether colours may be used. NO_COLOR
// in the environment (https://no-color.org) and TERM=dumb forbid them.
func New(w io.Writer, environ []string, zone *time.Location) *Printer {
	p := &Printer{W: w, Zone: zone, Now: time.Now}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.Terminal = true
	p.Color = !slices.ContainsFunc(environ, func(e string) bool {
		return (strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=") || e == "TERM=dumb"
	})
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		p.Width = width
	}
	return p
}

// Color is an SGR code of a terminal.
type Color string

// The colours that mean something.
const (
	Plain  Color = ""
	Bold   Color = "1"
	Faint  Color = "2"
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
	Cyan   Color = "36"
)

// Paint colours a text, where colours may be used.
func (p *Printer) Paint(c Color, text string) string {
	if !p.Color || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Line writes a line.
func (p *Printer) Line(format string, args ...any) error {
	_, err := fmt.Fprintf(p.W, format+"\n", args...)
	return err
}

// Cell is a text in a table, with its colour.
type Cell struct {
	Text  string
	Color Color
}

// Text is a cell without a colour.
func Text(s string) Cell { return Cell{Text: s} }

// Texts are cells without colours.
func Texts(s ...string) []Cell {
	cells := make([]Cell, len(s))
	for i, text := range s {
		cells[i] = Text(text)
	}
	return cells
}

// none stands for what is not there.
const none = "-"

// Time is a time in the printer's zone, to the second.
func (p *Printer) Time(t *time.Time) string {
	if t == nil || t.IsZero() {
		return none
	}
	text := t.In(p.Zone).Format(time.DateTime)
	if p.Zone == time.UTC {
		text += "Z"
	}
	return text
}

// In is how long it is until a time: "in 4m 10s", "now" when it is past.
func (p *Printer) In(t *time.Time) string {
	if t == nil || t.IsZero() {
		return none
	}
	d := t.Sub(p.Now())
	if d <= 0 {
		return "now"
	}
	return "in " + Duration(d)
}
