package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func operatorChecks() []check {
	return []check{
		{"ask for a retry in each state", checkRequestRetry},
		{"ask for a retry of what cannot be sent", checkRequestRetryRefused},
		{"ask for a retry with an idempotency key", checkRequestRetryIdempotent},
		{"ask for a retry and cancel at once", checkRetryCancelRace},
		{"cancel in each state", checkCancel},
	}
}

func checkRequestRetry(t *testing.T, e *env) {
	ids := lineUp(t, e, e.subscribe(t))
	delete(ids, "canceled")
	want := map[string]string{
		"pending":             "pending next=0s manual=20s check=25s", // it comes earlier than 30s
		"pending, in flight":  "pending crashes=1 next=0s manual=20s lease=50s check=25s",
		"pending, asked for":  "pending next=0s manual=20s check=10s", // it was earlier already
		"pending, parked":     "pending next=0s manual=20s check=25s",
		"quarantine":          "held/quarantine next=0s manual=20s check=25s",
		"retrying":            "retrying attempts=1 spent=1 next=1m11s manual=20s check=25s",
		"retrying, in flight": "retrying attempts=1 spent=1 crashes=1 next=1m11s manual=20s lease=50s check=25s",
		"succeeded":           "succeeded attempts=1 spent=1 manual=20s check=25s finished=11s",
		"failed":              "failed attempts=1 spent=6 manual=20s check=25s finished=11s",
		"failed, asked for":   "failed attempts=1 spent=6 manual=20s check=10s finished=11s",
		"failed, in flight":   "failed attempts=1 spent=6 crashes=1 manual=20s lease=50s check=10s finished=11s",
	}
	now := e.clock.Advance(10 * time.Second)
	for name, id := range ids {
		was := e.queued(t, id)
		ref, err := e.RequestRetry(context.Background(), id, now.Add(5*time.Second), nil)
		if err != nil || ref != (Ref{id, was.Generation}) {
			t.Errorf("%s: got %v, error %v, want generation %d", name, ref, err, was.Generation)
		}
	}
	e.wantAll(t, ids, want)
}

func checkRequestRetryRefused(t *testing.T, e *env) {
	ctx := context.Background()
	_, err := e.RequestRetry(ctx, "dlv_none", e.now(), nil)
	wantKind(t, err, webhook.KindNotFound)
	canceled := e.accept(t, "")
	if _, err := e.Cancel(ctx, canceled.ID); err != nil {
		t.Fatal(err)
	}
	_, err = e.RequestRetry(ctx, canceled.ID, e.now(), nil)
	wantConflict(t, err)
	e.wantStands(t, canceled.ID, "canceled finished=0s")
	in := e.intake("")
	e.mustAccept(t, in)
	e.removeBody(t, in.Messages[0].ID)
	_, err = e.RequestRetry(ctx, in.Deliveries[0].ID, e.now(), nil)
	wantConflict(t, err)
	e.wantStands(t, in.Deliveries[0].ID, "pending next=0s check=30s")

	sub := e.subscribe(t)
	sent := e.accept(t, sub)
	e.attemptOnce(t, sent, 200)
	if err := e.DeleteSubscription(ctx, sub); err != nil {
		t.Fatal(err)
	}
	_, err = e.RequestRetry(ctx, sent.ID, e.now(), nil)
	wantConflict(t, err)
	e.wantStands(t, sent.ID, "succeeded attempts=1 spent=1 finished=1s")
}

func checkRequestRetryIdempotent(t *testing.T, e *env) {
	ctx := context.Background()
	ref := e.accept(t, "")
	if _, err := e.RequestRetry(ctx, ref.ID, e.now(), key("k", "one")); err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(time.Second)
	_, err := e.RequestRetry(ctx, ref.ID, e.now(), key("k", "one"))
	wantReplay(t, err, 202, `{"a": "one"}`+"\x00")
	_, err = e.RequestRetry(ctx, ref.ID, e.now(), key("k", "two"))
	wantConflict(t, err)
	e.wantStands(t, ref.ID, "pending next=0s manual=0s check=0s")
	// A refused request does not use up its key.
	if _, err := e.Cancel(ctx, ref.ID); err != nil {
		t.Fatal(err)
	}
	_, err = e.RequestRetry(ctx, ref.ID, e.now(), key("l", "one"))
	wantConflict(t, err)
	if err := e.FindIdempotent(ctx, key("l", "one")); err != nil {
		t.Errorf("the key of a refused request is used up: %v", err)
	}
}

// Whatever the order in which they commit, nothing canceled must be left with
// a request that would send it; checkInvariants looks for that.
func checkRetryCancelRace(t *testing.T, e *env) {
	ctx := context.Background()
	for range 40 {
		ref := e.accept(t, "")
		errs := together(2, func(i int) error {
			if i == 0 {
				_, err := e.RequestRetry(ctx, ref.ID, e.now(), nil)
				return err
			}
			_, err := e.Cancel(ctx, ref.ID)
			return err
		})
		if errs[0] != nil {
			wantConflict(t, errs[0])
		}
		if errs[1] != nil {
			t.Error(errs[1])
		}
		e.wantStands(t, ref.ID, "canceled finished=0s")
	}
}

func checkCancel(t *testing.T, e *env) {
	ctx := context.Background()
	ids := lineUp(t, e, e.subscribe(t))
	want := afterLineUp()
	want["quarantine"] = "canceled finished=20s"
	want["pending"] = "canceled finished=20s"
	want["pending, in flight"] = "canceled crashes=1 lease=50s finished=20s"
	want["pending, asked for"] = "canceled finished=20s"
	want["pending, parked"] = "canceled finished=20s"
	want["retrying"] = "canceled attempts=1 spent=1 finished=20s"
	want["retrying, in flight"] = "canceled attempts=1 spent=1 crashes=1 lease=50s finished=20s"
	e.clock.Advance(10 * time.Second)
	for name, id := range ids {
		was := e.get(t, id)
		got, err := e.Cancel(ctx, id)
		if was.State == webhook.StateSucceeded || was.State == webhook.StateFailed {
			wantConflict(t, err)
			continue
		}
		if diff := cmp.Diff(e.get(t, id), got); err != nil || diff != "" {
			t.Errorf("%s: error %v, -read +answered:\n%s", name, err, diff)
		}
	}
	e.wantAll(t, ids, want)
	_, err := e.Cancel(ctx, "dlv_none")
	wantKind(t, err, webhook.KindNotFound)
}
