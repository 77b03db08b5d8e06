package scheduler

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// gmt3 reads a time as a wall clock at GMT-3 shows it.
func gmt3(t testing.TB, s string) time.Time {
	t.Helper()
	zone, err := parseZone(webhook.WireZone)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"2006-01-02 15:04:05.999999", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(form, s, zone); err == nil {
			return at
		}
	}
	t.Fatalf("%q is no time", s)
	return time.Time{}
}

// What the contract promises (wire-contracts, section 1): the day before, and
// Monday to Sunday of the week before.
func TestWindowsOfTheContract(t *testing.T) {
	for _, c := range []struct {
		rule       webhook.WindowRule
		fire       string
		start, end string // the period, both days included
	}{
		{webhook.PreviousDay, "2025-06-16 03:00", "2025-06-15", "2025-06-15"},
		{webhook.PreviousDay, "2025-06-16 00:00", "2025-06-15", "2025-06-15"},
		{webhook.PreviousDay, "2025-06-16 23:59:59.999999", "2025-06-15", "2025-06-15"},
		{webhook.PreviousDay, "2025-07-01 03:00", "2025-06-30", "2025-06-30"}, // a month of 30 days
		{webhook.PreviousDay, "2025-08-01 03:00", "2025-07-31", "2025-07-31"}, // and of 31
		{webhook.PreviousDay, "2026-01-01 03:00", "2025-12-31", "2025-12-31"}, // a year ends
		{webhook.PreviousDay, "2024-02-29 03:00", "2024-02-28", "2024-02-28"}, // a leap year
		{webhook.PreviousDay, "2024-03-01 03:00", "2024-02-29", "2024-02-29"},
		{webhook.PreviousDay, "2025-03-01 03:00", "2025-02-28", "2025-02-28"}, // none
		{webhook.PreviousDay, "2100-03-01 03:00", "2100-02-28", "2100-02-28"}, // a hundredth year has none
		{webhook.PreviousDay, "2000-03-01 03:00", "2000-02-29", "2000-02-29"}, // a four hundredth has
		{webhook.PreviousDay, "2018-11-04 03:00", "2018-11-03", "2018-11-03"}, // Brazil's clocks went forward: GMT-3 did not
		{webhook.PreviousDay, "2019-02-17 03:00", "2019-02-16", "2019-02-16"}, // and back

		{webhook.PreviousWeek, "2025-06-19 03:00", "2025-06-09", "2025-06-15"}, // the contract's example: a Thursday
		{webhook.PreviousWeek, "2025-06-16 00:00", "2025-06-09", "2025-06-15"}, // a Monday's first moment
		{webhook.PreviousWeek, "2025-06-22 23:59:59.999999", "2025-06-09", "2025-06-15"},
		{webhook.PreviousWeek, "2025-06-23 00:00", "2025-06-16", "2025-06-22"},
		{webhook.PreviousWeek, "2025-07-03 03:00", "2025-06-23", "2025-06-29"},
		{webhook.PreviousWeek, "2025-07-10 03:00", "2025-06-30", "2025-07-06"}, // over a month's end
		{webhook.PreviousWeek, "2026-01-08 03:00", "2025-12-29", "2026-01-04"}, // over a year's end
		{webhook.PreviousWeek, "2026-01-01 03:00", "2025-12-22", "2025-12-28"},
		{webhook.PreviousWeek, "2024-03-07 03:00", "2024-02-26", "2024-03-03"}, // over a leap day
		{webhook.PreviousWeek, "2025-03-06 03:00", "2025-02-24", "2025-03-02"},
	} {
		fire := gmt3(t, c.fire)
		w := windowOf(c.rule, fire.UTC(), fire.Location(), time.Time{})
		if start, end := w.Dates(fire.Location()); start != c.start || end != c.end {
			t.Errorf("%s at %s covers %s to %s, want %s to %s", c.rule, c.fire, start, end, c.start, c.end)
		}
		if from, to := gmt3(t, c.start), gmt3(t, c.end).AddDate(0, 0, 1); !w.From.Equal(from) || !w.To.Equal(to) {
			t.Errorf("%s at %s is [%s, %s), want [%s, %s)", c.rule, c.fire, w.From, w.To, from, to)
		}
	}
}

// A window holds its first moment and not its end.
func TestWindowEdges(t *testing.T) {
	fire := gmt3(t, "2025-06-16 03:00")
	w := windowOf(webhook.PreviousDay, fire, fire.Location(), time.Time{})
	for _, c := range []struct {
		at   string
		want bool
	}{
		{"2025-06-14 23:59:59.999999", false},
		{"2025-06-15 00:00:00", true},
		{"2025-06-15 12:00:00", true},
		{"2025-06-15 23:59:59.999999", true},
		{"2025-06-16 00:00:00", false},
	} {
		if got := w.Contains(gmt3(t, c.at)); got != c.want {
			t.Errorf("%s in the window: %v, want %v", c.at, got, c.want)
		}
	}
	// The same edges as the platform writes them: GMT-3 is three hours behind.
	if want := time.Date(2025, 6, 15, 3, 0, 0, 0, time.UTC); !w.From.Equal(want) {
		t.Errorf("the day begins at %s, want %s", w.From, want)
	}
}

func TestSinceLastRun(t *testing.T) {
	fire := gmt3(t, "2025-06-16 03:00")
	for _, c := range []struct{ last, from string }{
		{"2025-06-16 02:59", "2025-06-16 02:59"},
		{"2025-06-10 00:00", "2025-06-10 00:00"},
		{"", "2025-06-15 03:00"},                 // the first one: a day
		{"2025-06-17 00:00", "2025-06-15 03:00"}, // a clock that was wrong
	} {
		var last time.Time
		if c.last != "" {
			last = gmt3(t, c.last)
		}
		w := windowOf(webhook.SinceLastRun, fire, fire.Location(), last)
		if !w.From.Equal(gmt3(t, c.from)) || !w.To.Equal(fire) {
			t.Errorf("after %q: [%s, %s), want it to begin at %s", c.last, w.From, w.To, c.from)
		}
	}
}

// Whatever the zone: the windows of consecutive days, weeks and fires leave no
// gap and do not overlap, and the fire is never inside its own window.
func TestWindowsTileTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.IntRange(-12*4, 14*4).Draw(t, "quarters of an hour") * 900
		zone := time.FixedZone("", offset)
		rule := rapid.SampledFrom([]webhook.WindowRule{webhook.PreviousDay, webhook.PreviousWeek, webhook.SinceLastRun}).Draw(t, "rule")
		step := map[webhook.WindowRule]time.Duration{
			webhook.PreviousDay: 24 * time.Hour, webhook.PreviousWeek: 7 * 24 * time.Hour,
			webhook.SinceLastRun: time.Duration(rapid.IntRange(1, 1e6).Draw(t, "seconds")) * time.Second,
		}[rule]
		fire := time.Unix(int64(rapid.IntRange(0, 4e9).Draw(t, "at")), 0)
		last := windowOf(rule, fire, zone, time.Time{})
		for range 60 {
			fire = fire.Add(step)
			w := windowOf(rule, fire, zone, last.To)
			if !w.From.Equal(last.To) {
				t.Fatalf("%s at %s begins at %s, the one before ends at %s", rule, fire, w.From, last.To)
			}
			if !w.To.After(w.From) || w.To.After(fire) {
				t.Fatalf("%s at %s is [%s, %s)", rule, fire, w.From, w.To)
			}
			last = w
		}
	})
}

func TestPeriod(t *testing.T) {
	now := gmt3(t, "2025-06-16 15:00")
	for _, c := range []struct{ start, end, from, to, fault string }{
		{start: "2025-06-15", end: "2025-06-15", from: "2025-06-15", to: "2025-06-16"},
		{start: "2024-02-28", end: "2024-03-01", from: "2024-02-28", to: "2024-03-02"},
		{start: "2025-06-16", end: "2025-06-16", from: "2025-06-16", to: "2025-06-16 15:00"}, // today, so far
		{start: "2025-06-15", end: "2025-06-14", fault: "/end_date"},
		{start: "2025-06-17", end: "2025-06-17", fault: "/start_date"},
		{start: "2025-06-15", end: "2025-06-17", fault: "/end_date"},
		{start: "2025-02-29", end: "2025-03-01", fault: "/start_date"},
		{start: "2025-06-15", end: "", fault: "/end_date"},
		{start: "", end: "2025-06-15", fault: "/start_date"},
		{start: "15/06/2025", end: "2025-06-15", fault: "/start_date"},
		{start: "0001-01-01", end: "2025-06-15", fault: "/start_date"},
	} {
		w, err := period(c.start, c.end, now.Location(), now)
		if c.fault != "" {
			wantFault(t, err, c.fault)
			continue
		}
		if err != nil {
			t.Errorf("%s to %s: %v", c.start, c.end, err)
		} else if !w.From.Equal(gmt3(t, c.from)) || !w.To.Equal(gmt3(t, c.to)) {
			t.Errorf("%s to %s is [%s, %s)", c.start, c.end, w.From, w.To)
		}
	}
}

func TestZones(t *testing.T) {
	for _, c := range []struct {
		zone    string
		seconds int
	}{{"-03:00", -3 * 3600}, {"+00:00", 0}, {"+05:45", 5*3600 + 45*60}, {"-12:00", -12 * 3600}, {"+14:00", 14 * 3600}} {
		zone, err := parseZone(c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.zone, err)
			continue
		}
		if _, offset := time.Unix(0, 0).In(zone).Zone(); offset != c.seconds {
			t.Errorf("%s is %d seconds from UTC, want %d", c.zone, offset, c.seconds)
		}
	}
	for _, bad := range []string{"", "Z", "UTC", "Etc/GMT-3", "America/Sao_Paulo", "-3:00", "-0300", "-03:60", "-12:15", "+14:01", "+99:00"} {
		if _, err := parseZone(bad); err == nil {
			t.Errorf("the zone %q was taken", bad)
		}
	}
}
