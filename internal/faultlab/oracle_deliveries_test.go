package faultlab

import (
	"context"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// delivery holds the promises against one delivery: it is final and as its
// receiver behaves, its attempts have no gaps and keep the schedule, and what
// was repeated was in flight at a fault.
func (o *oracle) delivery(ctx context.Context, s *store.Store, id webhook.DeliveryID) {
	o.w.t.Helper()
	d := o.deliveries[id]
	attempts, err := s.Attempts(ctx, id)
	o.w.must(err)
	o.outcome(&d, attempts)
	o.schedule(&d, attempts)
	o.seen(&d, attempts)
	o.repeats(&d)
	if d.FinishedAt != nil && o.w.diary.any(func(f *fault) bool { return d.CreatedAt.Before(f.to) && d.FinishedAt.After(f.from) }) {
		o.recovered++
	}
}

// outcome: the state that its receiver leads to, after exactly the attempts
// that it takes; a crash spends none (P2, P7).
func (o *oracle) outcome(d *webhook.Delivery, attempts []webhook.Attempt) {
	answers, state := expected(d.ClientID)
	if d.State != state {
		o.loses("%s of %s is %s %s after %d attempts, not %s", d.ID, d.ClientID, d.State, d.HoldReason, len(attempts), state)
		return
	}
	var got []int
	for i := range attempts {
		got = append(got, attempts[i].Status)
		if attempts[i].Number != i+1 {
			o.wrong("attempt %d of %s has the number %d", i+1, d.ID, attempts[i].Number)
		}
	}
	if !slices.Equal(got, answers) || d.AttemptCount != len(answers) || d.AutomaticCount != len(answers) {
		o.wrong("%s of %s has attempts with %v, %d counted, %d of the schedule; want %v", d.ID, d.ClientID, got, d.AttemptCount, d.AutomaticCount, answers)
	}
}

// schedule: no attempt starts before its time (P13), and none so late that no
// fault explains it (P5, P7).
func (o *oracle) schedule(d *webhook.Delivery, attempts []webhook.Attempt) {
	due := d.CreatedAt
	for i := range attempts {
		a := &attempts[i]
		if early := due.Sub(a.StartedAt); early > tolerance {
			o.wrong("attempt %d of %s started %s before its time", a.Number, d.ID, early)
		}
		// Pages are released to the workers at a pace of their own.
		if !o.excused(due, a.StartedAt) {
			o.wrong("attempt %d of %s of %s was due at %s and started %s late", a.Number, d.ID, d.ClientID,
				due.Format("15:04:05.000"), a.StartedAt.Sub(due))
		}
		if healed := o.healedBefore(a.StartedAt); due.Before(healed) {
			o.resumed = max(o.resumed, a.StartedAt.Sub(healed))
		}
		if i < len(o.w.s.schedule) {
			due = a.EndedAt().Add(o.w.s.schedule[i])
		}
	}
}

// seen: each recorded attempt was a request that the receiver answered so, and
// no request stands outside of them.
func (o *oracle) seen(d *webhook.Delivery, attempts []webhook.Attempt) {
	requests := o.w.receiver.requests[d.ID]
	for i := range attempts {
		a := &attempts[i]
		there := slices.ContainsFunc(requests, func(q *request) bool { return q.attempt == a.Number && q.status == a.Status })
		if !there {
			o.loses("attempt %d of %s, %d, never came to its receiver", a.Number, d.ID, a.Status)
		}
	}
	for _, q := range requests {
		if q.attempt > len(attempts) || q.message != d.MessageID {
			o.wrong("a request for %s: attempt %d of message %s; recorded are %d", d.ID, q.attempt, q.message, len(attempts))
		}
	}
	o.receiverGaps(d, requests)
}

// receiverGaps: by the receiver's clock, too, no attempt comes before its time.
func (o *oracle) receiverGaps(d *webhook.Delivery, requests []*request) {
	answered := map[int]time.Time{} // the first answer of each attempt
	for _, q := range requests {
		if first, known := answered[q.attempt]; !q.answered.IsZero() && (!known || q.answered.Before(first)) {
			answered[q.attempt] = q.answered
		}
	}
	for _, q := range requests {
		before, known := answered[q.attempt-1]
		if known && q.arrived.Before(before.Add(o.w.s.schedule[q.attempt-2])) {
			o.wrong("attempt %d of %s came %s after the answer before", q.attempt, d.ID, q.arrived.Sub(before))
		}
	}
}

// repeats: an attempt that came more than once was under way, or its result
// not yet recorded, when something broke that excuses it (P3).
func (o *oracle) repeats(d *webhook.Delivery) {
	byAttempt := map[int][]*request{}
	for _, q := range o.w.receiver.requests[d.ID] {
		byAttempt[q.attempt] = append(byAttempt[q.attempt], q)
	}
	for n, same := range byAttempt {
		for i, q := range same[:len(same)-1] {
			o.duplicated++
			end := same[i+1].arrived // no answer: it was under way until somebody sent it again
			if !q.answered.IsZero() {
				end = q.answered.Add(commits)
			}
			if !o.w.diary.any(func(f *fault) bool { return f.repeats && q.arrived.Before(f.to.Add(slack)) && end.After(f.from) }) {
				o.wrong("attempt %d of %s of %s came at %s and again at %s, and was not in flight at a fault", n, d.ID, d.ClientID,
					q.arrived.Format("15:04:05.000"), same[i+1].arrived.Format("15:04:05.000"))
			}
		}
	}
}
