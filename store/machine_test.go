package store

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func modelChecks() []check {
	return []check{{"random operations agree with a model, and nothing is lost", checkModel}}
}

// machine runs one random sequence of operations on the store and the model.
type machine struct {
	*model
	e      *env
	before map[webhook.DeliveryID]*modelDelivery // the database after the last step
}

// modelSchedule is short, so that sequences reach its end.
func modelSchedule() webhook.Schedule { return webhook.Schedule{time.Minute, 5 * time.Minute} }

func checkModel(tb *testing.T, e *env) {
	rapid.Check(tb, func(t *rapid.T) {
		e.wipe(tb)
		m := &machine{e: e, model: &model{
			subs: map[webhook.SubscriptionID]*modelSub{}, deliveries: map[webhook.DeliveryID]*modelDelivery{},
		}}
		m.subscribe(t)
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": m.subscribe, "accept": m.accept, "claim": m.claim, "claim again": m.claim, "record": m.record,
			"record again": m.record, "give back": m.giveBack, "retry": m.retry, "cancel": m.cancel, "pause": m.pauseOne,
			"resume": m.resumeOne, "delete": m.deleteOne, "advance": m.advance, "due": m.due, "feed": m.feed,
			"check all": m.checkAll, "": m.compare,
		})
		m.drain(t)
	})
}

func (m *machine) must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
	m.e.clock.Advance(time.Microsecond) // no two requests at one moment
}

// some draws from the keys of a map; it skips the step when there are none.
func some[K ~string, V any](t *rapid.T, label string, from map[K]V) K {
	if len(from) == 0 {
		t.Skip("none yet")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(from))).Draw(t, label)
}

func (m *machine) subscribe(t *rapid.T) {
	sub := m.e.subscription(someClient, "*")
	m.must(t, m.e.CreateSubscription(context.Background(), &sub, nil))
	m.subs[sub.ID] = &modelSub{}
}

// accept also makes pending deliveries of a subscription that is paused or
// deleted: that is what an intake does that was matched just before.
func (m *machine) accept(t *rapid.T) {
	in := &Intake{Messages: []webhook.Message{m.e.message()}}
	for range rapid.IntRange(1, 3).Draw(t, "n") {
		d := m.e.delivery(&in.Messages[0], some(t, "subscription", m.subs))
		sub := m.subs[d.SubscriptionID]
		d.Held = sub.paused && !sub.deleted && rapid.Bool().Draw(t, "held")
		in.Deliveries = append(in.Deliveries, d)
		md := &modelDelivery{Sub: d.SubscriptionID, State: webhook.StatePending, Generation: 1, Next: m.e.now()}
		if d.Held {
			md.State, md.Hold = webhook.StateHeld, webhook.HoldPaused
		}
		m.deliveries[d.ID] = md
	}
	m.must(t, m.e.Accept(context.Background(), in))
}

func (m *machine) claim(t *rapid.T) {
	var refs []Ref
	want := map[Ref]bool{}
	terms := m.e.terms()
	terms.Horizon = terms.Now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "ahead"))
	for range rapid.IntRange(1, 4).Draw(t, "n") {
		id := some(t, "delivery", m.deliveries)
		d := m.deliveries[id]
		ref := Ref{id, d.Generation - rapid.Int64Range(0, 1).Draw(t, "late")}
		refs = append(refs, ref)
		if d.claimable(ref.Generation, terms) {
			want[ref] = true
		}
	}
	got, err := m.e.Claim(context.Background(), refs, terms)
	if len(got) != len(want) {
		t.Fatalf("claimed %v of %v, want %v", got, refs, want)
	}
	for _, c := range got {
		if !want[Ref{c.ID, c.Generation - 1}] {
			t.Fatalf("claimed %v of %v, want %v", got, refs, want)
		}
		m.claimed(t, c, terms)
	}
	m.must(t, err)
}

// claimed notes a claim, and that there is no other live one.
func (m *machine) claimed(t *rapid.T, c Claimed, terms ClaimTerms) {
	d := m.deliveries[c.ID]
	if !d.free(terms.Now) {
		t.Errorf("%s has two live claims", c.ID)
	}
	d.Generation++
	d.Lease = terms.Lease
	d.Parked = false
	m.claims = append(m.claims, c)
}

// takeClaim draws a claim that was not answered, and whether it is the latest.
func (m *machine) takeClaim(t *rapid.T) (Claimed, *modelDelivery, bool) {
	if len(m.claims) == 0 {
		t.Skip("nothing is claimed")
	}
	i := rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")
	c := m.claims[i]
	if rapid.IntRange(0, 9).Draw(t, "twice") > 0 { // now and then a claim is answered twice
		m.claims = slices.Delete(m.claims, i, i+1)
	}
	d := m.deliveries[c.ID]
	return c, d, d.Generation == c.Generation
}

func (m *machine) record(t *rapid.T) {
	c, d, live := m.takeClaim(t)
	m.recordFor(t, c, rapid.SampledFrom([]int{200, 500, 0}).Draw(t, "status"), d, live)
}

func (m *machine) recordFor(t *rapid.T, c Claimed, status int, d *modelDelivery, live bool) {
	r := m.e.result(c, status)
	r.Outcome = modelSchedule().After(c.Standing, r.Attempt)
	if !r.Outcome.NextAttemptAt.IsZero() {
		r.CheckAt = r.Outcome.NextAttemptAt.Add(checkAfter)
	}
	rec, err := m.e.Record(context.Background(), r)
	m.must(t, err)
	if rec.Fenced == live {
		t.Fatalf("the result of %v at generation %d: %+v", c.Ref, d.Generation, rec)
	}
	if live {
		d.record(r)
		if rec.State != d.State || rec.Manual == d.Manual.IsZero() || !rec.NextAttemptAt.Equal(d.Next) || rec.Generation != d.Generation {
			t.Fatalf("recorded %+v, want %+v", rec, d)
		}
	}
}

func (m *machine) giveBack(t *rapid.T) {
	c, d, live := m.takeClaim(t)
	why := rapid.SampledFrom([]ReleaseWhy{
		ReleaseUnsent, ReleaseParked, ReleaseParked, ReleasePaused, ReleaseGone, ReleaseQuarantine, ReleaseBodyGone,
	}).Draw(t, "why")
	m.must(t, m.e.GiveBack(context.Background(), Release{Ref: c.Ref, Why: why, Check: m.e.now().Add(time.Second)}))
	if live {
		m.release(d, why)
	}
}

func (m *machine) retry(t *rapid.T) {
	id := some(t, "delivery", m.deliveries)
	d, now := m.deliveries[id], m.e.now()
	ref, err := m.e.RequestRetry(context.Background(), id, now.Add(time.Second), nil)
	if d.State == webhook.StateCanceled || m.subs[d.Sub].deleted {
		if !webhook.IsKind(err, webhook.KindConflict) {
			t.Fatalf("a retry of a canceled one, or of a deleted subscription's: %v", err)
		}
		return
	}
	m.must(t, err)
	if ref.Generation != d.Generation {
		t.Fatalf("the hint is %v, want generation %d", ref, d.Generation)
	}
	d.Manual, d.Parked = now, false
}

func (m *machine) cancel(t *rapid.T) {
	id := some(t, "delivery", m.deliveries)
	d := m.deliveries[id]
	_, err := m.e.Cancel(context.Background(), id)
	if d.State == webhook.StateSucceeded || d.State == webhook.StateFailed {
		if !webhook.IsKind(err, webhook.KindConflict) {
			t.Fatalf("canceled a %s one: %v", d.State, err)
		}
		return
	}
	m.must(t, err)
	d.cancel()
}

func (m *machine) pauseOne(t *rapid.T) {
	id := some(t, "subscription", m.subs)
	if sub := m.subs[id]; sub.deleted || sub.paused {
		t.Skip("not active")
	}
	m.must(t, m.e.PauseSubscription(context.Background(), id))
	m.pause(id)
}

func (m *machine) resumeOne(t *rapid.T) {
	id := some(t, "subscription", m.subs)
	if sub := m.subs[id]; sub.deleted || !sub.paused {
		t.Skip("not paused")
	}
	now := m.e.now()
	m.must(t, m.e.ResumeSubscription(context.Background(), id))
	m.resume(id, now)
}

func (m *machine) deleteOne(t *rapid.T) {
	id := some(t, "subscription", m.subs)
	if m.subs[id].deleted {
		t.Skip("deleted")
	}
	m.must(t, m.e.DeleteSubscription(context.Background(), id))
	m.subs[id].deleted = true
	for _, d := range m.of(id) {
		d.cancel()
	}
}

func (m *machine) advance(t *rapid.T) {
	m.e.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, leaseFor, time.Minute, 5 * time.Minute}).Draw(t, "by"))
}

func (m *machine) due(t *rapid.T) {
	m.lookForDue(t, rapid.IntRange(1, 20).Draw(t, "limit"))
}

// lookForDue checks that whatever the reconciler gets could be claimed.
func (m *machine) lookForDue(t *rapid.T, limit int) ([]DueRef, ClaimTerms) {
	terms := m.e.terms()
	terms.Horizon = terms.Now.Add(ahead)
	due, _, err := m.e.Due(context.Background(), DueTerms{Now: terms.Now, Ahead: ahead, Again: again, Limit: limit})
	for _, r := range due {
		if d := m.deliveries[r.ID]; !d.claimable(r.Generation, terms) {
			t.Fatalf("%+v is due, but stands at %+v", r, d)
		}
	}
	m.must(t, err)
	return due, terms
}

func (m *machine) feed(t *rapid.T) {
	m.feedSome(t, some(t, "subscription", m.subs), rapid.IntRange(1, 3).Draw(t, "n"))
}

func (m *machine) feedSome(t *rapid.T, sub webhook.SubscriptionID, n int) []Claimed {
	terms, want := m.e.terms(), m.parkedOf(sub)
	got, err := m.e.Feed(context.Background(), sub, FeedLimits{Most: n, Pages: n}, terms)
	if len(got) != min(n, len(want)) {
		t.Fatalf("fed %d of %v, asked for %d", len(got), want, n)
	}
	for i, c := range got {
		if d := m.deliveries[c.ID]; !d.Parked || d.Sub != sub || !d.Next.Equal(m.deliveries[want[i]].Next) {
			t.Fatalf("fed %s as number %d of %v", c.ID, i, want)
		}
	}
	for _, c := range got {
		m.claimed(t, c, terms)
	}
	m.must(t, err)
	return got
}

func (m *machine) checkAll(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "really") > 0 {
		t.Skip("seldom")
	}
	m.must(t, m.e.CheckAllNow(context.Background(), m.e.now().Add(time.Hour)))
	m.checkAllNow()
}

// drain does what the running program does, with subscribers that take
// everything, until nothing waits: whatever happened before, nothing is lost.
func (m *machine) drain(t *rapid.T) {
	for id, sub := range m.subs {
		if sub.paused && !sub.deleted {
			now := m.e.now()
			m.must(t, m.e.ResumeSubscription(context.Background(), id))
			m.resume(id, now)
		}
	}
	for range 30 {
		due, terms := m.lookForDue(t, 1000)
		var refs []Ref
		for _, d := range due {
			refs = append(refs, d.Ref)
		}
		got, err := m.e.Claim(context.Background(), refs, terms)
		m.must(t, err)
		for _, c := range got {
			m.claimed(t, c, terms)
		}
		for _, sub := range m.parked() {
			got = append(got, m.feedSome(t, sub, 1000)...)
		}
		for _, c := range got {
			m.finish(t, c)
		}
		m.compare(t)
		m.e.clock.Advance(time.Minute)
	}
	for id, d := range m.deliveries {
		if !d.State.Final() && d.Hold != webhook.HoldQuarantine || !d.Manual.IsZero() {
			t.Errorf("%s was never finished: %+v", id, d)
		}
	}
}

func (m *machine) finish(t *rapid.T, c Claimed) {
	d := m.deliveries[c.ID]
	if m.subs[d.Sub].deleted {
		m.must(t, m.e.GiveBack(context.Background(), Release{Ref: c.Ref, Why: ReleaseGone}))
		m.release(d, ReleaseGone)
		return
	}
	m.recordFor(t, c, 200, d, true)
}
