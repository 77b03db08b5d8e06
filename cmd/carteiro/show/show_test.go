package show

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func printer(width int) (*Printer, *bytes.Buffer) {
	var b bytes.Buffer
	p := New(&b, nil, time.UTC)
	p.Width = width
	p.Now = func() time.Time { return time.Date(2025, 6, 20, 14, 53, 0, 0, time.UTC) }
	return p, &b
}

// TestTable: columns stand below each other whatever the letters, a narrow
// terminal cuts the column that may be cut, and a later part keeps the widths.
func TestTable(t *testing.T) {
	columns := []Column{{Head: "ID"}, {Head: "NAME", Flex: true}, {Head: "N", Right: true}}
	rows := [][]string{{"a", "São João e o café da manhã", "7"}, {"bcd", "日本", "1,204"}, {"e", "", "12"}}
	for _, tc := range []struct {
		width int
		want  string
	}{
		{0, "ID   NAME                            N\na    São João e o café da manhã      7\nbcd  日本                        1,204\ne    -                              12\n"},
		{24, "ID   NAME              N\na    São João e …      7\nbcd  日本          1,204\ne    -                12\n"},
	} {
		p, b := printer(tc.width)
		table := p.Table(columns...)
		for _, r := range rows[:2] {
			table.Row(Texts(r...)...)
		}
		if err := table.Flush(); err != nil {
			t.Fatal(err)
		}
		table.Row(Texts(rows[2]...)...)
		if err := table.Flush(); err != nil {
			t.Fatal(err)
		}
		if b.String() != tc.want {
			t.Errorf("width %d:\n%s\nwant\n%s", tc.width, b, tc.want)
		}
	}
	p, b := printer(0)
	if err := p.Table(columns...).Flush(); err != nil || b.Len() > 0 {
		t.Errorf("an empty table prints %q, %v", b, err)
	}
}

// TestNothingSteersTheTerminal: what came from elsewhere neither colours nor
// moves the cursor, in a table, in fields, in a bar's note.
func TestNothingSteersTheTerminal(t *testing.T) {
	const evil = "a\x1b[2Jb\u009bc\u202ed\re\x07"
	p, b := printer(0)
	p.Color = true
	table := p.Table(Columns("H")...)
	table.Row(Cell{evil + "\nx", Red})
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := p.Fields(Field{Name: "name", Value: Text(evil + "\nsecond")}); err != nil {
		t.Fatal(err)
	}
	p.Progress("work", 10).line(1, 10, OneLine(evil))
	text := b.String()
	for _, ours := range []string{"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"} {
		text = strings.ReplaceAll(text, ours, "")
	}
	if strings.ContainsAny(text, "\x1b\u009b\u202e\r\x07") {
		t.Errorf("%q", text)
	}
	if !strings.Contains(text, "a\ufffd[2Jb\ufffdc\ufffdd\ufffde\ufffd x\n") || !strings.Contains(text, "      second\n") {
		t.Errorf("%q", text)
	}
}

// TestProseIsWrapped at words, under its first line; what is no prose is not.
func TestProseIsWrapped(t *testing.T) {
	const text = "The delivery to acme has failed: it was sent 5 times.\nNothing more is sent."
	for width, want := range map[int]string{
		0:  "why  The delivery to acme has failed: it was sent 5 times.\n     Nothing more is sent.\n",
		40: "why  The delivery to acme has failed: it\n     was sent 5 times.\n     Nothing more is sent.\n",
		20: "why  The delivery to acme has failed: it was sent 5 times.\n     Nothing more is sent.\n",
	} {
		p, b := printer(width)
		if err := p.Fields(Field{Name: "why", Value: Text(text), Prose: true}, Field{Name: "x"}); err != nil || b.String() != want {
			t.Errorf("width %d:\n%s%v", width, b, err)
		}
	}
	p, b := printer(40)
	if err := p.Fields(Field{Name: "key", Value: Text(text)}); err != nil || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("%s%v", b, err)
	}
}

func TestColorsOnlyWhereTheyMayBe(t *testing.T) {
	p, _ := printer(0)
	if got := p.Paint(Red, "x"); got != "x" || p.Terminal {
		t.Errorf("a buffer gets %q", got)
	}
	p.Color = true
	if got := p.Paint(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("%q", got)
	}
}

func TestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 840 * time.Microsecond: "840µs", 12345 * time.Microsecond: "12ms", 1530 * time.Millisecond: "1.5s", 250 * time.Second: "4m 10s",
		time.Hour: "1h", 3*time.Hour + 5*time.Minute + 9*time.Second: "3h 5m", 52 * time.Hour: "2d 4h", -time.Minute: "-1m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 14 << 20: "14 MiB", 3 << 40: "3.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1204000: "-1,204,000"} {
		if got := Number(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	p, _ := printer(0)
	later, past := p.Now().Add(250*time.Second), p.Now().Add(-time.Second)
	if got := []string{p.In(&later), p.In(&past), p.In(nil), p.Time(&later), p.Time(nil)}; strings.Join(got, "|") != "in 4m 10s|now|-|2025-06-20 14:57:10Z|-" {
		t.Errorf("%q", got)
	}
}

// TestProgressInLines: where there is no terminal, a line every ten seconds.
func TestProgressInLines(t *testing.T) {
	p, b := printer(0)
	now := p.Now()
	p.Now = func() time.Time { return now }
	w := p.Progress("reading", 200)
	w.At(10, 200, "10 records")
	now = now.Add(10 * time.Second)
	w.At(50, 200, "50 records")
	w.At(60, 200, "60 records")
	w.End()
	if got, want := b.String(), "reading 25%  50 records\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.Reset()
	p.Terminal = true
	bar := p.Progress("reading", 200)
	bar.At(50, 200, "50 records")
	bar.End()
	if !strings.Contains(b.String(), "reading  50 records") || !strings.Contains(b.String(), "25%") {
		t.Errorf("the bar is %q", b)
	}
}
