package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func dueChecks() []check {
	return []check{
		{"due now, near and far", checkDue},
		{"due after a lease", checkDueLease},
		{"due because an operator asked", checkDueManual},
		{"due: nothing for what does not wait", checkDueNothing},
		{"due up to a limit", checkDueLimit},
		{"due for two stores: no overlap", checkDueShared},
		{"check all now, after a start", checkCheckAllNow},
	}
}

const (
	ahead = 5 * time.Second
	again = 30 * time.Second
)

func (e *env) due(tb testing.TB, limit int) ([]DueRef, bool) {
	tb.Helper()
	due, more, err := e.Due(context.Background(), DueTerms{Now: e.now(), Ahead: ahead, Again: again, Limit: limit})
	if err != nil {
		tb.Fatal(err)
	}
	return due, more
}

func (e *env) wantDue(tb testing.TB, want ...DueRef) {
	tb.Helper()
	got, more := e.due(tb, 100)
	less := func(a, b DueRef) bool { return a.ID < b.ID }
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" || more {
		tb.Errorf("due: more %v, -want +got:\n%s", more, diff)
	}
}

func checkDue(t *testing.T, e *env) {
	start := e.now()
	in := e.intake("")
	in.Deliveries[0].RunID, in.Deliveries[0].Page = "run_1", 1
	e.mustAccept(t, in)
	page := Ref{in.Deliveries[0].ID, 1}
	retry := e.accept(t, "")
	rec := e.attemptOnce(t, retry, 500) // due at 1m1s, looked after at 1m31s
	e.wantDue(t)                        // the first look is at 30s
	e.clock.Advance(checkAfter)
	e.wantDue(t, DueRef{Ref: page, At: start, First: true, RunID: "run_1"})
	e.wantStands(t, page.ID, "pending next=0s check=1m0s")
	e.wantDue(t) // the same moment: it has just been given out

	e.setCheck(t, retry.ID) // as if the process that retries was killed
	e.wantDue(t)            // far ahead: put off
	e.wantStands(t, retry.ID, "retrying attempts=1 spent=1 next=1m1s check=56s")
	e.clock.Advance(26 * time.Second)
	e.wantDue(t, DueRef{Ref: Ref{retry.ID, rec.Generation}, At: rec.NextAttemptAt})
	e.wantStands(t, retry.ID, "retrying attempts=1 spent=1 next=1m1s check=1m31s")
	e.clock.Advance(35 * time.Second)
	e.wantDue(t, DueRef{Ref: page, At: start, First: true, RunID: "run_1"},
		DueRef{Ref: Ref{retry.ID, rec.Generation}, At: rec.NextAttemptAt})
	e.wantStands(t, retry.ID, "retrying attempts=1 spent=1 next=1m1s check=2m1s")
}

// setCheck makes the reconciler look now.
func (e *env) setCheck(tb testing.TB, id webhook.DeliveryID) {
	tb.Helper()
	if _, err := e.write.ExecContext(context.Background(), `UPDATE deliveries SET check_at = $1 WHERE id = $2`, micros(e.now()), string(id)); err != nil {
		tb.Fatal(err)
	}
}

func checkDueLease(t *testing.T, e *env) {
	start := e.now()
	ref := e.accept(t, "")
	c := e.claim(t, ref)
	e.clock.Advance(checkAfter)
	e.wantDue(t)
	e.wantStands(t, ref.ID, "pending crashes=1 next=0s lease=40s check=40s")
	e.clock.Advance(leaseFor - checkAfter)
	e.wantDue(t, DueRef{Ref: c.Ref, At: start, First: true})
	e.claim(t, c.Ref) // the hint must be good at that very moment
}

func checkDueManual(t *testing.T, e *env) {
	for name, id := range e.inEachState(t) {
		hint, err := e.RequestRetry(context.Background(), id, e.now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		first := e.get(t, id).AttemptCount == 0
		e.wantDue(t, DueRef{Ref: hint, First: first})
		if q := e.queued(t, id); q.Check != e.now().Add(again) {
			t.Errorf("%s: %+v", name, q)
		}
		e.record(t, e.result(e.claim(t, hint), 200))
	}
}

func checkDueNothing(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ids := lineUp(t, e, sub)
	delete(ids, "pending, parked") // parked ones never have a time to look after them
	for _, id := range ids {
		e.setCheck(t, id)
	}
	var got []string
	due, _ := e.due(t, 100)
	for name, id := range ids {
		if slices.ContainsFunc(due, func(d DueRef) bool { return d.ID == id }) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := []string{"failed, asked for", "pending", "pending, asked for"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"quarantine", "succeeded", "failed", "canceled"} {
		if q := e.queued(t, ids[name]); !q.Check.IsZero() {
			t.Errorf("%s will be looked at again at %s", name, q.Check)
		}
	}
}

func checkDueLimit(t *testing.T, e *env) {
	want := map[webhook.DeliveryID]bool{}
	for range 7 {
		want[e.accept(t, "").ID] = true
		e.clock.Advance(time.Second)
	}
	e.clock.Advance(checkAfter)
	for i, n := range []int{3, 3, 1, 0} {
		due, more := e.due(t, 3)
		if len(due) != n || more != (n == 3) {
			t.Errorf("look %d: %d due, more %v", i, len(due), more)
		}
		for _, d := range due {
			if !want[d.ID] {
				t.Errorf("%s was given out twice", d.ID)
			}
			delete(want, d.ID)
		}
	}
	if len(want) != 0 {
		t.Errorf("%d were never given out", len(want))
	}
}

func checkDueShared(t *testing.T, e *env) {
	const n = 300
	e.mustAccept(t, e.many(n, ""))
	e.clock.Advance(checkAfter)
	stores := []*Store{e.Store, e.open(t)}
	seen := make([][]DueRef, 8)
	terms := DueTerms{Now: e.now(), Ahead: ahead, Again: again, Limit: 20}
	for _, err := range together(len(seen), func(i int) error {
		for {
			due, more, err := stores[i%2].Due(context.Background(), terms)
			seen[i] = append(seen[i], due...)
			if err != nil || !more {
				return err
			}
		}
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	once := map[webhook.DeliveryID]int{}
	for _, due := range seen {
		for _, d := range due {
			once[d.ID]++
		}
	}
	rest, _ := e.due(t, n) // one that was locked by another look is passed over
	for _, d := range rest {
		once[d.ID]++
	}
	for id, times := range once {
		if times != 1 {
			t.Errorf("%s was given out %d times", id, times)
		}
	}
	if len(once) != n {
		t.Errorf("%d of %d were given out", len(once), n)
	}
}

func checkCheckAllNow(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ids := lineUp(t, e, sub)
	want := afterLineUp()
	want["failed, asked for"] = "failed attempts=1 spent=6 manual=10s check=20s finished=11s"
	want["failed, in flight"] = "failed attempts=1 spent=6 crashes=1 manual=10s check=20s finished=11s"
	want["pending"] = "pending next=0s check=20s"
	want["pending, in flight"] = "pending crashes=1 next=0s check=20s"
	want["pending, asked for"] = "pending next=0s manual=10s check=20s"
	want["pending, parked"] = "pending next=0s check=20s"
	want["retrying"] = "retrying attempts=1 spent=1 next=1m11s check=1m41s" // due later than soon
	want["retrying, in flight"] = "retrying attempts=1 spent=1 crashes=1 next=1m11s check=20s"
	now := e.clock.Advance(10 * time.Second)
	if err := e.CheckAllNow(context.Background(), now.Add(time.Minute-9*time.Second-time.Microsecond)); err != nil {
		t.Fatal(err)
	}
	e.wantAll(t, ids, want)
	want["retrying"] = "retrying attempts=1 spent=1 next=1m11s check=20s"
	if err := e.CheckAllNow(context.Background(), now.Add(time.Minute-9*time.Second)); err != nil {
		t.Fatal(err)
	}
	e.wantAll(t, ids, want)
	if subs, err := e.ParkedSubscriptions(context.Background()); err != nil || len(subs) != 0 {
		t.Errorf("still parked: %v (%v)", subs, err)
	}
	if due, _ := e.due(t, 100); len(due) != 6 {
		t.Errorf("%d are due, want all six that wait for something now", len(due))
	}
}
