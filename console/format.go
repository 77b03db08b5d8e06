package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// brasilia is the zone of the contracts: UTC-3 without daylight saving time.
var brasilia = time.FixedZone("GMT-3", -3*60*60)

// number writes a whole number with its thousands apart.
func (l lang) number(n int) string {
	digits, sign := strconv.Itoa(n), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	var parts []string
	for ; len(digits) > 3; digits = digits[:len(digits)-3] {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
	}
	separator := ","
	if l == portuguese {
		separator = "."
	}
	return sign + strings.Join(append([]string{digits}, parts...), separator)
}

// decimal writes a number with its decimals, none of them a needless zero.
func (l lang) decimal(x float64, places int) string {
	s := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if l == portuguese {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// duration writes how long something took: 340 µs, 12 ms, 1.4 s, 3 min 20 s.
func (l lang) duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + l.duration(-d)
	case d < time.Millisecond:
		return l.number(int(d.Microseconds())) + noBreak + "µs"
	case d < time.Second:
		ms := float64(d.Microseconds()) / 1000
		if ms >= 10 {
			return l.decimal(ms, 0) + noBreak + "ms"
		}
		return l.decimal(ms, 1) + noBreak + "ms"
	case d < 10*time.Second:
		return l.decimal(d.Seconds(), 1) + noBreak + "s"
	}
	return l.span(d)
}

// noBreak keeps a number and its unit on one line.
const noBreak = "\u00a0"

// span writes a longer time in its two largest units.
func (l lang) span(d time.Duration) string {
	d = d.Round(time.Second)
	day := "d"
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, day}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	var parts []string
	for _, u := range units {
		if n := d / u.size; n > 0 {
			parts = append(parts, l.number(int(n))+noBreak+u.name)
			d -= n * u.size
		} else if len(parts) > 0 {
			break
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0" + noBreak + "s"
	}
	return strings.Join(parts, " ")
}

// ago writes a moment as seen from now: "3 min ago", "in 12 s".
func (w catalogue) ago(l lang, at, now time.Time) string {
	d := now.Sub(at)
	switch {
	case d < 0 && d > -time.Second, d >= 0 && d < time.Second:
		return w.text("time.now")
	case d < 0:
		return w.text("time.in", l.coarse(-d))
	}
	return w.text("time.ago", l.coarse(d))
}

// coarse writes a time in its largest unit, two for less than a day.
func (l lang) coarse(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return l.span(d.Truncate(24 * time.Hour))
	case d >= time.Hour:
		return l.span(d.Truncate(time.Minute))
	case d >= 2*time.Minute:
		return l.span(d.Truncate(time.Minute))
	}
	return l.span(d.Truncate(time.Second))
}

// exact writes a moment in both zones that people here think in.
func exact(at time.Time) string {
	return at.UTC().Format("2006-01-02 15:04:05.000") + " UTC · " + at.In(brasilia).Format("2006-01-02 15:04:05") + " GMT-3"
}

// stamp writes a moment in UTC.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// bytesOf writes a size.
func (l lang) bytesOf(n int64) string {
	switch {
	case n < 1<<10:
		return l.number(int(n)) + noBreak + "B"
	case n < 1<<20:
		return l.decimal(float64(n)/(1<<10), 1) + noBreak + "KiB"
	}
	return l.decimal(float64(n)/(1<<20), 1) + noBreak + "MiB"
}

// dict makes one value of pairs of a name and a value, for a template that is
// handed several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d values are no pairs", len(pairs))
	}
	out := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}
