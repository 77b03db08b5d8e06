package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func releaseChecks() []check {
	return []check{
		{"give back, for each reason", checkGiveBack},
		{"give back a manual attempt, for each reason", checkGiveBackManual},
		{"give back what was paused, resumed, deleted or canceled meanwhile", checkGiveBackRaces},
		{"give back without a time is at once", checkGiveBackNoTime},
		{"give back only at the claim's generation", checkGiveBackFenced},
		{"give back many together", checkGiveBackMany},
		{"quarantine ends by a manual success or a deletion only", checkQuarantine},
	}
}

// giveBack releases a claim; the reconciler is to look again at 15s.
func (e *env) giveBack(tb testing.TB, c Claimed, why ReleaseWhy) {
	tb.Helper()
	r := Release{Ref: c.Ref, Why: why, Check: startOfTime().Truncate(time.Microsecond).Add(15 * time.Second)}
	if err := e.GiveBack(context.Background(), r); err != nil {
		tb.Fatal(err)
	}
}

func checkGiveBack(t *testing.T, e *env) {
	sub := e.subscribe(t)
	refs := map[ReleaseWhy]Ref{}
	want := map[ReleaseWhy]string{
		ReleaseUnsent:     "pending next=0s check=15s",
		ReleaseParked:     "pending next=0s parked",
		ReleasePaused:     "pending next=0s check=15s", // it is not paused: somebody else should send
		ReleaseGone:       "pending next=0s check=15s", // nor deleted
		ReleaseQuarantine: "held/quarantine next=0s",
		ReleaseBodyGone:   "failed finished=10s",
	}
	for why := range want {
		refs[why] = e.accept(t, sub)
	}
	e.clock.Advance(10 * time.Second)
	for why, ref := range refs {
		e.giveBack(t, e.claim(t, ref), why)
		if got := e.describe(t, ref.ID); got != want[why] {
			t.Errorf("%q\n  stands: %s\n    want: %s", why, got, want[why])
		}
		if q := e.queued(t, ref.ID); q.Generation != 3 {
			t.Errorf("%q: generation %d", why, q.Generation)
		}
	}
}

func checkGiveBackManual(t *testing.T, e *env) {
	sub := e.subscribe(t)
	for why, wants := range map[ReleaseWhy][2]string{
		ReleaseUnsent:     {"pending next=0s manual=0s check=15s", "failed attempts=1 spent=6 manual=0s check=15s finished=1s"},
		ReleaseParked:     {"pending next=0s manual=0s check=15s", "failed attempts=1 spent=6 manual=0s check=15s finished=1s"},
		ReleasePaused:     {"pending next=0s manual=0s check=15s", "failed attempts=1 spent=6 manual=0s check=15s finished=1s"},
		ReleaseGone:       {"pending next=0s manual=0s check=15s", "failed attempts=1 spent=6 manual=0s check=15s finished=1s"},
		ReleaseQuarantine: {"held/quarantine next=0s", "failed attempts=1 spent=6 finished=1s"},
		ReleaseBodyGone:   {"failed finished=0s", "failed attempts=1 spent=6 finished=1s"},
	} {
		waiting, failed := e.accept(t, sub), e.accept(t, sub)
		r := e.result(e.claim(t, failed), 500)
		r.Outcome, r.CheckAt = webhook.Outcome{State: webhook.StateFailed, Spent: 6}, time.Time{}
		e.record(t, r)
		for i, id := range []webhook.DeliveryID{waiting.ID, failed.ID} {
			e.giveBack(t, e.askAndClaim(t, id), why)
			if got := e.describe(t, id); got != wants[i] {
				t.Errorf("%q\n  stands: %s\n    want: %s", why, got, wants[i])
			}
		}
	}
}

func checkGiveBackRaces(t *testing.T, e *env) {
	ctx := context.Background()
	change := map[string]func(webhook.SubscriptionID, webhook.DeliveryID) error{
		"pause":  func(s webhook.SubscriptionID, _ webhook.DeliveryID) error { return e.PauseSubscription(ctx, s) },
		"resume": func(s webhook.SubscriptionID, _ webhook.DeliveryID) error { return e.ResumeSubscription(ctx, s) },
		"delete": func(s webhook.SubscriptionID, _ webhook.DeliveryID) error { return e.DeleteSubscription(ctx, s) },
		"cancel": func(_ webhook.SubscriptionID, d webhook.DeliveryID) error { _, err := e.Cancel(ctx, d); return err },
	}
	for _, c := range []struct {
		why     ReleaseWhy
		changes []string
		want    string
	}{
		{ReleasePaused, []string{"pause"}, "held/paused next=0s"},
		{ReleasePaused, []string{"pause", "resume"}, "pending next=0s check=15s"},
		{ReleasePaused, []string{"pause", "resume", "pause"}, "held/paused next=0s"},
		{ReleasePaused, []string{"pause", "delete"}, "canceled finished=0s"},
		{ReleasePaused, []string{"cancel", "pause"}, "canceled finished=0s"},
		{ReleaseGone, []string{"delete"}, "canceled finished=0s"},
		{ReleaseGone, []string{"cancel", "delete"}, "canceled finished=0s"},
		{ReleaseParked, []string{"pause"}, "held/paused next=0s"},
		{ReleaseParked, []string{"pause", "resume"}, "pending next=0s parked"},
		{ReleaseParked, []string{"delete"}, "canceled finished=0s"},
		{ReleaseUnsent, []string{"pause"}, "held/paused next=0s"},
		{ReleaseUnsent, []string{"cancel"}, "canceled finished=0s"},
		{ReleaseQuarantine, []string{"pause"}, "held/paused next=0s"},
		{ReleaseQuarantine, []string{"pause", "resume"}, "held/quarantine next=0s"},
		{ReleaseQuarantine, []string{"cancel"}, "canceled finished=0s"},
		{ReleaseBodyGone, []string{"cancel"}, "canceled finished=0s"},
	} {
		sub := e.subscribe(t)
		claimed := e.claim(t, e.accept(t, sub))
		for _, name := range c.changes {
			if err := change[name](sub, claimed.ID); err != nil {
				t.Fatal(err)
			}
		}
		e.giveBack(t, claimed, c.why)
		if got := e.describe(t, claimed.ID); got != c.want {
			t.Errorf("%q after %v\n  stands: %s\n    want: %s", c.why, c.changes, got, c.want)
		}
	}
	checkAcceptedAfterChange(t, e)
}

// A delivery that was matched before a pause or a deletion and committed after
// it: the claim finds out, and the release puts it right.
func checkAcceptedAfterChange(t *testing.T, e *env) {
	paused, gone := e.subscribe(t), e.subscribe(t)
	e.pause(t, paused)
	if err := e.DeleteSubscription(context.Background(), gone); err != nil {
		t.Fatal(err)
	}
	late, later := e.accept(t, paused), e.accept(t, gone)
	e.giveBack(t, e.claim(t, late), ReleasePaused)
	e.wantStands(t, late.ID, "held/paused next=0s")
	e.giveBack(t, e.claim(t, later), ReleaseGone)
	e.wantStands(t, later.ID, "canceled finished=0s")
}

func checkGiveBackNoTime(t *testing.T, e *env) {
	c := e.claim(t, e.accept(t, ""))
	e.clock.Advance(time.Second)
	if err := e.GiveBack(context.Background(), Release{Ref: c.Ref}); err != nil {
		t.Fatal(err)
	}
	e.wantStands(t, c.ID, "pending next=0s check=1s")
}

func checkGiveBackFenced(t *testing.T, e *env) {
	c := e.claim(t, e.accept(t, ""))
	for _, g := range []int64{c.Generation - 1, c.Generation + 1} {
		old := c
		old.Generation = g
		e.giveBack(t, old, ReleaseQuarantine)
	}
	e.wantStands(t, c.ID, "pending crashes=1 next=0s lease=40s check=30s")
	e.giveBack(t, c, ReleaseParked)
	e.giveBack(t, c, ReleaseQuarantine) // it is not ours any more
	e.wantStands(t, c.ID, "pending next=0s parked")
}

func checkGiveBackMany(t *testing.T, e *env) {
	sub := e.subscribe(t)
	in := e.many(80, sub)
	e.mustAccept(t, in)
	var refs []Ref
	for i := range in.Deliveries {
		refs = append(refs, Ref{in.Deliveries[i].ID, 1})
	}
	claimed := e.tryClaim(t, refs...)
	for i, err := range together(len(claimed), func(i int) error {
		return e.GiveBack(context.Background(), Release{Ref: claimed[i].Ref, Why: ReleaseParked})
	}) {
		if err != nil {
			t.Errorf("release %d: %v", i, err)
		}
		e.wantStands(t, claimed[i].ID, "pending next=0s parked")
	}
}

func checkQuarantine(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ref := e.accept(t, sub)
	e.giveBack(t, e.claim(t, ref), ReleaseQuarantine)
	e.pause(t, sub)
	e.resume(t, sub)
	e.wantStands(t, ref.ID, "held/quarantine next=0s")
	e.record(t, e.result(e.askAndClaim(t, ref.ID), 500))
	e.wantStands(t, ref.ID, "held/quarantine attempts=1 next=0s")
	e.record(t, e.result(e.askAndClaim(t, ref.ID), 200))
	e.wantStands(t, ref.ID, "succeeded attempts=2 finished=1s")
}

func feedChecks() []check {
	return []check{
		{"feed the longest due first", checkFeed},
		{"feed only parked ones of the subscription", checkFeedOnlyParked},
		{"feed events before pages of exports", checkFeedEventsFirst},
		{"a feed that fails hands nothing out", checkFeedFails},
		{"subscriptions with parked deliveries", checkParkedSubscriptions},
	}
}

// What was claimed by a transaction that is not committed is nobody's: sent, it
// would be sent again.
func checkFeedFails(t *testing.T, e *env) {
	ctx := context.Background()
	parked := e.park(t, e.subscribe(t))
	rename := func(from, to string) {
		t.Helper()
		if err := e.tx(ctx, func(tx txn) error {
			_, err := tx.ExecContext(ctx, `UPDATE counters SET name = $2 WHERE name = $1`, from, to)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	sub := e.get(t, parked.ID).SubscriptionID
	rename("catalogue", "away") // the last thing that a feed reads
	got, err := e.Feed(ctx, sub, FeedLimits{Most: 1}, e.terms())
	if err == nil || len(got) != 0 {
		t.Errorf("fed %v, %v", got, err)
	}
	rename("away", "catalogue")
	if got := e.feed(t, sub, 1); len(got) != 1 {
		t.Errorf("then fed %v", got)
	}
}

// Pages that have waited longer come after events, and then by their time.
func checkFeedEventsFirst(t *testing.T, e *env) {
	sub := e.subscribe(t)
	var pages []webhook.DeliveryID
	for i := range 3 {
		in := e.intake(sub)
		in.Deliveries[0].RunID, in.Deliveries[0].Page, in.Deliveries[0].Pages = "run_1", i+1, 3
		e.mustAccept(t, in)
		e.giveBack(t, e.claim(t, Ref{in.Deliveries[0].ID, 1}), ReleaseParked)
		pages = append(pages, in.Deliveries[0].ID)
		e.clock.Advance(time.Second)
	}
	event := e.park(t, sub).ID
	var got []webhook.DeliveryID
	for _, n := range []int{1, 2, 5} {
		for _, c := range e.feed(t, sub, n) {
			got = append(got, c.ID)
		}
	}
	if want := append([]webhook.DeliveryID{event}, pages...); !slices.Equal(got, want) {
		t.Errorf("fed %v, want %v", got, want)
	}
}

// park accepts, claims and parks a delivery.
func (e *env) park(tb testing.TB, sub webhook.SubscriptionID) Ref {
	tb.Helper()
	c := e.claim(tb, e.accept(tb, sub))
	e.giveBack(tb, c, ReleaseParked)
	return Ref{c.ID, c.Generation + 1}
}

func (e *env) feed(tb testing.TB, sub webhook.SubscriptionID, n int) []Claimed {
	tb.Helper()
	got, err := e.Feed(context.Background(), sub, FeedLimits{Most: n, Pages: n}, e.terms())
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

func checkFeed(t *testing.T, e *env) {
	sub := e.subscribe(t)
	var want []string
	for range 7 {
		want = append(want, string(e.park(t, sub).ID))
		e.clock.Advance(time.Second)
	}
	// What waits longest is not what was made first.
	retried := e.accept(t, sub)
	rec := e.attemptOnce(t, retried, 500)
	e.clock.Advance(rec.NextAttemptAt.Sub(e.now()))
	e.giveBack(t, e.claim(t, Ref{retried.ID, rec.Generation}), ReleaseParked)
	e.clock.Advance(time.Second)
	want = append(want, string(retried.ID), string(e.park(t, sub).ID))
	var got []string
	for _, n := range []int{0, 1, 3, 4, 100} {
		claimed := e.feed(t, sub, n)
		if len(claimed) > n {
			t.Errorf("asked for %d, got %d", n, len(claimed))
		}
		for _, c := range claimed {
			got = append(got, string(c.ID))
			if c.Generation < 4 || c.CrashCount != 1 || string(c.Body) == "" || c.LeaseUntil != e.now().Add(leaseFor) || c.Catalogue != e.version(t) {
				t.Errorf("fed %+v", c)
			}
			q := e.queued(t, c.ID)
			if q.Parked || q.Lease != c.LeaseUntil || q.Check != c.LeaseUntil || q.Generation != c.Generation {
				t.Errorf("queued %+v", q)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func checkFeedOnlyParked(t *testing.T, e *env) {
	sub, other := e.subscribe(t), e.subscribe(t)
	lineUp(t, e, sub)
	ref := e.park(t, other)
	if got := e.tryClaim(t, ref); len(got) != 0 {
		t.Errorf("a hint claimed a parked one: %v", got)
	}
	if got := e.feed(t, sub, 10); len(got) != 1 {
		t.Errorf("fed %d, want the parked one", len(got))
	}
	if got := e.feed(t, "sub_none", 10); len(got) != 0 {
		t.Errorf("fed %v", got)
	}
	e.pause(t, other)
	e.resume(t, other)
	if got := e.feed(t, other, 10); len(got) != 0 {
		t.Errorf("what was paused is still parked: %v", got)
	}
	asked := e.park(t, other)
	e.record(t, e.result(e.askAndClaim(t, asked.ID), 500))
	if got := e.feed(t, other, 10); len(got) != 0 {
		t.Errorf("what an operator sent is still parked: %v", got)
	}
}

func checkParkedSubscriptions(t *testing.T, e *env) {
	want := []webhook.SubscriptionID{}
	for i := range 9 {
		got, err := e.ParkedSubscriptions(context.Background())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("error %v, -want +got:\n%s", err, diff)
		}
		sub := e.subscribe(t)
		for range i % 4 {
			e.park(t, sub)
		}
		if i%4 > 0 {
			want = append(want, sub)
		}
	}
	e.feed(t, want[0], 10)
	e.feed(t, want[2], 2)
	got, err := e.ParkedSubscriptions(context.Background())
	if diff := cmp.Diff(append(want[1:2:2], want[2:]...), got); err != nil || diff != "" {
		t.Errorf("after feeding: error %v, -want +got:\n%s", err, diff)
	}
}
