package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func statsChecks() []check {
	return []check{
		{"deliveries are counted by hour and state", checkDeliveryCounts},
		{"one client's deliveries are counted by themselves", checkClientCounts},
		{"what waits is told by what it waits for", checkQueue},
		{"failing subscriptions are told with their causes", checkFailing},
		{"the newest attempts are sampled", checkAttemptStats},
		{"a subscription's health is told from its newest deliveries", checkHealth},
	}
}

// statsCalls are the methods that read statistics, for all and for a client.
func (e *env) statsCalls() map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{
		"stats exports":  func(ctx context.Context) error { _, err := e.ExportStats(ctx); return err },
		"stats run days": func(ctx context.Context) error { _, err := e.RunDays(ctx, "c7", e.now().Add(-time.Hour)); return err },
		"stats health": func(ctx context.Context) error {
			_, err := e.Health(ctx, []webhook.SubscriptionID{"sub_1"})
			return err
		},
	}
	for suffix, f := range map[string]StatsFilter{
		"": {Since: e.now().Add(-time.Hour)}, " of a client": {Since: e.now().Add(-time.Hour), ClientID: "c7"},
		" that a client may see": {Since: e.now().Add(-time.Hour), ClientID: "c7", VisibleTo: "c7"},
	} {
		out["stats counts"+suffix] = func(ctx context.Context) error { _, err := e.DeliveryCounts(ctx, f); return err }
		out["stats queue"+suffix] = func(ctx context.Context) error { _, err := e.Queue(ctx, f); return err }
		out["stats failing"+suffix] = func(ctx context.Context) error { _, err := e.Failing(ctx, f); return err }
		out["stats attempts"+suffix] = func(ctx context.Context) error { _, err := e.AttemptStats(ctx, f); return err }
	}
	return out
}

// counts reads the counts of the last n hours: hours before now → states.
func (e *env) counts(t *testing.T, f StatsFilter) map[int]StateCounts {
	t.Helper()
	c, err := e.DeliveryCounts(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Complete {
		t.Errorf("the counts are said not to be complete")
	}
	out := map[int]StateCounts{}
	for _, h := range c.Hours {
		for state, n := range h.States {
			ago := int(e.now().Truncate(time.Hour).Sub(h.At).Hours())
			if n > 0 && out[ago] == nil {
				out[ago] = StateCounts{}
			}
			if n > 0 {
				out[ago][state] = n
			}
		}
	}
	return out
}

func checkDeliveryCounts(t *testing.T, e *env) {
	sub := e.subscribe(t)
	before := e.accept(t, sub)
	e.clock.Advance(2 * time.Hour)
	e.attemptOnce(t, before, 200)
	since := e.now().Add(-statsSlot)
	e.attemptOnce(t, e.accept(t, sub), 500)
	e.attemptOnce(t, e.accept(t, sub), 200)
	e.clock.Advance(time.Hour)
	e.attemptOnce(t, e.accept(t, sub), 200)
	e.accept(t, sub)
	want := map[int]StateCounts{
		1: {webhook.StateRetrying: 1, webhook.StateSucceeded: 1}, 0: {webhook.StatePending: 1, webhook.StateSucceeded: 1},
	}
	for range 2 { // the second time from memory
		if diff := cmp.Diff(want, e.counts(t, StatsFilter{Since: since})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	canceled := e.accept(t, sub)
	if _, err := e.Cancel(context.Background(), canceled.ID); err != nil {
		t.Fatal(err)
	}
	e.pause(t, sub)
	want[1] = StateCounts{webhook.StateHeld: 1, webhook.StateSucceeded: 1}
	want[0] = StateCounts{webhook.StateHeld: 1, webhook.StateSucceeded: 1, webhook.StateCanceled: 1}
	if diff := cmp.Diff(want, e.counts(t, StatsFilter{Since: since})); diff != "" {
		t.Errorf("after changes, -want +got:\n%s", diff)
	}
	if all := e.counts(t, StatsFilter{}); all[3][webhook.StateSucceeded] != 1 {
		t.Errorf("of all that there is: %v", all)
	}
}

// acceptFor commits one delivery of another client's event.
func (e *env) acceptFor(t *testing.T, client webhook.ClientID, sub webhook.SubscriptionID) Ref {
	t.Helper()
	in := &Intake{Messages: []webhook.Message{e.message()}}
	in.Messages[0].ClientID = client
	in.Deliveries = []NewDelivery{e.delivery(&in.Messages[0], sub)}
	e.mustAccept(t, in)
	return Ref{in.Deliveries[0].ID, 1}
}

// platformSub stores a subscription to every client's events.
func (e *env) platformSub(t *testing.T) webhook.SubscriptionID {
	t.Helper()
	sub := e.subscription(webhook.AllClients, "*")
	if err := e.CreateSubscription(context.Background(), &sub, nil); err != nil {
		t.Fatal(err)
	}
	return sub.ID
}

func checkClientCounts(t *testing.T, e *env) {
	sub, all := e.subscribe(t), e.platformSub(t)
	e.attemptOnce(t, e.accept(t, sub), 200)
	e.accept(t, all)
	e.acceptFor(t, "beta", sub)
	for f, want := range map[StatsFilter]StateCounts{
		{ClientID: someClient}:                        {webhook.StateSucceeded: 1, webhook.StatePending: 1},
		{ClientID: someClient, VisibleTo: someClient}: {webhook.StateSucceeded: 1},
		{VisibleTo: "beta"}:                           {webhook.StatePending: 1},
		{ClientID: "nobody"}:                          nil,
	} {
		if diff := cmp.Diff(want, e.counts(t, f)[0]); diff != "" {
			t.Errorf("%+v, -want +got:\n%s", f, diff)
		}
	}
}

func checkQueue(t *testing.T, e *env) {
	sub := e.subscribe(t)
	e.accept(t, sub)
	began := e.now()
	e.clock.Advance(time.Second)
	e.claim(t, e.accept(t, sub))
	e.park(t, sub)
	retry := e.attemptOnce(t, e.accept(t, sub), 500)
	e.attemptOnce(t, e.accept(t, sub), 200)
	e.acceptFor(t, "beta", sub)
	waits := func(f StatsFilter) map[string]int64 {
		t.Helper()
		q, err := e.Queue(context.Background(), f)
		if err != nil || !q.Complete {
			t.Fatal(q, err)
		}
		out := map[string]int64{}
		for _, g := range q.Groups {
			out[string(g.State)+" for "+string(g.What)] = g.Count
			if g.What == WaitsForWorker && f.ClientID != "beta" && !g.Oldest.Equal(began) {
				t.Errorf("the oldest is due since %s, want %s", g.Oldest, began)
			}
			if g.What == WaitsForTime && !g.Oldest.Equal(retry.NextAttemptAt) {
				t.Errorf("the next retry is due at %s, want %s", g.Oldest, retry.NextAttemptAt)
			}
		}
		return out
	}
	want := map[string]int64{"pending for worker": 2, "pending for answer": 1, "pending for subscriber": 1, "retrying for time": 1}
	if diff := cmp.Diff(want, waits(StatsFilter{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want["pending for worker"] = 1
	if diff := cmp.Diff(want, waits(StatsFilter{ClientID: someClient})); diff != "" {
		t.Errorf("of a client, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"pending for worker": 1}, waits(StatsFilter{ClientID: "beta"})); diff != "" {
		t.Errorf("of another client, -want +got:\n%s", diff)
	}
}

func checkFailing(t *testing.T, e *env) {
	good, bad, all := e.subscribe(t), e.subscribe(t), e.platformSub(t)
	e.attemptOnce(t, e.accept(t, good), 200)
	e.accept(t, bad) // it waits, but it has not failed
	e.fail(t, e.accept(t, bad))
	e.clock.Advance(time.Minute)
	since := e.now()
	e.fail(t, e.accept(t, bad))
	e.attemptOnce(t, e.accept(t, bad), 500)
	e.attemptOnce(t, e.accept(t, bad), 500)
	e.attemptOnce(t, e.accept(t, all), 404)
	cause := func(sub webhook.SubscriptionID, status int, waiting, failed int64) Failing {
		return Failing{SubscriptionID: sub, ClientID: someClient, Error: webhook.ErrorStatus, Status: status, Waiting: waiting, Failed: failed}
	}
	for _, tc := range []struct {
		f    StatsFilter
		want []Failing
	}{
		{StatsFilter{}, []Failing{cause(bad, 500, 2, 2), cause(all, 404, 1, 0)}},
		{StatsFilter{Since: since}, []Failing{cause(bad, 500, 2, 1), cause(all, 404, 1, 0)}},
		{StatsFilter{ClientID: someClient}, []Failing{cause(bad, 500, 2, 2), cause(all, 404, 1, 0)}},
		{StatsFilter{VisibleTo: someClient}, []Failing{cause(bad, 500, 2, 2)}},
		{StatsFilter{ClientID: "beta"}, []Failing{}},
	} {
		got, err := e.Failing(context.Background(), tc.f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%+v, -want +got:\n%s", tc.f, diff)
		}
	}
}

func checkAttemptStats(t *testing.T, e *env) {
	sub := e.subscribe(t)
	for i := range 100 {
		c := e.claim(t, e.accept(t, sub))
		r := e.result(c, 200)
		late := time.Duration(i+1) * time.Millisecond
		r.Attempt.Duration, r.Attempt.Late, r.Attempt.Waited = time.Duration(i+1)*time.Second, &late, i >= 50
		e.record(t, r)
	}
	want := AttemptStats{
		Sampled: 100, Acknowledged: 100,
		Duration: Quantiles{100, 50 * time.Second, 95 * time.Second, 99 * time.Second, 100 * time.Second},
		Late:     Quantiles{50, 25 * time.Millisecond, 48 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond},
	}
	for f, want := range map[StatsFilter]AttemptStats{
		{}: want, {ClientID: someClient}: want, {ClientID: "beta"}: {}, {Since: e.now().Add(time.Hour)}: {},
	} {
		got, err := e.AttemptStats(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v, -want +got:\n%s", f, diff)
		}
	}
}

func checkHealth(t *testing.T, e *env) {
	sub, other := e.subscribe(t), e.subscribe(t)
	e.attemptOnce(t, e.accept(t, sub), 200)
	ended := e.now()
	e.clock.Advance(time.Minute)
	for range healthSample - 2 {
		e.accept(t, sub)
	}
	e.attemptOnce(t, e.accept(t, sub), 500)
	got, err := e.Health(context.Background(), []webhook.SubscriptionID{sub, other})
	if err != nil {
		t.Fatal(err)
	}
	h := got[sub]
	want := StateCounts{webhook.StatePending: healthSample - 2, webhook.StateRetrying: 1, webhook.StateSucceeded: 1}
	if diff := cmp.Diff(want, h.States); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if h.LastSuccess.Sub(ended) > time.Second || h.LastSuccess.Before(ended) {
		t.Errorf("the last success was at %s, want %s", h.LastSuccess, ended)
	}
	if o := got[other]; len(o.States) != 0 || !o.LastSuccess.IsZero() {
		t.Errorf("of one that got nothing: %+v", o)
	}
}
