package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func claimChecks() []check {
	return []check{
		{"claim gives all that the sender needs", checkClaim},
		{"claim only at the right generation", checkClaimGeneration},
		{"claim not while a lease runs", checkClaimLease},
		{"claim after a lease fences the first one", checkClaimFences},
		{"claim until the horizon", checkClaimHorizon},
		{"claim what an operator asked for", checkClaimManual},
		{"claim neither held nor final nor parked", checkClaimable},
		{"claim duplicates in one call and in one commit", checkClaimDuplicates},
		{"claim hundreds in one call", checkClaimMany},
		{"claim counts crashes", checkClaimCrashes},
		{"claim without a body", checkClaimBodyGone},
	}
}

func checkClaim(t *testing.T, e *env) {
	in := e.intake(e.subscribe(t))
	e.mustAccept(t, in)
	e.clock.Advance(time.Second)
	m, d := in.Messages[0], in.Deliveries[0]
	want := Claimed{
		Ref: Ref{d.ID, 2}, MessageID: m.ID, Kind: webhook.KindEvent, ClientID: someClient, EventType: someType,
		SubscriptionID: d.SubscriptionID, URL: someURL, Method: "POST", CrashCount: 1,
		Standing: webhook.Standing{State: webhook.StatePending, NextAttemptAt: m.CreatedAt},
		Body:     m.Body, LeaseUntil: e.now().Add(leaseFor), Catalogue: e.version(t),
	}
	got := e.claim(t, Ref{d.ID, 1})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Manual() || !got.Due().Equal(m.CreatedAt) {
		t.Errorf("manual %v, due %s", got.Manual(), got.Due())
	}
	e.wantStands(t, d.ID, "pending crashes=1 next=0s lease=41s check=30s")
	if d := e.get(t, d.ID); !d.InFlight || d.RetryRequested {
		t.Errorf("in flight %v, retry requested %v", d.InFlight, d.RetryRequested)
	}
	e.clock.Advance(leaseFor)
	if e.get(t, d.ID).InFlight {
		t.Error("still in flight when its lease has ended")
	}
}

func checkClaimGeneration(t *testing.T, e *env) {
	ref := e.accept(t, "")
	for _, g := range []int64{0, 2, -1} {
		if got := e.tryClaim(t, Ref{ref.ID, g}); len(got) != 0 {
			t.Errorf("claimed at generation %d: %v", g, got)
		}
	}
	if got := e.tryClaim(t, Ref{"dlv_none", 1}); len(got) != 0 {
		t.Errorf("claimed what does not exist: %v", got)
	}
	if got := e.tryClaim(t); len(got) != 0 {
		t.Errorf("claimed nothing and got %v", got)
	}
	rec := e.attemptOnce(t, ref, 500)
	e.clock.Advance(2 * time.Minute)
	if got := e.tryClaim(t, ref, Ref{ref.ID, 2}); len(got) != 0 {
		t.Errorf("an old hint claimed %v", got)
	}
	if c := e.claim(t, Ref{ref.ID, rec.Generation}); c.AttemptCount != 1 || c.Standing.Spent != 1 || c.Standing.State != webhook.StateRetrying {
		t.Errorf("claimed %+v", c)
	}
}

func checkClaimLease(t *testing.T, e *env) {
	ref := e.accept(t, "")
	c := e.claim(t, ref)
	if got := e.tryClaim(t, ref, c.Ref); len(got) != 0 {
		t.Errorf("claimed twice: %v", got)
	}
	e.clock.Advance(leaseFor - time.Microsecond)
	if got := e.tryClaim(t, c.Ref); len(got) != 0 {
		t.Errorf("claimed before the lease ended: %v", got)
	}
	e.clock.Advance(time.Microsecond) // the reconciler thinks it free from now on
	if again := e.claim(t, c.Ref); again.CrashCount != 2 || again.Generation != 3 {
		t.Errorf("claimed %+v", again)
	}
}

func checkClaimFences(t *testing.T, e *env) {
	ref := e.accept(t, "")
	first := e.claim(t, ref)
	e.clock.Advance(leaseFor)
	second := e.claim(t, first.Ref)
	late := e.tryRecord(t, e.result(first, 500))
	if diff := cmp.Diff(Recorded{Fenced: true}, late); diff != "" {
		t.Errorf("the late result: -want +got:\n%s", diff)
	}
	if err := e.GiveBack(context.Background(), Release{Ref: first.Ref, Why: ReleaseQuarantine}); err != nil {
		t.Fatal(err)
	}
	e.wantStands(t, ref.ID, "pending crashes=2 next=0s lease=1m20s check=30s")
	e.record(t, e.result(second, 200))
	// Both at once, in one commit, in either order.
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		ref := e.accept(t, "")
		first := e.claim(t, ref)
		e.clock.Advance(leaseFor)
		both := []Result{e.result(first, 500), e.result(e.claim(t, first.Ref), 200)}
		out := e.runResults([]Result{both[order[0]], both[order[1]]})
		for i, which := range order {
			if out[i].Err != nil || out[i].Value.Fenced != (which == 0) {
				t.Errorf("order %v: got %+v", order, out)
			}
		}
		as := e.attempts(t, ref.ID)
		if len(as) != 1 || as[0].Status != 200 {
			t.Errorf("order %v: the attempts are %+v", order, as)
		}
	}
}

func checkClaimHorizon(t *testing.T, e *env) {
	ref := e.accept(t, "")
	rec := e.attemptOnce(t, ref, 500)
	ref.Generation = rec.Generation
	terms := e.terms()
	terms.Horizon = rec.NextAttemptAt.Add(-time.Microsecond)
	if got, err := e.Claim(context.Background(), []Ref{ref}, terms); err != nil || len(got) != 0 {
		t.Errorf("claimed beyond the horizon: %v (%v)", got, err)
	}
	terms.Horizon = rec.NextAttemptAt
	if got, err := e.Claim(context.Background(), []Ref{ref}, terms); err != nil || len(got) != 1 || got[0].Due() != rec.NextAttemptAt {
		t.Errorf("did not claim at the horizon: %v (%v)", got, err)
	}
}

func checkClaimManual(t *testing.T, e *env) {
	ref := e.accept(t, "")
	rec := e.attemptOnce(t, ref, 500)
	asked := e.clock.Advance(time.Second)
	hint, err := e.RequestRetry(context.Background(), ref.ID, asked, nil)
	if err != nil || hint != (Ref{ref.ID, rec.Generation}) {
		t.Fatalf("got the hint %v, error %v", hint, err)
	}
	c := e.claim(t, hint) // although the schedule is not due yet
	if !c.Manual() || c.Due() != asked || c.ManualAt != asked || c.Standing.NextAttemptAt != rec.NextAttemptAt {
		t.Errorf("claimed %+v", c)
	}
	if d := e.get(t, ref.ID); !d.RetryRequested || !d.InFlight {
		t.Errorf("got %+v", d)
	}
}

func checkClaimable(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ids := lineUp(t, e, sub)
	claimable := map[string]bool{"pending": true, "pending, asked for": true, "failed, asked for": true, "retrying": true}
	e.clock.Advance(time.Minute + time.Second) // the retrying one is due; the leases have ended
	for _, inFlight := range []string{"pending, in flight", "retrying, in flight", "failed, in flight"} {
		claimable[inFlight] = true
	}
	for name, id := range ids {
		got := e.tryClaim(t, Ref{id, e.queued(t, id).Generation})
		if (len(got) == 1) != claimable[name] {
			t.Errorf("%s: claimed %v", name, got)
		}
	}
	held := e.accept(t, sub)
	e.pause(t, sub)
	if got := e.tryClaim(t, held); len(got) != 0 {
		t.Errorf("claimed from a paused subscription: %v", got)
	}
}

func checkClaimDuplicates(t *testing.T, e *env) {
	a, b := e.accept(t, ""), e.accept(t, "")
	if got := e.tryClaim(t, a, b, a, a, b); len(got) != 2 {
		t.Errorf("claimed %d of 2", len(got))
	}
	c := e.accept(t, "")
	stale := Ref{c.ID, 0}
	out := e.runClaims([]claimCall{{[]Ref{stale}, e.terms()}, {[]Ref{stale, c}, e.terms()}, {[]Ref{c, stale}, e.terms()}})
	for i, want := range []int{0, 1, 0} {
		if out[i].Err != nil || len(out[i].Value) != want {
			t.Errorf("call %d: claimed %d, want %d (%v)", i, len(out[i].Value), want, out[i].Err)
		}
	}
}

func checkClaimMany(t *testing.T, e *env) {
	in := e.many(350, "")
	e.mustAccept(t, in)
	bodies := map[webhook.DeliveryID]string{}
	var refs []Ref
	for i := range in.Deliveries {
		refs = append(refs, Ref{in.Deliveries[i].ID, 1})
		bodies[in.Deliveries[i].ID] = string(in.Messages[i].Body)
	}
	got := e.tryClaim(t, refs...)
	for _, c := range got {
		if bodies[c.ID] != string(c.Body) {
			t.Errorf("%s has the body %q, want %q", c.ID, c.Body, bodies[c.ID])
		}
		delete(bodies, c.ID)
	}
	if len(bodies) != 0 {
		t.Errorf("%d were not claimed", len(bodies))
	}
}

func checkClaimCrashes(t *testing.T, e *env) {
	ref := e.accept(t, "")
	for n := 1; n <= 3; n++ {
		c := e.claim(t, ref)
		if c.CrashCount != n {
			t.Errorf("claim %d counts %d", n, c.CrashCount)
		}
		ref = c.Ref
		e.clock.Advance(leaseFor)
	}
	rec := e.attemptOnce(t, ref, 500) // a result: it was no crash after all
	e.clock.Advance(rec.NextAttemptAt.Sub(e.now()))
	c := e.claim(t, Ref{ref.ID, rec.Generation})
	if c.CrashCount != 1 {
		t.Errorf("after a result, a claim counts %d", c.CrashCount)
	}
	if err := e.GiveBack(context.Background(), Release{Ref: c.Ref, Why: ReleaseUnsent}); err != nil {
		t.Fatal(err)
	}
	if c = e.claim(t, Ref{ref.ID, c.Generation + 1}); c.CrashCount != 1 {
		t.Errorf("after a release, a claim counts %d", c.CrashCount)
	}
}

func checkClaimBodyGone(t *testing.T, e *env) {
	in := e.intake("")
	e.mustAccept(t, in)
	e.removeBody(t, in.Messages[0].ID)
	if c := e.claim(t, Ref{in.Deliveries[0].ID, 1}); c.Body != nil {
		t.Errorf("claimed with %d bytes", len(c.Body))
	}
}

// removeBody does what retention does.
func (e *env) removeBody(tb testing.TB, id webhook.MessageID) {
	tb.Helper()
	if _, err := e.write.ExecContext(context.Background(), `UPDATE messages SET body = NULL WHERE id = $1`, string(id)); err != nil {
		tb.Fatal(err)
	}
}
