package metrics

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func observation(code webhook.ErrorCode, was, is webhook.DeliveryState) dispatcher.Observation {
	late := 3 * time.Millisecond
	a := &webhook.Attempt{Duration: 20 * time.Millisecond, Late: &late}
	if code != webhook.ErrorNone {
		a.Error = &webhook.AttemptError{Code: code}
	}
	return dispatcher.Observation{Lane: dispatcher.LaneRetry, Attempt: a, Was: was, State: is}
}

// What is called for each attempt and each batch makes nothing for the
// collector of garbage.
func TestCountingAllocatesNothing(t *testing.T) {
	m := New("test")
	o := observation(webhook.ErrorStatus, webhook.StateRetrying, webhook.StateFailed)
	run := batch.Run{Calls: 7, Took: time.Millisecond}
	offered := dispatcher.IntakeObservation{Events: 1, Accepted: []dispatcher.Accepted{{}}}
	for name, count := range map[string]func(){
		"an attempt": func() { m.Attempt(o) },
		"an intake":  func() { m.Intake(context.Background(), offered) },
		"a batch":    func() { m.Batch("results", run) },
	} {
		if n := testing.AllocsPerRun(100, count); n > 0 {
			t.Errorf("%s allocates %.0f times", name, n)
		}
	}
}

// A delivery ends once: an operator's retry of one that has ended is an
// attempt more, and no delivery more.
func TestDeliveriesEndOnce(t *testing.T) {
	m := New("test")
	for _, o := range []dispatcher.Observation{
		observation(webhook.ErrorTimeout, webhook.StatePending, webhook.StateRetrying),
		observation(webhook.ErrorTimeout, webhook.StateRetrying, webhook.StateFailed),
		observation(webhook.ErrorStatus, webhook.StateFailed, webhook.StateFailed),
		observation(webhook.ErrorNone, webhook.StateFailed, webhook.StateSucceeded),
		observation(webhook.ErrorNone, webhook.StateSucceeded, webhook.StateSucceeded),
	} {
		m.Attempt(o)
	}
	for _, state := range []webhook.DeliveryState{webhook.StateFailed, webhook.StateSucceeded} {
		if n := testutil.ToFloat64(m.attempts.ended[state]); n != 1 {
			t.Errorf("%s: %g", state, n)
		}
	}
	if n := testutil.ToFloat64(m.attempts.count[dispatcher.LaneRetry][webhook.ErrorTimeout]); n != 2 {
		t.Errorf("%g attempts ended with a timeout", n)
	}
}

func TestIntakeByOutcome(t *testing.T) {
	for outcome, err := range map[string]error{
		accepted: nil, replayed: &store.Replay{}, refused: webhook.NotFound("client", "x"), faulty: errFault{},
		unavailable: &webhook.Error{Kind: webhook.KindUnavailable},
	} {
		m := New("test")
		m.Intake(context.Background(), dispatcher.IntakeObservation{Events: 3, Err: err})
		if n := testutil.ToFloat64(m.intake.events[outcome]); n != 3 {
			t.Errorf("%s: %g", outcome, n)
		}
	}
}

type errFault struct{}

func (errFault) Error() string { return "fault" }
