package cli

import (
	"strconv"
	"strings"
	"time"
)

// since reads a time that is past: a time, a day, a weekday, or how long ago.
// "" stays "".
func (s *Session) since(flag, value string) (string, error) {
	return s.when(flag, value, -1)
}

// until reads a time that is to come, as since does for the past.
func (s *Session) until(flag, value string) (string, error) {
	return s.when(flag, value, 1)
}

func (s *Session) when(flag, value string, direction time.Duration) (string, error) {
	if value == "" {
		return "", nil
	}
	now := s.out.Now().In(s.out.Zone)
	t, ok := parseWhen(value, now, direction)
	if !ok {
		return "", usage("%s %q is no time: 2025-06-20T14:53:00Z, \"2025-06-20 14:53\", 2025-06-20, 14:53, today, yesterday, tuesday, or a duration such as 90m, 24h or 7d", flag, value)
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}

// parseWhen reads a time in the zone of now. A duration counts from now in a
// direction.
func parseWhen(value string, now time.Time, direction time.Duration) (time.Time, bool) {
	value = strings.TrimSpace(value)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch word := strings.ToLower(value); word {
	case "now":
		return now, true
	case "today":
		return midnight, true
	case "yesterday":
		return midnight.AddDate(0, 0, -1), true
	default:
		for day := time.Sunday; day <= time.Saturday; day++ {
			if name := strings.ToLower(day.String()); word == name || word == name[:3] {
				return midnight.AddDate(0, 0, -int(now.Weekday()-day+7)%7), true
			}
		}
	}
	if d, ok := parseDuration(value); ok {
		return now.Add(direction * d), true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, value, now.Location()); err == nil {
			return t, true
		}
	}
	for _, form := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(form, value); err == nil {
			return midnight.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second), true
		}
	}
	return time.Time{}, false
}

// parseDuration reads what time.ParseDuration does, and days and weeks.
func parseDuration(value string) (time.Duration, bool) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(value, suffix); ok {
			days, err := strconv.ParseUint(n, 10, 16)
			return time.Duration(days) * unit, err == nil
		}
	}
	d, err := time.ParseDuration(value)
	return d, err == nil && d >= 0
}
