package store

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func stateChecks() []check {
	return []check{
		{"pause holds what waits", checkPause},
		{"pause, then resume", checkResume},
		{"resume does not bring the schedule forward", checkResumeKeepsSchedule},
		{"resume leaves quarantine and other subscriptions alone", checkResumeOnlyItsOwn},
		{"delete cancels what waits", checkDelete},
		{"pause, resume and delete twice, and of nothing", checkStateChangesTwice},
	}
}

// lineUp makes a delivery of a subscription in each situation that there is
// while it is active. All were accepted at 0s; the clock then stands at 10s.
func lineUp(t *testing.T, e *env, sub webhook.SubscriptionID) map[string]webhook.DeliveryID {
	t.Helper()
	ctx := context.Background()
	refs := map[string]Ref{}
	for _, name := range []string{
		"pending", "pending, in flight", "pending, asked for", "pending, parked", "quarantine", "retrying", "retrying, in flight",
		"succeeded", "failed", "failed, asked for", "failed, in flight", "canceled",
	} {
		refs[name] = e.accept(t, sub)
	}
	e.clock.Advance(10 * time.Second)
	giveBack := func(name string, why ReleaseWhy) {
		t.Helper()
		if err := e.GiveBack(ctx, Release{Ref: e.claim(t, refs[name]).Ref, Why: why, Check: e.now()}); err != nil {
			t.Fatal(err)
		}
	}
	retry := func(name string) Ref {
		t.Helper()
		ref, err := e.RequestRetry(ctx, refs[name].ID, e.now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	giveBack("pending, parked", ReleaseParked)
	giveBack("quarantine", ReleaseQuarantine)
	if _, err := e.Cancel(ctx, refs["canceled"].ID); err != nil {
		t.Fatal(err)
	}
	e.attemptOnce(t, refs["succeeded"], 200)
	for _, name := range []string{"failed", "failed, asked for", "failed, in flight"} {
		r := e.result(e.claim(t, refs[name]), 500)
		r.Outcome, r.CheckAt = webhook.Outcome{State: webhook.StateFailed, Spent: 6}, time.Time{}
		e.record(t, r)
	}
	e.attemptOnce(t, refs["retrying"], 500)
	rec := e.attemptOnce(t, refs["retrying, in flight"], 500)
	early := e.terms()
	early.Horizon = rec.NextAttemptAt
	got, err := e.Claim(ctx, []Ref{{refs["retrying, in flight"].ID, rec.Generation}}, early)
	if err != nil || len(got) != 1 {
		t.Fatalf("claimed %v, error %v", got, err)
	}
	e.claim(t, refs["pending, in flight"])
	retry("pending, asked for")
	retry("failed, asked for")
	e.claim(t, retry("failed, in flight"))
	ids := map[string]webhook.DeliveryID{}
	for name, ref := range refs {
		ids[name] = ref.ID
	}
	return ids
}

// afterLineUp is where the deliveries stand that neither a pause nor a
// deletion has anything to do with.
func afterLineUp() map[string]string {
	return map[string]string{
		"quarantine":        "held/quarantine next=0s",
		"succeeded":         "succeeded attempts=1 spent=1 finished=11s",
		"failed":            "failed attempts=1 spent=6 finished=11s",
		"failed, asked for": "failed attempts=1 spent=6 manual=10s check=10s finished=11s",
		"failed, in flight": "failed attempts=1 spent=6 crashes=1 manual=10s lease=50s check=10s finished=11s",
		"canceled":          "canceled finished=10s",
	}
}

func (e *env) wantAll(t *testing.T, ids map[string]webhook.DeliveryID, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		if got := e.describe(t, ids[name]); got != want[name] {
			t.Errorf("%s\n  stands: %s\n    want: %s", name, got, want[name])
		}
	}
}

func checkPause(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ids := lineUp(t, e, sub)
	want := afterLineUp()
	want["pending"] = "pending next=0s check=30s"
	want["pending, in flight"] = "pending crashes=1 next=0s lease=50s check=30s"
	want["pending, asked for"] = "pending next=0s manual=10s check=10s"
	want["pending, parked"] = "pending next=0s parked"
	want["retrying"] = "retrying attempts=1 spent=1 next=1m11s check=1m41s"
	want["retrying, in flight"] = "retrying attempts=1 spent=1 crashes=1 next=1m11s lease=50s check=1m41s"
	e.wantAll(t, ids, want)
	e.pause(t, sub)
	want["pending"] = "held/paused next=0s"
	want["pending, in flight"] = "held/paused crashes=1 next=0s lease=50s"
	want["pending, asked for"] = "held/paused next=0s manual=10s check=10s"
	want["pending, parked"] = "held/paused next=0s"
	want["retrying"] = "held/paused attempts=1 spent=1 next=1m11s"
	want["retrying, in flight"] = "held/paused attempts=1 spent=1 crashes=1 next=1m11s lease=50s"
	e.wantAll(t, ids, want)
}

func (e *env) pause(tb testing.TB, sub webhook.SubscriptionID) {
	tb.Helper()
	if err := e.PauseSubscription(context.Background(), sub); err != nil {
		tb.Fatal(err)
	}
}

func (e *env) resume(tb testing.TB, sub webhook.SubscriptionID) {
	tb.Helper()
	if err := e.ResumeSubscription(context.Background(), sub); err != nil {
		tb.Fatal(err)
	}
}

func checkResume(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ids := lineUp(t, e, sub)
	e.pause(t, sub)
	e.clock.Advance(10 * time.Second)
	e.resume(t, sub)
	want := afterLineUp()
	want["pending"] = "pending next=20s check=20s"
	want["pending, in flight"] = "pending crashes=1 next=20s lease=50s check=20s"
	want["pending, asked for"] = "pending next=20s manual=10s check=20s"
	want["pending, parked"] = "pending next=20s check=20s"
	want["retrying"] = "retrying attempts=1 spent=1 next=1m11s check=20s"
	want["retrying, in flight"] = "retrying attempts=1 spent=1 crashes=1 next=1m11s lease=50s check=20s"
	e.wantAll(t, ids, want)
	if s, err := e.Subscription(context.Background(), sub); err != nil || s.State != webhook.SubscriptionActive {
		t.Errorf("the subscription is %s (%v)", s.State, err)
	}
}

// The first time of a retry must not be moved to the end of the pause when it
// is later, nor stay in the past when it is earlier.
func checkResumeKeepsSchedule(t *testing.T, e *env) {
	sub := e.subscribe(t)
	early := e.accept(t, sub)
	e.attemptOnce(t, early, 500) // due again at 1m1s
	e.clock.Advance(50 * time.Second)
	late := e.accept(t, sub)
	e.attemptOnce(t, late, 500) // due again at 1m51s
	e.pause(t, sub)
	e.clock.Advance(11 * time.Second)
	e.resume(t, sub)
	e.wantStands(t, early.ID, "retrying attempts=1 spent=1 next=1m1s check=1m1s")
	e.wantStands(t, late.ID, "retrying attempts=1 spent=1 next=1m51s check=1m1s")
	e.pause(t, sub)
	e.clock.Advance(time.Microsecond)
	e.resume(t, sub)
	e.wantStands(t, early.ID, "retrying attempts=1 spent=1 next=1m1.000001s check=1m1.000001s")
}

func checkResumeOnlyItsOwn(t *testing.T, e *env) {
	mine, other := e.subscribe(t), e.subscribe(t)
	bad, theirs := e.accept(t, mine), e.accept(t, other)
	c := e.claim(t, bad)
	if err := e.GiveBack(context.Background(), Release{Ref: c.Ref, Why: ReleaseQuarantine}); err != nil {
		t.Fatal(err)
	}
	e.pause(t, other)
	e.pause(t, mine)
	e.resume(t, mine)
	e.wantStands(t, bad.ID, "held/quarantine next=0s")
	e.wantStands(t, theirs.ID, "held/paused next=0s")
}

func checkDelete(t *testing.T, e *env) {
	ctx := context.Background()
	sub, other := e.subscribe(t), e.subscribe(t)
	ids := lineUp(t, e, sub)
	stays := e.accept(t, other)
	e.pause(t, sub)
	held := e.intake(sub)
	held.Deliveries[0].Held = true
	e.mustAccept(t, held)
	ids["held"] = held.Deliveries[0].ID
	e.clock.Advance(10 * time.Second)
	if err := e.DeleteSubscription(ctx, sub); err != nil {
		t.Fatal(err)
	}
	want := afterLineUp()
	want["quarantine"] = "canceled finished=20s"
	want["held"] = "canceled finished=20s"
	want["pending"] = "canceled finished=20s"
	want["pending, in flight"] = "canceled crashes=1 lease=50s finished=20s"
	want["pending, asked for"] = "canceled finished=20s"
	want["pending, parked"] = "canceled finished=20s"
	want["retrying"] = "canceled attempts=1 spent=1 finished=20s"
	want["retrying, in flight"] = "canceled attempts=1 spent=1 crashes=1 lease=50s finished=20s"
	e.wantAll(t, ids, want)
	e.wantStands(t, stays.ID, "pending next=10s check=40s")
	if _, err := e.Subscription(ctx, sub); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("a deleted subscription is read with the error %v", err)
	}
}

func checkStateChangesTwice(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscribe(t)
	e.pause(t, sub)
	paused, err := e.Subscription(ctx, sub)
	if err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(time.Second)
	e.pause(t, sub)
	if again, err := e.Subscription(ctx, sub); err != nil || again.Version != paused.Version || again.UpdatedAt != paused.UpdatedAt {
		t.Errorf("a second pause made version %d of %d (%v)", again.Version, paused.Version, err)
	}
	e.resume(t, sub)
	e.resume(t, sub)
	if err := e.DeleteSubscription(ctx, sub); err != nil {
		t.Fatal(err)
	}
	for _, id := range []webhook.SubscriptionID{sub, "sub_none", ""} {
		wantKind(t, e.PauseSubscription(ctx, id), webhook.KindNotFound)
		wantKind(t, e.ResumeSubscription(ctx, id), webhook.KindNotFound)
		wantKind(t, e.DeleteSubscription(ctx, id), webhook.KindNotFound)
	}
}
