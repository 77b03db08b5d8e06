package store

import (
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func keptChecks() []check {
	return []check{
		{"a delivery that is claimed by its intake", checkAcceptClaimed},
		{"a delivery that is parked by its intake", checkAcceptParked},
	}
}

// checkAcceptClaimed: whoever brings it has it until its lease ends, as if it had
// claimed it afterwards.
func checkAcceptClaimed(t *testing.T, e *env) {
	sub := e.subscribe(t)
	accept := func() NewDelivery {
		in := e.intake(sub)
		in.Deliveries[0].LeaseUntil = e.now().Add(leaseFor)
		e.mustAccept(t, in)
		return in.Deliveries[0]
	}
	sent, crashed := accept(), accept()
	e.wantStands(t, sent.ID, "pending crashes=1 next=0s lease=40s check=40s")
	if got := e.tryClaim(t, Ref{sent.ID, 1}, sent.Ref()); len(got) > 0 {
		t.Errorf("somebody else claimed it: %+v", got)
	}
	c := Claimed{Ref: sent.Ref(), Standing: webhook.Standing{State: webhook.StatePending, NextAttemptAt: e.now()}}
	e.record(t, e.result(c, 200))
	e.wantStands(t, sent.ID, "succeeded attempts=1 spent=1 finished=1s")
	e.clock.Advance(leaseFor)
	if c := e.claim(t, crashed.Ref()); c.CrashCount != 2 {
		t.Errorf("%d claims came to nothing or are under way, want 2", c.CrashCount)
	}
}

// checkAcceptParked: it waits to be fed, and nobody looks after it before.
func checkAcceptParked(t *testing.T, e *env) {
	sub := e.subscribe(t)
	in := e.intake(sub)
	in.Deliveries[0].Parked = true
	e.mustAccept(t, in)
	id := in.Deliveries[0].ID
	e.wantStands(t, id, "pending next=0s parked")
	e.clock.Advance(time.Hour)
	e.wantDue(t)
	if got := e.feed(t, sub, 5); len(got) != 1 || got[0].ID != id {
		t.Errorf("fed %+v", got)
	}
}
