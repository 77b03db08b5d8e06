package scheduler

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

var zoneForm = regexp.MustCompile(`^([+-])(\d\d):(\d\d)$`)

// parseZone reads a fixed offset such as "-03:00". Names of zones are not
// taken: "Etc/GMT-3" means UTC+3, and a zone with daylight saving time has
// days of 23 and 25 hours, which the contracts (GMT-3, fixed) do not.
func parseZone(s string) (*time.Location, error) {
	m := zoneForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Errorf("%q is no fixed offset from UTC: write it as -03:00", clip(s))
	}
	hours, _ := strconv.Atoi(m[2])   // two digits
	minutes, _ := strconv.Atoi(m[3]) // two digits
	offset := hours*3600 + minutes*60
	if offset > 14*3600 || minutes > 59 {
		return nil, fmt.Errorf("%q is no offset from UTC that is in use: -12:00 to +14:00", clip(s))
	}
	if m[1] == "-" {
		offset = -offset
	}
	if offset < -12*3600 {
		return nil, fmt.Errorf("%q is no offset from UTC that is in use: -12:00 to +14:00", clip(s))
	}
	return time.FixedZone(s, offset), nil
}

// Dates returns the first and the last day of a window in an export's zone.
func Dates(w webhook.Window, zone string) (start, end string) {
	at, err := parseZone(zone)
	if err != nil {
		at = time.UTC // no export has such a zone: an edit refuses it
	}
	return w.Dates(at)
}

// firstSpan is what a schedule of the rule since_last_run covers when there
// was no scheduled run before.
const firstSpan = 24 * time.Hour

// windowOf returns the window that a fire covers (wire-contracts, section 1).
// lastTo is the end of the last scheduled window, zero when there was none.
func windowOf(rule webhook.WindowRule, fire time.Time, zone *time.Location, lastTo time.Time) webhook.Window {
	local := fire.In(zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	var w webhook.Window
	switch rule {
	case webhook.PreviousWeek:
		sinceMonday := (int(day.Weekday()) + 6) % 7
		monday := day.AddDate(0, 0, -sinceMonday)
		w = webhook.Window{From: monday.AddDate(0, 0, -7), To: monday}
	case webhook.SinceLastRun:
		w = webhook.Window{From: lastTo, To: fire}
		if lastTo.IsZero() || lastTo.After(fire) {
			w.From = fire.Add(-firstSpan)
		}
	default:
		w = webhook.Window{From: day.AddDate(0, 0, -1), To: day}
	}
	return webhook.Window{From: w.From.UTC(), To: w.To.UTC()}
}

// period returns the window of the days start to end, both included, as
// people write them: YYYY-MM-DD. now bounds it: there are no records of the
// future, and a window that ends before the run begins does not change while
// the run reads.
func period(start, end string, zone *time.Location, now time.Time) (webhook.Window, error) {
	var f webhook.Faults
	from := parseDay("/start_date", start, zone, &f)
	last := parseDay("/end_date", end, zone, &f)
	if err := f.Err(); err != nil {
		return webhook.Window{}, err
	}
	w := webhook.Window{From: from.UTC(), To: last.AddDate(0, 0, 1).UTC()}
	today := now.In(zone).Format(webhook.DateForm)
	switch {
	case last.Before(from):
		f.Add("/end_date", "%s is before start_date, %s", end, start)
	case start > today:
		f.Add("/start_date", "%s is in the future; today is %s at %s", start, today, zone)
	case end > today:
		f.Add("/end_date", "%s is in the future; today is %s at %s", end, today, zone)
	}
	if w.To.After(now) {
		w.To = now.UTC()
	}
	return w, f.Err()
}

func parseDay(path, s string, zone *time.Location, f *webhook.Faults) time.Time {
	t, err := time.ParseInLocation(webhook.DateForm, s, zone)
	switch {
	case s == "":
		f.Add(path, "is missing: a day such as 2025-06-15")
	case err != nil || t.Year() < 1970:
		f.Add(path, "%q is no day: write it as 2025-06-15", clip(s))
	}
	return t
}

func clip(s string) string { return webhook.Clip(s) }
