package faultlab

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// numbers are the six that a run is judged by.
type numbers struct {
	attempted  int // events and verifications that the platform wanted accepted
	accepted   int // of them, those that were answered with 2xx
	lost       int // accepted, and not in SQL, not final, or not as the receiver saw it; must be 0
	duplicated int // requests that were sent again; each was in flight at a fault
	unexpected int // anything that no promise allows; must be 0
	recovered  int // deliveries that were open when something was broken, and ended
}

// oracle holds the promises of docs/reliability.md against a run that is over.
type oracle struct {
	w *world
	numbers
	resumed time.Duration

	events     map[webhook.MessageID]bool // in SQL
	deliveries map[webhook.DeliveryID]webhook.Delivery
	told       int // complaints so far
}

// judge reads what SQL says and what the receivers saw.
func (w *world) judge() *oracle {
	w.t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, w.database, store.Options{})
	w.must(err)
	defer s.Close()
	o := &oracle{w: w, events: map[webhook.MessageID]bool{}, deliveries: map[webhook.DeliveryID]webhook.Delivery{}}
	o.read(ctx, s)
	o.intake()
	o.acceptedEvents(ctx, s)
	for id := range o.deliveries {
		o.delivery(ctx, s, id)
	}
	o.strangers()
	o.exports(ctx, s)
	if o.duplicated > 0 && !w.diary.any(func(f *fault) bool { return f.repeats }) {
		o.wrong("%d requests were repeated without a fault that excuses it", o.duplicated)
	}
	if w.s.again && o.duplicated == 0 {
		o.wrong("nothing was repeated: the process did not die at the moment that the run is for")
	}
	return o
}

// loses and wrong note a broken promise. The first ones are told.
func (o *oracle) loses(format string, args ...any) { o.lost++; o.complain("LOST", format, args) }

func (o *oracle) wrong(format string, args ...any) {
	o.unexpected++
	o.complain("UNEXPECTED", format, args)
}

func (o *oracle) complain(kind, format string, args []any) {
	const most = 12
	if o.told++; o.told <= most {
		o.w.t.Errorf(kind+": "+format, args...)
	} else {
		o.w.t.Fail()
	}
}

func (o *oracle) read(ctx context.Context, s *store.Store) {
	o.w.t.Helper()
	page := store.Page{Limit: 500}
	for {
		rows, next, err := s.Events(ctx, store.EventFilter{}, page)
		o.w.must(err)
		for _, m := range rows {
			o.events[m.ID] = true
		}
		if page.After = next; next == "" {
			break
		}
	}
	for {
		rows, next, err := s.Deliveries(ctx, store.DeliveryFilter{}, page)
		o.w.must(err)
		for _, d := range rows {
			o.deliveries[d.ID] = d
		}
		if page.After = next; next == "" {
			return
		}
	}
}

// intake judges every answer of the intake by what was broken at that moment.
func (o *oracle) intake() {
	for _, t := range o.w.load.tries {
		rule := accepts
		o.w.diary.any(func(f *fault) bool {
			if f.overlaps(t.from, t.from.Add(t.took)) {
				rule = max(rule, f.intake)
			}
			return false
		})
		good := t.status >= 200 && t.status < 300
		is503 := t.status == 503 && t.retryAfter
		at := t.from.Format("15:04:05.000")
		switch {
		case t.status >= 400 && t.status < 500, t.status == 500:
			o.wrong("%s: a good %s was answered with %d %s", at, t.what, t.status, t.body)
		case rule == gone:
		case rule == refuses && !good && !is503:
			o.wrong("%s: the %s got %d, %v: neither taken nor refused with Retry-After", at, t.what, t.status, t.err)
		case rule == accepts && !good:
			o.wrong("%s: the %s got %d, %v, %s, and nothing was broken that excuses it", at, t.what, t.status, t.err, t.body)
		case t.what != "records" && t.took > intakeLimit+slack:
			o.wrong("%s: the %s was answered with %d after %s", at, t.what, t.status, t.took)
		}
	}
}

// acceptedEvents: what was accepted is in SQL, and nothing else is (P1, P6).
func (o *oracle) acceptedEvents(ctx context.Context, s *store.Store) {
	o.w.t.Helper()
	l := o.w.load
	claimed := map[webhook.MessageID]bool{}
	o.attempted, o.accepted = len(l.events)+l.begun, len(l.callback)
	for _, e := range l.events {
		if !e.accepted {
			continue
		}
		o.accepted++
		id := webhook.MessageID(e.id)
		if claimed[id] {
			o.wrong("event %d was answered with the id of another one, %s", e.number, id)
		}
		claimed[id] = true
		if !o.events[id] {
			o.loses("event %d, %s, was accepted and is not in SQL", e.number, id)
		}
		if len(e.deliveries) != 1 {
			o.wrong("event %d has the deliveries %v", e.number, e.deliveries)
		}
		for _, d := range e.deliveries {
			if got, there := o.deliveries[webhook.DeliveryID(d)]; !there || got.MessageID != id {
				o.loses("delivery %s of event %d is not in SQL", d, e.number)
			}
		}
	}
	for id := range o.events {
		if !claimed[id] {
			o.inDoubt(ctx, s, id, claimed)
		}
	}
	for d := range l.callback {
		if _, there := o.deliveries[webhook.DeliveryID(d)]; !there {
			o.loses("the callback %s of a verification is not in SQL", d)
		}
	}
	if n := len(l.callback); n != l.begun {
		o.loses("of %d verifications, %d ended", l.begun, n)
	}
}

// inDoubt looks at an event in SQL that nobody was told of. It must be one
// that was posted once, without a key, and whose answer a fault swallowed.
func (o *oracle) inDoubt(ctx context.Context, s *store.Store, id webhook.MessageID, claimed map[webhook.MessageID]bool) {
	o.w.t.Helper()
	m, err := s.Message(ctx, id)
	o.w.must(err)
	var body struct {
		Data struct {
			User struct {
				ID int `json:"id,string"`
			}
		}
	}
	if err := json.Unmarshal(m.Body, &body); err != nil {
		o.wrong("event %s in SQL is none of ours: %v", id, err)
		return
	}
	e := o.w.load.events[body.Data.User.ID]
	switch {
	case e.keyed || e.accepted || claimed[webhook.MessageID(e.id)]:
		o.wrong("event %d is in SQL twice, as %s too", e.number, id)
	case e.refused && !o.w.diary.any(func(f *fault) bool { return f.intake == refuses && f.overlaps(m.CreatedAt, m.CreatedAt) }):
		o.wrong("event %d was refused with 503 and is in SQL as %s", e.number, id)
	}
	e.id = string(id)
	claimed[id] = true
}

// strangers: nobody gets a request that SQL knows nothing of, and no request
// was wrong in itself; a message has one body.
func (o *oracle) strangers() {
	r := o.w.receiver
	for _, what := range r.faults {
		o.wrong("the receiver refused a request: %s", what)
	}
	bodies := map[webhook.MessageID][32]byte{}
	for id, requests := range r.requests {
		if _, there := o.deliveries[id]; !there {
			o.wrong("%d requests came for %s, which is not in SQL", len(requests), id)
		}
		for _, q := range requests {
			if body, known := bodies[q.message]; known && body != q.body {
				o.wrong("message %s came with two bodies", q.message)
			}
			bodies[q.message] = q.body
		}
	}
}

// excused tells whether a fault explains that something due at one time
// started at another.
func (o *oracle) excused(due, started time.Time) bool {
	late := started.Sub(due)
	return late <= ordinary || o.w.diary.any(func(f *fault) bool {
		return !started.Before(f.from) && !due.After(f.to.Add(hinted)) && !started.After(f.to.Add(f.within+slack))
	})
}

// healedBefore is the end of the last fault before t; zero: there was none.
func (o *oracle) healedBefore(t time.Time) (healed time.Time) {
	o.w.diary.any(func(f *fault) bool {
		if f.to.Before(t) && f.to.After(healed) {
			healed = f.to
		}
		return false
	})
	return healed
}
