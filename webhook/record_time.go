package webhook

import "time"

// The forms of the contract's times, read by hand: a nightly load reads
// millions of them, and time.Parse allows what the contract does not.

const (
	instantFault = "is no time in ISO 8601 with its zone, such as 2025-06-15T18:00:00Z"
	dayFault     = "is no day as YYYY-MM-DD, such as 2025-06-15"
)

// parseInstant reads YYYY-MM-DDThh:mm:ss, a fraction of up to nine digits, and
// the zone, Z or ±hh:mm (also ±hhmm and ±hh). Without a zone it would name no
// instant. What is below a microsecond is dropped.
func parseInstant(s string) (time.Time, string) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, instantFault
	}
	day, ok := civil(s[:10])
	hour, ok1 := digits(s[11:13], 23)
	minute, ok2 := digits(s[14:16], 59)
	second, ok3 := digits(s[17:19], 59)
	fraction, zone, ok4 := cutFraction(s[19:])
	offset, ok5 := parseOffset(zone)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return time.Time{}, instantFault
	}
	seconds := hour*3600 + minute*60 + second - offset
	return day.Add(time.Duration(seconds)*time.Second + time.Duration(fraction)*time.Microsecond), ""
}

// parseDay reads a day of GMT-3 and returns its beginning.
func parseDay(s string) (time.Time, string) {
	day, ok := civil(s)
	if !ok {
		return time.Time{}, dayFault
	}
	_, offset := day.In(contractZone).Zone()
	return day.Add(-time.Duration(offset) * time.Second), ""
}

// civil reads YYYY-MM-DD as the beginning of that day in UTC.
func civil(s string) (time.Time, bool) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	year, ok := digits(s[:4], 9999)
	month, ok1 := digits(s[5:7], 12)
	day, ok2 := digits(s[8:10], 31)
	if !ok || !ok1 || !ok2 || year == 0 || month == 0 || day == 0 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day // 31 April becomes 1 May
}

// digits reads a number of decimal digits up to most.
func digits(s string, most int) (int, bool) {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n <= most
}

// cutFraction reads ".123" in front of a zone as microseconds.
func cutFraction(s string) (micros int, zone string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for i < len(s) && isDigit(s[i]) {
		if i <= 6 {
			micros = micros*10 + int(s[i]-'0')
		}
		i++
	}
	for n := i; n <= 6; n++ {
		micros *= 10
	}
	return micros, s[i:], i > 1 && i <= 10
}

// parseOffset reads a zone as seconds east of UTC.
func parseOffset(s string) (int, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) < 3 || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hour, ok := digits(s[1:3], 23)
	minute, ok1 := 0, true
	switch rest := s[3:]; {
	case rest == "":
	case len(rest) == 3 && rest[0] == ':':
		minute, ok1 = digits(rest[1:], 59)
	case len(rest) == 2:
		minute, ok1 = digits(rest, 59)
	default:
		return 0, false
	}
	seconds := hour*3600 + minute*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok && ok1
}
