package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func recordChecks() []check {
	return []check{
		{"record a success", checkRecordSuccess},
		{"record a failure that is retried", checkRecordRetry},
		{"record failures until the schedule is used up", checkRecordFailed},
		{"record where the attempt went", checkRecordURL},
		{"record a manual failure: everything stays", checkManualFailure},
		{"record a manual success", checkManualSuccess},
		{"record one claim twice", checkRecordTwice},
		{"record for a delivery that is not there", checkRecordNothing},
		{"record many together, one of them bad", checkRecordNeighbours},
	}
}

func recordRaceChecks() []check {
	return []check{
		{"canceled while in flight", checkCanceledInFlight},
		{"canceled while in flight: the fence holds", checkCanceledFence},
		{"deleted while in flight", checkDeletedInFlight},
		{"paused while in flight", checkPausedInFlight},
		{"paused and resumed while in flight", checkResumedInFlight},
		{"asked for while in flight", checkAskedInFlight},
		{"manual attempt, then paused, canceled or asked again", checkManualInFlight},
	}
}

func (e *env) attempts(tb testing.TB, id webhook.DeliveryID) []webhook.Attempt {
	tb.Helper()
	as, err := e.Attempts(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return as
}

func checkRecordSuccess(t *testing.T, e *env) {
	ref := e.accept(t, e.subscribe(t))
	before := e.get(t, ref.ID)
	e.clock.Advance(3 * time.Second)
	c := e.claim(t, ref)
	r := e.result(c, 200)
	got := e.record(t, r)
	if diff := cmp.Diff(Recorded{Generation: 3, State: webhook.StateSucceeded}, got); diff != "" {
		t.Errorf("recorded: -want +got:\n%s", diff)
	}
	ended, status := e.now().Add(time.Second), 200
	want := before
	want.State, want.NextAttemptAt, want.AttemptCount, want.AutomaticCount = webhook.StateSucceeded, nil, 1, 1
	want.FinishedAt, want.LastStatus = &ended, &status
	if diff := cmp.Diff(want, e.get(t, ref.ID)); diff != "" {
		t.Errorf("delivery: -want +got:\n%s", diff)
	}
	e.wantStands(t, ref.ID, "succeeded attempts=1 spent=1 finished=4s")
	if diff := cmp.Diff([]webhook.Attempt{*r.Attempt}, e.attempts(t, ref.ID)); diff != "" {
		t.Errorf("attempts: -want +got:\n%s", diff)
	}
}

func checkRecordRetry(t *testing.T, e *env) {
	ref := e.accept(t, e.subscribe(t))
	got := e.attemptOnce(t, ref, 503)
	next := e.now().Add(time.Second + time.Minute)
	if diff := cmp.Diff(Recorded{Generation: 3, State: webhook.StateRetrying, NextAttemptAt: next}, got); diff != "" {
		t.Errorf("recorded: -want +got:\n%s", diff)
	}
	e.wantStands(t, ref.ID, "retrying attempts=1 spent=1 next=1m1s check=1m31s")
	d := e.get(t, ref.ID)
	if d.LastStatus == nil || *d.LastStatus != 503 || d.LastError != webhook.ErrorStatus || d.FinishedAt != nil || d.InFlight {
		t.Errorf("got %+v", d)
	}
	e.clock.Advance(next.Sub(e.now()))
	e.attemptOnce(t, Ref{ref.ID, got.Generation}, 0) // no status was read
	if d := e.get(t, ref.ID); d.LastStatus != nil || d.LastError != webhook.ErrorTimeout {
		t.Errorf("got %+v", d)
	}
	e.wantStands(t, ref.ID, "retrying attempts=2 spent=2 next=6m2s check=6m32s")
}

func checkRecordFailed(t *testing.T, e *env) {
	ref := e.fail(t, e.accept(t, e.subscribe(t)))
	e.wantStands(t, ref.ID, "failed attempts=6 spent=6 finished=1h51m6s") // 1+5+15+30+60 minutes, six attempts of a second
	as := e.attempts(t, ref.ID)
	if len(as) != 6 {
		t.Fatalf("%d attempts", len(as))
	}
	for i, a := range as {
		if a.Number != i+1 || a.Trigger != webhook.TriggerAutomatic || a.Status != 500 {
			t.Errorf("attempt %d is %+v", i+1, a)
		}
	}
	if got := e.tryClaim(t, ref); len(got) != 0 {
		t.Errorf("claimed a failed one: %v", got)
	}
}

func checkRecordURL(t *testing.T, e *env) {
	ref := e.accept(t, e.subscribe(t))
	r := e.result(e.claim(t, ref), 500)
	r.Attempt.URL, r.Method = "https://other.example/ção", "PUT" // the subscription was changed meanwhile
	e.record(t, r)
	if d := e.get(t, ref.ID); d.URL != r.Attempt.URL || d.Method != "PUT" {
		t.Errorf("got %s %s", d.Method, d.URL)
	}
}

// askAndClaim has an operator ask for an attempt, and claims it.
func (e *env) askAndClaim(tb testing.TB, id webhook.DeliveryID) Claimed {
	tb.Helper()
	hint, err := e.RequestRetry(context.Background(), id, e.now(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	c := e.claim(tb, hint)
	if !c.Manual() {
		tb.Fatalf("the claim is not manual: %+v", c)
	}
	return c
}

// inEachState makes one delivery for each state that an operator may send
// from, all at 0s, and moves the clock to 10s.
func (e *env) inEachState(t *testing.T) map[string]webhook.DeliveryID {
	t.Helper()
	sub, paused := e.subscribe(t), e.subscribe(t)
	ids := map[string]webhook.DeliveryID{}
	for _, name := range []string{"pending", "retrying", "quarantine", "succeeded", "failed"} {
		ids[name] = e.accept(t, sub).ID
	}
	ids["paused"] = e.accept(t, paused).ID
	e.pause(t, paused)
	e.attemptOnce(t, Ref{ids["retrying"], 1}, 500)
	e.attemptOnce(t, Ref{ids["succeeded"], 1}, 200)
	r := e.result(e.claim(t, Ref{ids["failed"], 1}), 500)
	r.Outcome, r.CheckAt = webhook.Outcome{State: webhook.StateFailed, Spent: 6}, time.Time{}
	e.record(t, r)
	c := e.claim(t, Ref{ids["quarantine"], 1})
	if err := e.GiveBack(context.Background(), Release{Ref: c.Ref, Why: ReleaseQuarantine}); err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(10 * time.Second)
	return ids
}

func checkManualFailure(t *testing.T, e *env) {
	ids := e.inEachState(t)
	for name, want := range map[string]string{
		"pending":    "pending attempts=1 next=0s check=11s",
		"retrying":   "retrying attempts=2 spent=1 next=1m1s check=11s",
		"quarantine": "held/quarantine attempts=1 next=0s",
		"paused":     "held/paused attempts=1 next=0s",
		"succeeded":  "succeeded attempts=2 spent=1 finished=1s",
		"failed":     "failed attempts=2 spent=6 finished=1s",
	} {
		was := e.get(t, ids[name])
		c := e.askAndClaim(t, ids[name])
		rec := e.record(t, e.result(c, 500))
		if rec.State != was.State || rec.Manual || rec.Generation != c.Generation+1 {
			t.Errorf("%s: recorded %+v", name, rec)
		}
		if got := e.describe(t, ids[name]); got != want {
			t.Errorf("%s\n  stands: %s\n    want: %s", name, got, want)
		}
		if as := e.attempts(t, ids[name]); as[len(as)-1].Trigger != webhook.TriggerManual {
			t.Errorf("%s: the last attempt is %+v", name, as[len(as)-1])
		}
	}
}

func checkManualSuccess(t *testing.T, e *env) {
	ids := e.inEachState(t)
	for name, want := range map[string]string{
		"pending":    "succeeded attempts=1 finished=11s",
		"retrying":   "succeeded attempts=2 spent=1 finished=11s",
		"quarantine": "succeeded attempts=1 finished=11s",
		"paused":     "succeeded attempts=1 finished=11s",
		"succeeded":  "succeeded attempts=2 spent=1 finished=1s", // it ended when it first succeeded
		"failed":     "succeeded attempts=2 spent=6 finished=11s",
	} {
		rec := e.record(t, e.result(e.askAndClaim(t, ids[name]), 200))
		if rec.State != webhook.StateSucceeded || rec.Manual || !rec.NextAttemptAt.IsZero() {
			t.Errorf("%s: recorded %+v", name, rec)
		}
		if got := e.describe(t, ids[name]); got != want {
			t.Errorf("%s\n  stands: %s\n    want: %s", name, got, want)
		}
	}
}

func checkRecordTwice(t *testing.T, e *env) {
	ref := e.accept(t, "")
	c := e.claim(t, ref)
	e.record(t, e.result(c, 200))
	if rec := e.tryRecord(t, e.result(c, 500)); !rec.Fenced {
		t.Errorf("recorded again: %+v", rec)
	}
	other := e.claim(t, e.accept(t, ""))
	out := e.runResults([]Result{e.result(other, 200), e.result(other, 500)})
	if out[0].Err != nil || out[1].Err != nil || out[0].Value.Fenced || !out[1].Value.Fenced {
		t.Errorf("twice in one commit: %+v", out)
	}
	for _, id := range []webhook.DeliveryID{ref.ID, other.ID} {
		e.wantStands(t, id, "succeeded attempts=1 spent=1 finished=1s")
		if as := e.attempts(t, id); len(as) != 1 || as[0].Status != 200 {
			t.Errorf("the attempts are %+v", as)
		}
	}
}

func checkRecordNothing(t *testing.T, e *env) {
	c := Claimed{Ref: Ref{"dlv_none", 1}, Standing: webhook.Standing{State: webhook.StatePending}}
	if rec := e.tryRecord(t, e.result(c, 200)); !rec.Fenced {
		t.Errorf("recorded %+v", rec)
	}
	if as := e.attempts(t, "dlv_none"); len(as) != 0 {
		t.Errorf("the attempts are %+v", as)
	}
}

func checkRecordNeighbours(t *testing.T, e *env) {
	refs := []Ref{e.accept(t, ""), e.accept(t, ""), e.accept(t, "")}
	rec := e.attemptOnce(t, refs[1], 500)
	e.clock.Advance(time.Minute + time.Second)
	refs[1].Generation = rec.Generation
	var rs []Result
	for _, ref := range refs {
		rs = append(rs, e.result(e.claim(t, ref), 200))
	}
	rs[1].Attempt.Number = 1 // taken: this result cannot be stored
	out := e.runResults(rs)
	if out[0].Err != nil || out[1].Err == nil || out[2].Err != nil {
		t.Errorf("got %+v", out)
	}
	e.wantStands(t, refs[0].ID, "succeeded attempts=1 spent=1 finished=1m2s")
	e.wantStands(t, refs[1].ID, "retrying attempts=1 spent=1 crashes=1 next=1m1s lease=1m41s check=1m31s")
	e.wantStands(t, refs[2].ID, "succeeded attempts=1 spent=1 finished=1m2s")
}

// What the receiver has acknowledged has succeeded, whatever an operator wanted
// meanwhile; an attempt that failed is the last one.
func checkCanceledInFlight(t *testing.T, e *env) {
	for _, c := range []struct {
		status int
		want   string
	}{
		{200, "succeeded attempts=1 spent=1 finished=3s"},
		{500, "canceled attempts=1 spent=1 finished=3s"},
	} {
		ref := e.accept(t, "")
		claimed := e.claim(t, ref)
		e.clock.Advance(time.Second)
		if _, err := e.Cancel(context.Background(), ref.ID); err != nil {
			t.Fatal(err)
		}
		e.clock.Advance(time.Second)
		rec := e.record(t, e.result(claimed, c.status))
		if !strings.HasPrefix(c.want, string(rec.State)+" ") || !rec.NextAttemptAt.IsZero() {
			t.Errorf("status %d: recorded %+v", c.status, rec)
		}
		e.wantStands(t, ref.ID, c.want)
		if as := e.attempts(t, ref.ID); len(as) != 1 || as[0].Status != c.status {
			t.Errorf("status %d: the attempts are %+v", c.status, as)
		}
	}
}

// The fence holds for what was canceled too: who comes late changes nothing.
func checkCanceledFence(t *testing.T, e *env) {
	ref := e.accept(t, "")
	stale := e.claim(t, ref)
	e.clock.Advance(leaseFor + time.Second)
	c := e.claim(t, stale.Ref)
	if _, err := e.Cancel(context.Background(), ref.ID); err != nil {
		t.Fatal(err)
	}
	if rec := e.tryRecord(t, e.result(stale, 200)); !rec.Fenced {
		t.Errorf("the result of a claim that had ended: %+v", rec)
	}
	if d := e.get(t, ref.ID); d.State != webhook.StateCanceled || d.AttemptCount != 0 {
		t.Errorf("a stale result changed it: %+v", d)
	}
	if rec := e.record(t, e.result(c, 500)); rec.State != webhook.StateCanceled {
		t.Errorf("recorded %+v", rec)
	}
}

func checkDeletedInFlight(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ref := e.accept(t, sub)
	c := e.claim(t, ref)
	if err := e.DeleteSubscription(context.Background(), sub); err != nil {
		t.Fatal(err)
	}
	e.record(t, e.result(c, 200))
	e.wantStands(t, ref.ID, "succeeded attempts=1 spent=1 finished=1s")
}

func checkPausedInFlight(t *testing.T, e *env) {
	for _, c := range []struct {
		status int
		last   bool // of the schedule
		want   string
	}{
		{200, false, "succeeded attempts=1 spent=1 finished=1s"},
		{500, false, "held/paused attempts=1 spent=1 next=1m1s"},
		{500, true, "failed attempts=1 spent=6 finished=1s"},
	} {
		sub := e.subscribe(t)
		ref := e.accept(t, sub)
		claimed := e.claim(t, ref)
		if c.last {
			claimed.Standing.Spent = 5
		}
		e.pause(t, sub)
		e.record(t, e.result(claimed, c.status))
		e.wantStands(t, ref.ID, c.want)
		e.resume(t, sub)
		if c.status == 500 && !c.last {
			e.wantStands(t, ref.ID, "retrying attempts=1 spent=1 next=1m1s check=0s")
		} else {
			e.wantStands(t, ref.ID, c.want)
		}
	}
}

func checkResumedInFlight(t *testing.T, e *env) {
	for status, want := range map[int]string{
		200: "succeeded attempts=1 spent=1 finished=1s",
		500: "retrying attempts=1 spent=1 next=1m1s check=1m31s",
	} {
		sub := e.subscribe(t)
		ref := e.accept(t, sub)
		c := e.claim(t, ref)
		e.pause(t, sub)
		e.resume(t, sub)
		if got := e.tryClaim(t, c.Ref); len(got) != 0 {
			t.Errorf("claimed while in flight: %v", got)
		}
		e.record(t, e.result(c, status))
		e.wantStands(t, ref.ID, want)
	}
}

func checkAskedInFlight(t *testing.T, e *env) {
	for status, want := range map[int]string{
		200: "succeeded attempts=1 spent=1 manual=0s check=1s finished=1s",
		500: "retrying attempts=1 spent=1 next=1m1s manual=0s check=1s",
	} {
		ref := e.accept(t, "")
		c := e.claim(t, ref)
		hint, err := e.RequestRetry(context.Background(), ref.ID, e.now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.tryClaim(t, hint); len(got) != 0 {
			t.Errorf("claimed while in flight: %v", got)
		}
		rec := e.record(t, e.result(c, status))
		if !rec.Manual {
			t.Errorf("recorded %+v", rec)
		}
		e.wantStands(t, ref.ID, want)
		e.record(t, e.result(e.claim(t, Ref{ref.ID, rec.Generation}), 200))
	}
}

func checkManualInFlight(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscribe(t)
	paused, canceled, again := e.accept(t, sub), e.accept(t, ""), e.accept(t, "")
	cp, cc, ca := e.askAndClaim(t, paused.ID), e.askAndClaim(t, canceled.ID), e.askAndClaim(t, again.ID)
	e.clock.Advance(time.Second)
	e.pause(t, sub)
	if _, err := e.Cancel(ctx, canceled.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RequestRetry(ctx, again.ID, e.now(), nil); err != nil {
		t.Fatal(err)
	}
	e.record(t, e.result(cp, 500))
	e.wantStands(t, paused.ID, "held/paused attempts=1 next=0s")
	e.record(t, e.result(cc, 200))
	e.wantStands(t, canceled.ID, "succeeded attempts=1 finished=2s")
	rec := e.record(t, e.result(ca, 500))
	if !rec.Manual {
		t.Errorf("the second request was forgotten: %+v", rec)
	}
	e.wantStands(t, again.ID, "pending attempts=1 next=0s manual=1s check=2s")
	if c := e.claim(t, Ref{again.ID, rec.Generation}); c.AttemptCount != 1 || !c.Manual() {
		t.Errorf("claimed %+v", c)
	}
}
