package console

import (
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestTimelineIsToScale: the places of the schedule's slots are as far from one
// another as their times.
func TestTimelineIsToScale(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	failed := webhook.Attempt{Number: 1, Trigger: webhook.TriggerAutomatic, StartedAt: at, Status: 500, Error: &webhook.AttemptError{Code: webhook.ErrorStatus}}
	next := at.Add(time.Minute)
	d := &webhook.Delivery{CreatedAt: at, State: webhook.StateRetrying, NextAttemptAt: &next, AutomaticCount: 1}
	line := drawTimeline(d, []webhook.Attempt{failed}, webhook.DefaultSchedule(), at.Add(30*time.Second))
	if len(line.Slots) != 6 || !line.Shown {
		t.Fatalf("%d slots, now shown: %v; want the six of the schedule", len(line.Slots), line.Shown)
	}
	whole := line.Slots[5].X - line.Slots[0].X
	for i, minutes := range []float64{0, 1, 6, 21, 51, 111} {
		want := line.Slots[0].X + whole*share(minutes/111)
		if got := line.Slots[i].X; got < want-.01 || got > want+.01 {
			t.Errorf("slot %d is at %s, want %s", i+1, got, want)
		}
		if got := line.Slots[i].Coming; got != (i > 0) {
			t.Errorf("slot %d is to come: %v", i+1, got)
		}
	}
	for i := range line.Slots {
		for j := range i {
			a, b := line.Slots[i], line.Slots[j]
			if a.Y == b.Y && a.X-b.X < slotNear {
				t.Errorf("slot %d hides slot %d", i+1, j+1)
			}
		}
	}
}

func TestTimelineOfOneAttempt(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := webhook.Attempt{Number: 1, Trigger: webhook.TriggerAutomatic, StartedAt: at, Duration: 20 * time.Millisecond, Status: 200}
	line := drawTimeline(&webhook.Delivery{CreatedAt: at, State: webhook.StateSucceeded}, []webhook.Attempt{a}, webhook.DefaultSchedule(), at.Add(time.Hour))
	if line.Span != shortest || len(line.Slots) != 1 || line.Shown || len(line.Ticks) == 0 {
		t.Errorf("drawn as %+v", line)
	}
}

// TestTimingAddsUp: the steps of an attempt fill its bar.
func TestTimingAddsUp(t *testing.T) {
	ms := func(n int) *time.Duration { d := time.Duration(n) * time.Millisecond; return &d }
	bar := drawTiming(&webhook.Attempt{Duration: 100 * time.Millisecond, Timing: webhook.Timing{DNS: ms(10), TLS: ms(20), FirstByte: ms(50)}})
	var sum share
	for _, p := range bar.Parts {
		if p.X != sum {
			t.Errorf("%s begins at %s, want %s", p.Key, p.X, sum)
		}
		sum += p.Width
	}
	if len(bar.Parts) != 4 || sum < 99.9 || sum > 100.1 || bar.Parts[3].Took != *ms(20) {
		t.Errorf("the parts are %+v", bar.Parts)
	}
	drawTiming(&webhook.Attempt{}) // nothing happened at all
}
