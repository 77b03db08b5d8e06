package scheduler

import (
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestCron(t *testing.T) {
	for _, c := range []struct {
		cron, after string
		want        []string
	}{
		{"0 3 * * *", "2025-06-15 03:00", []string{"2025-06-16 03:00", "2025-06-17 03:00"}},
		{"0 3 * * *", "2025-06-15 02:59:59.999999", []string{"2025-06-15 03:00"}},
		{"0 3 * * *", "2025-12-31 12:00", []string{"2026-01-01 03:00"}},
		{"0 3 * * *", "2024-02-28 12:00", []string{"2024-02-29 03:00", "2024-03-01 03:00"}},
		{"0 3 * * 4", "2025-06-16 00:00", []string{"2025-06-19 03:00", "2025-06-26 03:00"}},
		{"0 3 * * 4", "2025-12-25 03:00", []string{"2026-01-01 03:00"}},
		{"*/30 * * * * *", "2025-06-15 00:00:01", []string{"2025-06-15 00:00:30", "2025-06-15 00:01"}},
		{"0 3 29 2 *", "2024-03-01 00:00", []string{"2028-02-29 03:00"}},
		// Hours that Brazil's clocks once jumped over exist at GMT-3.
		{"30 0 * * *", "2018-11-03 12:00", []string{"2018-11-04 00:30"}},
	} {
		at := gmt3(t, c.after)
		s, err := parseCron(c.cron, at.Location())
		if err != nil {
			t.Errorf("%s: %v", c.cron, err)
			continue
		}
		for _, want := range c.want {
			if at = s.next(at); !at.Equal(gmt3(t, want)) {
				t.Errorf("%s after %s: %s, want %s", c.cron, c.after, at, want)
			}
		}
	}
}

func TestCronRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "0 3 * *", "0 3 * * * * *", "60 3 * * *", "0 24 * * *", "0 3 32 * *", "0 3 * 13 *", "0 3 * * 8", "x 3 * * *",
		"@daily", "@every 1s", "CRON_TZ=UTC 0 3 * * *", "TZ=UTC 0 3 * * *", "CRON_TZ=UTC", "0 3 * * *; DROP", "0/0 3 * * *",
	} {
		if _, err := parseCron(bad, time.UTC); err == nil {
			t.Errorf("the cron expression %q was taken", bad)
		}
	}
	s, err := parseCron("0 3 30 2 *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if next := s.next(time.Now()); !next.IsZero() {
		t.Errorf("30 February is %s", next)
	}
}

func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "0 3 * * 4", "*/5 * * * * *", "CRON_TZ=X", "1-5/2 3,4 ? JAN mon"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := parseCron(expr, time.UTC)
		if err != nil {
			return
		}
		now := time.Unix(1_750_000_000, 0)
		if next := s.next(now); !next.IsZero() && !next.After(now) {
			t.Errorf("%q after %s: %s", expr, now, next)
		}
	})
}

func TestUpcomingTellsTheWindowOfEachFire(t *testing.T) {
	e := &webhook.Export{
		Name: "financeiro", Cron: "0 3 * * 4", Zone: webhook.WireZone, Window: webhook.PreviousWeek, Enabled: true,
	}
	now := gmt3(t, "2025-06-16 12:00")
	got, err := upcoming(e, now, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ at, start, end string }{
		{"2025-06-19 03:00", "2025-06-09", "2025-06-15"},
		{"2025-06-26 03:00", "2025-06-16", "2025-06-22"},
		{"2025-07-03 03:00", "2025-06-23", "2025-06-29"},
	}
	for i, u := range got {
		start, end := u.Window.Dates(now.Location())
		if i >= len(want) || !u.At.Equal(gmt3(t, want[i].at)) || start != want[i].start || end != want[i].end {
			t.Errorf("fire %d: %s for %s to %s", i, u.At, start, end)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d fires", len(got))
	}
	e.Enabled = false
	if got, err := upcoming(e, now, 3); err != nil || len(got) != 0 {
		t.Errorf("a disabled export tells %v (%v)", got, err)
	}
}
