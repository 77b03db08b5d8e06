package store

import (
	"context"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// attempt makes the attempt of a claim that started at the clock's time and
// took a second. Status 0 is a time-out.
func (e *env) attempt(c Claimed, status int) *webhook.Attempt {
	a := &webhook.Attempt{
		Number: c.AttemptCount + 1, Trigger: webhook.TriggerAutomatic, StartedAt: e.now(), Duration: time.Second,
		URL: c.URL, Status: status, Warnings: []string{},
	}
	if c.Manual() {
		a.Trigger = webhook.TriggerManual
	}
	switch status {
	case 200:
	case 0:
		a.Error = &webhook.AttemptError{Code: webhook.ErrorTimeout, Message: "no answer within 15s"}
	default:
		a.Error = &webhook.AttemptError{Code: webhook.ErrorStatus, Message: "not acknowledged"}
	}
	return a
}

// result makes of an attempt what the dispatcher makes of it.
func (e *env) result(c Claimed, status int) Result {
	a := e.attempt(c, status)
	r := Result{Ref: c.Ref, Attempt: a, ManualAt: c.ManualAt, Method: c.Method}
	r.Outcome = webhook.DefaultSchedule().After(c.Standing, a)
	if !r.Outcome.NextAttemptAt.IsZero() {
		r.CheckAt = r.Outcome.NextAttemptAt.Add(checkAfter)
	}
	return r
}

// attemptOnce claims, sends and records.
func (e *env) attemptOnce(tb testing.TB, ref Ref, status int) Recorded {
	tb.Helper()
	return e.record(tb, e.result(e.claim(tb, ref), status))
}

// fail brings a delivery to its end without an acknowledgement.
func (e *env) fail(tb testing.TB, ref Ref) Ref {
	tb.Helper()
	for {
		rec := e.attemptOnce(tb, ref, 500)
		ref.Generation = rec.Generation
		if rec.State == webhook.StateFailed {
			return ref
		}
		e.clock.Advance(rec.NextAttemptAt.Sub(e.now()))
	}
}

// queued is what the queue knows of a delivery, and no reader sees.
type queued struct {
	Generation int64
	CrashCount int
	Next       time.Time
	Manual     time.Time
	Lease      time.Time
	Check      time.Time
	Parked     bool
}

func (e *env) queued(tb testing.TB, id webhook.DeliveryID) queued {
	tb.Helper()
	var q queued
	var next, manual, lease, check nullTime
	err := e.read.QueryRowContext(context.Background(), `
		SELECT generation, crash_count, next_attempt_at, manual_at, lease_until, check_at, parked
		FROM deliveries WHERE id = $1`, string(id)).
		Scan(&q.Generation, &q.CrashCount, &next.us, &manual.us, &lease.us, &check.us, &q.Parked)
	if err != nil {
		tb.Fatal(err)
	}
	q.Next, q.Manual, q.Lease, q.Check = next.time(), manual.time(), lease.time(), check.time()
	return q
}
