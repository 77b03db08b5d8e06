package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func concurrencyChecks() []check {
	return []check{
		{"many claim the same: each delivery has one claimant", checkClaimTogether},
		{"pause and resume while deliveries are sent", checkPauseTogether},
		{"give back at the moment of a pause, resume or deletion", checkGiveBackTogether},
		{"close while the store is used", checkCloseTogether},
	}
}

func checkClaimTogether(t *testing.T, e *env) {
	const n, claimants = 120, 12
	in := e.many(n, "")
	e.mustAccept(t, in)
	stores := []*Store{e.Store, e.open(t)}
	won := make([][]Claimed, claimants)
	for _, err := range together(claimants, func(i int) error {
		refs := make([]Ref, n)
		for j := range refs { // everybody in an order of their own
			refs[j] = Ref{in.Deliveries[(j*7+i*11)%n].ID, 1}
		}
		for chunk := range slices.Chunk(refs, 1+i*5) {
			got, err := stores[i%2].Claim(context.Background(), chunk, e.terms())
			if err != nil {
				return err
			}
			won[i] = append(won[i], got...)
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	claims := map[webhook.DeliveryID]int{}
	for _, cs := range won {
		for _, c := range cs {
			claims[c.ID]++
			if c.Generation != 2 {
				t.Errorf("%s was claimed at generation %d", c.ID, c.Generation)
			}
		}
	}
	for i := range in.Deliveries {
		if claims[in.Deliveries[i].ID] != 1 {
			t.Errorf("%s was claimed %d times", in.Deliveries[i].ID, claims[in.Deliveries[i].ID])
		}
	}
}

// Changes of a subscription lock many deliveries while results lock some of
// them: a victim of a deadlock must be tried again, and nothing may be lost.
func checkPauseTogether(t *testing.T, e *env) {
	const workers, rounds = 6, 12
	sub := e.subscribe(t)
	done := make(chan struct{}, workers)
	var claimed [workers][]Result
	errs := together(workers+1, func(i int) error {
		if i == workers {
			return e.pauseAndResume(sub, workers, done)
		}
		defer func() { done <- struct{}{} }()
		for range rounds {
			results, err := e.sendSome(sub)
			claimed[i] = append(claimed[i], results...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	recorded := 0
	for _, results := range claimed {
		for _, r := range results {
			recorded++
			if d := e.get(t, r.ID); d.State != webhook.StateSucceeded || d.AttemptCount != 1 {
				t.Errorf("%s is %s after %d attempts", r.ID, d.State, d.AttemptCount)
			}
		}
	}
	if recorded == 0 {
		t.Error("nothing was sent")
	}
}

// pauseAndResume goes on until every worker is done.
func (e *env) pauseAndResume(sub webhook.SubscriptionID, workers int, done <-chan struct{}) error {
	var first error
	for left := workers; left > 0; {
		for _, change := range []func(context.Context, webhook.SubscriptionID) error{e.PauseSubscription, e.ResumeSubscription} {
			if err := change(context.Background(), sub); err != nil && first == nil {
				first = err
			}
		}
		select {
		case <-done:
			left--
		default:
		}
	}
	return first
}

// sendSome accepts ten deliveries, and sends those that it can claim.
func (e *env) sendSome(sub webhook.SubscriptionID) ([]Result, error) {
	ctx := context.Background()
	in := e.many(10, sub)
	if err := e.Accept(ctx, in); err != nil {
		return nil, err
	}
	var refs []Ref
	for i := range in.Deliveries {
		refs = append(refs, Ref{in.Deliveries[i].ID, 1})
	}
	got, err := e.Claim(ctx, refs, e.terms())
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(got))
	errs := together(len(got), func(i int) error {
		results[i] = e.result(got[i], 200)
		_, err := e.Record(ctx, results[i])
		return err
	})
	return results, errors.Join(errs...)
}

// What a release decides must still be so when it commits; checkInvariants
// looks for a held delivery of an active subscription.
func checkGiveBackTogether(t *testing.T, e *env) {
	ctx := context.Background()
	for i := range 60 {
		sub := e.subscribe(t)
		e.pause(t, sub)
		c := e.claim(t, e.accept(t, sub)) // committed just after the pause
		why, change := ReleasePaused, e.ResumeSubscription
		if i%2 == 1 {
			why, change = ReleaseGone, e.DeleteSubscription
		}
		for _, err := range together(2, func(j int) error {
			if j == 0 {
				return e.GiveBack(ctx, Release{Ref: c.Ref, Why: why, Check: e.now()})
			}
			return change(ctx, sub)
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		want := webhook.StatePending
		if why == ReleaseGone {
			want = webhook.StateCanceled
		}
		if d := e.get(t, c.ID); d.State != want {
			t.Errorf("%q: it is %s, want %s", why, d.State, want)
		}
	}
}

// What was answered with success before or during Close is there afterwards,
// and the rest was told that the database cannot be used.
func checkCloseTogether(t *testing.T, e *env) {
	ctx := context.Background()
	const n = 24
	ins := make([]*Intake, n)
	subs := make([]Subscription, n)
	for i := range ins {
		ins[i], subs[i] = e.intake(""), e.subscription("*", "*")
	}
	errs := together(2*n+1, func(i int) error {
		switch {
		case i < n:
			return e.Accept(ctx, ins[i])
		case i < 2*n:
			return e.CreateSubscription(ctx, &subs[i-n], nil)
		}
		return e.Close()
	})
	if errs[2*n] != nil {
		t.Errorf("close: %v", errs[2*n])
	}
	e.Store = e.open(t)
	for i, err := range errs[:2*n] {
		var found error
		if i < n {
			_, found = e.Message(ctx, ins[i].Messages[0].ID)
		} else {
			_, found = e.Subscription(ctx, subs[i-n].ID)
		}
		if err != nil {
			wantUnavailable(t, "a call during Close", err)
		} else if found != nil {
			t.Errorf("answered with success, but not there: %v", found)
		}
	}
}
