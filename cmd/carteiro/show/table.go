package show

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Column is a column of a table.
type Column struct {
	Head  string
	Right bool // numbers stand at the right
	Flex  bool // it may be cut where the terminal is too narrow
}

// Columns are columns of texts that are never cut.
func Columns(heads ...string) []Column {
	columns := make([]Column, len(heads))
	for i, head := range heads {
		columns[i] = Column{Head: head}
	}
	return columns
}

// Table prints rows in aligned columns, a part of a long list at a time: the
// first part makes the widths, and a later row that is wider than that stands
// out.
type Table struct {
	p       *Printer
	columns []Column
	rows    [][]Cell
	widths  []int // nil before the first Flush
}

// Table begins one.
func (p *Printer) Table(columns ...Column) *Table { return &Table{p: p, columns: columns} }

// Row adds a row: a cell for each column.
func (t *Table) Row(cells ...Cell) {
	row := make([]Cell, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = Cell{OneLine(cells[i].Text), cells[i].Color}
		}
		if row[i].Text == "" {
			row[i].Text = none
		}
	}
	t.rows = append(t.rows, row)
}

// gap is between two columns.
const gap = 2

// Flush prints the rows that were added, and before the first ones the heads.
// A table without rows prints nothing.
func (t *Table) Flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	var b strings.Builder
	if t.widths == nil {
		t.widths = t.measure()
		heads := make([]Cell, len(t.columns))
		for i, c := range t.columns {
			heads[i] = Cell{c.Head, Bold}
		}
		t.write(&b, heads)
	}
	for _, row := range t.rows {
		t.write(&b, row)
	}
	t.rows = t.rows[:0]
	_, err := t.p.W.Write([]byte(b.String()))
	return err
}

func (t *Table) measure() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = uniseg.StringWidth(c.Head)
		for _, row := range t.rows {
			widths[i] = max(widths[i], uniseg.StringWidth(row[i].Text))
		}
	}
	if t.p.Width > 0 {
		t.narrow(widths)
	}
	return widths
}

// narrowest is what is left of a column that is cut, at least.
const narrowest = 12

// narrow takes from the widest column that may be cut until all fit, or
// nothing is left to take.
func (t *Table) narrow(widths []int) {
	total := (len(widths) - 1) * gap
	for _, w := range widths {
		total += w
	}
	for ; total > t.p.Width; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.Flex && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (t *Table) write(b *strings.Builder, cells []Cell) {
	for i, c := range cells {
		text := c.Text
		if t.columns[i].Flex && t.p.Width > 0 {
			text = cut(text, t.widths[i])
		}
		pad := strings.Repeat(" ", max(0, t.widths[i]-uniseg.StringWidth(text)))
		painted := t.p.Paint(c.Color, text)
		last := i == len(cells)-1
		switch {
		case t.columns[i].Right:
			b.WriteString(pad + painted)
		case last:
			b.WriteString(painted)
		default:
			b.WriteString(painted + pad)
		}
		if !last {
			b.WriteString(strings.Repeat(" ", gap))
		}
	}
	b.WriteString("\n")
}

// cut shortens a text to a width; its end says that there was more.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if used += g.Width(); used > width-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// Field is a name and what it is.
type Field struct {
	Name  string
	Value Cell
	Prose bool // it is wrapped at words where the terminal ends
}

// Fields prints names and values below each other. One without a value is left
// out; lines of a value stand below each other.
func (p *Printer) Fields(fields ...Field) error {
	width := 0
	for _, f := range fields {
		if f.Value.Text != "" {
			width = max(width, uniseg.StringWidth(f.Name))
		}
	}
	var b strings.Builder
	for _, f := range fields {
		if f.Value.Text == "" {
			continue
		}
		name := f.Name + strings.Repeat(" ", width-uniseg.StringWidth(f.Name)+gap)
		for i, line := range p.lines(f, width+gap) {
			if i > 0 {
				name = strings.Repeat(" ", width+gap)
			}
			b.WriteString(p.Paint(Faint, name) + p.Paint(f.Value.Color, line) + "\n")
		}
	}
	_, err := p.W.Write([]byte(b.String()))
	return err
}

// leastProse is the narrowest column in which prose is wrapped.
const leastProse = 30

// lines are those of a field's value, which begins at a column.
func (p *Printer) lines(f Field, begin int) []string {
	lines := strings.Split(Clean(f.Value.Text), "\n")
	room := p.Width - begin
	if !f.Prose || p.Width == 0 || room < leastProse {
		return lines
	}
	var out []string
	for _, line := range lines {
		row := ""
		for _, word := range strings.Fields(line) {
			if row != "" && uniseg.StringWidth(row)+1+uniseg.StringWidth(word) > room {
				out = append(out, row)
				row = ""
			}
			row = strings.TrimPrefix(row+" "+word, " ")
		}
		out = append(out, row)
	}
	return out
}
