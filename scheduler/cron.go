package scheduler

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// schedule is a cron expression in a fixed zone.
type schedule struct {
	spec cron.Schedule
	zone *time.Location
}

var cronForm = regexp.MustCompile(`^[0-9A-Za-z*/,?\- ]{9,200}$`)

// parseCron reads five fields, or six with seconds first. Nothing else that
// the parser knows is let through to it: CRON_TZ= can make it panic and would
// be a second zone, and @every counts from whenever a process started.
func parseCron(expr string, zone *time.Location) (*schedule, error) {
	fields := len(strings.Fields(expr))
	if !cronForm.MatchString(expr) || (fields != 5 && fields != 6) {
		return nil, fmt.Errorf("%q is no cron expression: five fields (minute hour day month weekday), or six with seconds first", clip(expr))
	}
	parser := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	spec, err := parser.Parse(expr)
	if err != nil {
		return nil, fmt.Errorf("%q is no cron expression: %w", clip(expr), err)
	}
	return &schedule{spec: spec, zone: zone}, nil
}

// errNever says that an expression names no time, such as 30 February.
var errNever = errors.New("this names no time within five years")

// next returns the first time after t that the schedule names; zero when there
// is none within five years.
func (s *schedule) next(t time.Time) time.Time {
	next := s.spec.Next(t.In(s.zone))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// scheduleOf reads the schedule of an export.
func scheduleOf(e *webhook.Export) (*schedule, error) {
	zone, err := parseZone(e.Zone)
	if err != nil {
		return nil, err
	}
	return parseCron(e.Cron, zone)
}

// Upcoming is a time at which an export will fire, and the window that it
// will cover.
type Upcoming struct {
	At     time.Time
	Window webhook.Window
}

// upcoming lists the next n fires of an export, as it is now.
func upcoming(e *webhook.Export, now time.Time, n int) ([]Upcoming, error) {
	s, err := scheduleOf(e)
	if err != nil || !e.Enabled {
		return nil, err
	}
	at, last := e.NextFireAt, e.LastWindowTo
	if at.IsZero() {
		at = s.next(now)
	}
	out := make([]Upcoming, 0, n)
	for ; len(out) < n && !at.IsZero(); at = s.next(at) {
		w := windowOf(e.Window, at, s.zone, last)
		out, last = append(out, Upcoming{at, w}), w.To
	}
	return out, nil
}
