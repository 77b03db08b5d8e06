package console

import (
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// timeline is a delivery's attempts and the coming slots of its schedule,
// drawn to scale.
type timeline struct {
	Height int
	Base   int // the y of the axis
	From   time.Time
	Span   time.Duration
	Slots  []slot
	Ticks  []tick
	Now    share
	Shown  bool // now is within the drawing
	Done   share
}

// slot is one place of the timeline: an attempt that was made, or one to come.
type slot struct {
	Number int
	At     time.Time
	X      share
	Y      int
	Kind   string // ok, bad, manual-ok, manual-bad, coming
	Coming bool
	Manual bool
	Took   time.Duration
	Cause  webhook.ErrorCode
	Status int
}

const (
	slotRow     = 24               // between two slots above one another
	slotNear    = 6.0              // percent: two that are nearer would hide each other
	maxTimeline = 60               // attempts that are drawn, the last ones
	axisBelow   = 22               // for the texts of the axis
	timelineMin = 1.5              // percent at both ends
	timelineMax = 97.0             // percent between them
	firstRow    = slotRow          // above the axis
	shortest    = 10 * time.Second // a shorter span is drawn as this one
)

// drawTimeline draws what was, and what the schedule has still to come.
func drawTimeline(d *webhook.Delivery, attempts []webhook.Attempt, s webhook.Schedule, now time.Time) *timeline {
	t := &timeline{From: d.CreatedAt}
	attempts = attempts[max(0, len(attempts)-maxTimeline):]
	if len(attempts) > 0 && attempts[0].Number > 1 {
		t.From = attempts[0].StartedAt // those before it were removed
	}
	end := t.From
	for i := range attempts {
		t.Slots = append(t.Slots, slotOf(&attempts[i]))
		end = later(end, attempts[i].EndedAt())
	}
	for _, at := range coming(d, s) {
		t.Slots = append(t.Slots, slot{Number: len(t.Slots) + 1, At: at, Kind: "coming", Coming: true})
		end = later(end, at)
	}
	if !d.State.Final() {
		end = later(end, now)
	}
	t.Span = max(end.Sub(t.From), shortest)
	rows := t.place()
	t.Base = rows*slotRow + 12
	t.Height = t.Base + axisBelow
	for i := range t.Slots {
		t.Slots[i].Y = t.Base - t.Slots[i].Y
	}
	t.Ticks = t.ticks()
	if t.Shown = !now.After(end) && !d.State.Final(); t.Shown {
		t.Now = t.at(now)
	}
	t.Done = t.at(later(t.From, earlier(now, end)))
	return t
}

func slotOf(a *webhook.Attempt) slot {
	s := slot{
		Number: a.Number, At: a.StartedAt, Kind: "bad", Manual: a.Trigger != webhook.TriggerAutomatic,
		Took: a.Duration, Cause: a.ErrorCode(), Status: a.Status,
	}
	if a.Acknowledged() {
		s.Kind = "ok"
	}
	return s
}

// coming are the times of the schedule's slots that are still to come: the
// next one, and those after it if each attempt fails at once.
func coming(d *webhook.Delivery, s webhook.Schedule) []time.Time {
	if d.NextAttemptAt == nil {
		return nil
	}
	out := []time.Time{*d.NextAttemptAt}
	for _, wait := range s[min(len(s), d.AutomaticCount):] {
		out = append(out, out[len(out)-1].Add(wait))
	}
	return out
}

// place gives each slot its place; one that would hide another goes a row up.
// It returns how many rows there are.
func (t *timeline) place() int {
	rows := 1
	var ends []share // of the last slot in each row
	for i := range t.Slots {
		s := &t.Slots[i]
		s.X = t.at(s.At)
		row := 0
		for row < len(ends) && s.X-ends[row] < slotNear {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = s.X
		s.Y = firstRow + row*slotRow - slotRow/2
		rows = max(rows, row+1)
	}
	return rows
}

// at is where a moment is along the axis.
func (t *timeline) at(at time.Time) share {
	part := float64(at.Sub(t.From)) / float64(t.Span)
	return share(timelineMin + timelineMax*min(1, max(0, part)))
}

// ticks are at most six round times after the beginning.
func (t *timeline) ticks() []tick {
	steps := []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if t.Span/s <= 5 {
			step = s
			break
		}
	}
	for t.Span/step > 5 {
		step *= 2
	}
	var out []tick
	for d := step; d <= t.Span; d += step {
		out = append(out, tick{t.at(t.From.Add(d)), t.Base + 17, "+" + english.span(d)})
	}
	return out
}

// TickEnd is where the marks of the axis end.
func (t *timeline) TickEnd() int { return t.Base + 5 }

// After is how long a moment is after the beginning.
func (t *timeline) After(at time.Time) time.Duration { return at.Sub(t.From) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// timing is how an attempt's time was spent, drawn as one bar.
type timing struct {
	Parts []timingPart
	Whole time.Duration
}

type timingPart struct {
	Key   string // of its text: dns, connect, tls, first_byte, rest
	Took  time.Duration
	X     share
	Width share
	Class string
}

// drawTiming draws the steps of an attempt. What is between them (the request
// is written, the answer's body is read) is the rest.
func drawTiming(a *webhook.Attempt) timing {
	t := timing{Whole: a.Duration}
	rest := a.Duration
	for _, step := range []struct {
		key, class string
		took       *time.Duration
	}{
		{"dns", "fill-hold", a.Timing.DNS},
		{"connect", "fill-warn", a.Timing.Connect},
		{"tls", "fill-ok", a.Timing.TLS},
		{"first_byte", "fill-accent", a.Timing.FirstByte},
	} {
		if step.took != nil {
			t.Parts = append(t.Parts, timingPart{Key: step.key, Took: *step.took, Class: step.class})
			rest -= *step.took
		}
	}
	t.Parts = append(t.Parts, timingPart{Key: "rest", Took: max(0, rest), Class: "fill-calm"})
	whole := max(a.Duration, a.Duration-rest)
	x := share(0)
	for i := range t.Parts {
		p := &t.Parts[i]
		p.X = x
		if whole > 0 {
			p.Width = share(100 * float64(p.Took) / float64(whole))
		}
		x += p.Width
	}
	return t
}
