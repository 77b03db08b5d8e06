package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Duration is short: 840µs, 12ms, 1.5s, 4m 10s, 3h 5m, 2d 4h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Second:
		return d.Round(time.Duration(1) * scale(d)).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	parts := []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, p := range parts[:len(parts)-1] {
		if d < p.unit {
			continue
		}
		next := parts[i+1]
		text := fmt.Sprintf("%d%s", d/p.unit, p.name)
		if rest := d % p.unit / next.unit; rest > 0 {
			text += fmt.Sprintf(" %d%s", rest, next.name)
		}
		return text
	}
	return d.String()
}

// scale is the unit to which a part of a second is rounded.
func scale(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return time.Microsecond
	}
	return time.Millisecond
}

// Milliseconds is a duration that the API gives as a number.
func Milliseconds(ms float64) string {
	return Duration(time.Duration(ms * float64(time.Millisecond)))
}

// Bytes is a size: 512 B, 3.2 KiB, 14 MiB.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n), "KMGTPE"
	i := -1
	for value >= unit && i < len(names)-1 {
		value /= unit
		i++
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %ciB", value, names[i])
	}
	return fmt.Sprintf("%.0f %ciB", value, names[i])
}

// Count is a number with its noun: "1 delivery", "1,204 deliveries".
func Count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Number is a number with its thousands apart: 1,204,000.
func Number(n int64) string {
	text := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// JSON is a value over several lines; numbers and the order of keys stay as
// they are. What is no JSON stays as it is.
func JSON(raw []byte) string {
	var compact, b bytes.Buffer
	if json.Compact(&compact, raw) != nil || json.Indent(&b, compact.Bytes(), "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// Clean takes out of a text what steers a terminal: a name or a receiver's
// answer must not move the cursor, or turn the direction of writing.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// OneLine is Clean for a cell: without line breaks.
func OneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(Clean(text))
}
