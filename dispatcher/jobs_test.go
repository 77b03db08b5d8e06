package dispatcher_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// ended waits until a job has ended.
func (h *house) ended(id webhook.JobID) webhook.Job {
	h.t.Helper()
	return h.jobWhen(id, func(j webhook.Job) bool { return j.State.Final() })
}

// jobWhen waits until a job of this process is as wanted.
func (h *house) jobWhen(id webhook.JobID, want func(webhook.Job) bool) webhook.Job {
	h.t.Helper()
	late := time.After(60 * time.Second)
	for {
		j, err := h.store.Job(context.Background(), id)
		must(h.t, err)
		if want(j) {
			return j
		}
		select {
		case <-h.jobs:
		case <-late:
			h.t.Fatalf("after 60 s the job is %+v", j)
		}
	}
}

func (h *house) replay(r dispatcher.ReplayRequest) *webhook.Job {
	h.t.Helper()
	j, err := h.d.StartReplay(context.Background(), r, nil)
	must(h.t, err)
	return j
}

// deliveries lists all of a filter.
func (h *house) deliveries(f store.DeliveryFilter) (all []webhook.Delivery) {
	h.t.Helper()
	p := store.Page{Limit: 500}
	for {
		rows, next, err := h.store.Deliveries(context.Background(), f, p)
		must(h.t, err)
		if all = append(all, rows...); next == "" {
			return all
		}
		p.After = next
	}
}

// Everything that failed for a client since a day is sent again by one call:
// each once more, with its own webhook-id, and what did not fail is left alone.
func TestRetryAllThatFailed(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.schedule = webhook.Schedule{time.Millisecond}
		h := newHouse(t, o)
		const failing = 250 // more than there is room for at once
		r := newReceiver(t, func(n int) int { return map[bool]int{true: 500, false: 200}[n < 2*failing] })
		h.subscribe(r.URL)
		h.postMany("acme", failing)
		for range failing {
			h.await(func(ob dispatcher.Observation) bool { return ob.State == webhook.StateFailed })
		}
		good := h.post(redemption)
		h.await(func(ob dispatcher.Observation) bool { return ob.State == webhook.StateSucceeded })
		request := dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "acme", Since: ptr(time.Now().Add(-time.Hour))}}
		count, err := h.d.CountReplay(context.Background(), request)
		must(t, err)
		if count.Count != failing || count.States[webhook.StateFailed] != failing || len(count.Parts) != 1 || len(count.Sample) != 10 {
			t.Errorf("counted %+v", count)
		}
		job := h.ended(h.replay(request).ID)
		if job.State != webhook.JobCompleted || job.Done != failing || *job.Counted != failing || job.Skipped != 0 {
			t.Errorf("the job is %+v", job)
		}
		for range failing {
			h.await(func(ob dispatcher.Observation) bool {
				return ob.State == webhook.StateSucceeded && ob.Attempt.Trigger == webhook.TriggerManual
			})
		}
		for id, all := range byDelivery(r.requests()) {
			want := map[bool]int{true: 1, false: 3}[id == good.Deliveries[0].ID]
			if len(all) != want {
				t.Errorf("%s was sent %d times, want %d", id, len(all), want)
			}
			for _, s := range all {
				if s.header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") {
					t.Errorf("%s changed its webhook-id", id)
				}
			}
		}
		if n := len(h.deliveries(store.DeliveryFilter{JobID: job.ID})); n != failing {
			t.Errorf("%d deliveries are marked with the job", n)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// A replay gives a new subscription what happened before it: new deliveries,
// with the webhook-ids of the events. While it is paused, they are held.
func TestReplayToANewSubscription(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		const events = 230
		h.postMany("acme", events)
		h.postMany("globex", 3)
		r := newReceiver(t, always(200))
		sub := h.subscribe(r.URL)
		_, err := h.subs.Pause(context.Background(), sub.ID)
		must(t, err)
		first := h.ended(h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{SubscriptionID: sub.ID}}).ID)
		held := h.deliveries(store.DeliveryFilter{JobID: first.ID, State: webhook.StateHeld})
		if first.Done != events || len(held) != events || len(r.requests()) != 0 {
			t.Fatalf("the job is %+v; %d are held", first, len(held))
		}
		_, err = h.subs.Resume(context.Background(), sub.ID)
		must(t, err)
		seen := map[string]bool{}
		for range events {
			seen[r.take(t).header.Get("Webhook-Id")] = true
		}
		if len(seen) != events {
			t.Errorf("%d different events came", len(seen))
		}
	})
}

// A subscriber that hangs keeps only its own part of a job waiting, and has
// no more of it waiting than there is room for.
func TestAJobWaitsForRoom(t *testing.T) {
	h := newHouse(t, houseOptions{timeout: 20 * time.Second})
	open := make(chan struct{})
	hangs := newReceiver(t, func(int) int { <-open; return 200 })
	quick := newReceiver(t, always(200))
	const events = 3*dispatcher.JobRoom + 7
	h.postMany("acme", events)
	slow := h.subscribe(hangs.URL)
	h.subscribe(quick.URL)
	job := h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme"}})
	for range events {
		quick.take(t)
	}
	h.jobWhen(job.ID, func(j webhook.Job) bool { return j.Done >= events+dispatcher.JobRoom })
	waiting, err := h.store.JobWaiting(context.Background(), job.ID)
	must(t, err)
	if waiting[slow.ID] != dispatcher.JobRoom {
		t.Errorf("waiting %v", waiting)
	}
	close(open)
	if j := h.ended(job.ID); j.Done != 2*events || j.Skipped != 0 {
		t.Errorf("the job is %+v", j)
	}
}

// A job's retries keep to the subscription's rate limit, which a retry by hand
// does not.
func TestAJobKeepsToTheRateLimit(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		o.schedule = webhook.Schedule{time.Millisecond}
		h := newHouse(t, o)
		const events, rate, burst = 60, 40, 4
		r := newReceiver(t, func(n int) int { return map[bool]int{true: 500, false: 200}[n < 2*events] })
		sub := h.subscribe(r.URL)
		h.postMany("acme", events)
		for range events {
			h.await(func(ob dispatcher.Observation) bool { return ob.State == webhook.StateFailed })
		}
		_, err := h.subs.Update(context.Background(), sub.ID, func(s *webhook.Subscription) error { s.RateLimit = rate; return nil })
		must(t, err)
		h.ended(h.replay(dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "acme"}}).ID)
		for range events {
			h.await(func(ob dispatcher.Observation) bool { return ob.State == webhook.StateSucceeded })
		}
		came := r.requests()[2*events:]
		// Half of the time that it takes: the first one may have been held up on its way.
		if took, least := came[len(came)-1].at.Sub(came[0].at), time.Second*(events-burst)/rate/2; took < least {
			t.Errorf("%d retries came within %s; the limit makes it at least %s", len(came), took, least)
		}
	})
}

func TestACanceledJobStops(t *testing.T) {
	h := newHouse(t, houseOptions{timeout: 20 * time.Second})
	open := make(chan struct{})
	r := newReceiver(t, func(int) int { <-open; return 200 })
	h.postMany("acme", 2*dispatcher.JobRoom)
	h.subscribe(r.URL)
	job := h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme"}})
	h.jobWhen(job.ID, func(j webhook.Job) bool { return j.Done >= dispatcher.JobRoom })
	_, err := h.d.CancelJob(context.Background(), job.ID)
	must(t, err)
	close(open)
	for range dispatcher.JobRoom {
		h.next()
	}
	h.d.Stop(context.Background()) // whatever worked on it has ended
	if got := h.ended(job.ID); got.State != webhook.JobCanceled || got.Done != dispatcher.JobRoom || len(h.deliveries(store.DeliveryFilter{})) != dispatcher.JobRoom {
		t.Errorf("the job is %+v", got)
	}
}

// A process that stops gives its job back at a checkpoint, and another goes on.
func TestAStoppedJobGoesOnElsewhere(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		const events = 400
		h.postMany("acme", events)
		sub := h.subscribe("http://127.0.0.1:9")
		_, err := h.subs.Pause(context.Background(), sub.ID)
		must(t, err)
		job := h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Rate: 500, Filter: webhook.JobFilter{ClientID: "acme"}})
		h.jobWhen(job.ID, func(j webhook.Job) bool { return j.Done > 0 })
		h.stop()
		if j, err := h.store.Job(context.Background(), job.ID); err != nil || j.State != webhook.JobRunning || j.Done == events {
			t.Fatalf("the job is %+v, %v", j, err)
		}
		other := h.another()
		if j := other.ended(job.ID); j.Done != events || j.Failures != 0 {
			t.Errorf("the job is %+v", j)
		}
		h.wantOneEach(other.deliveries(store.DeliveryFilter{JobID: job.ID}), events)
	})
}

// wantOneEach checks that n events have one delivery each.
func (h *house) wantOneEach(all []webhook.Delivery, n int) {
	h.t.Helper()
	times := map[webhook.MessageID]int{}
	for _, d := range all {
		times[d.MessageID]++
	}
	for id, t := range times {
		if t != 1 {
			h.t.Errorf("%s has %d deliveries", id, t)
		}
	}
	if len(times) != n {
		h.t.Errorf("%d events have a delivery, want %d", len(times), n)
	}
}

func TestReplayFaults(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	mine := h.subscribe("http://127.0.0.1:9")
	all := h.subscribe("http://127.0.0.1:9", func(s *webhook.Subscription) { s.ClientID = webhook.AllClients })
	tuesday := time.Now().Add(-time.Hour)
	for _, tc := range []struct {
		name string
		r    dispatcher.ReplayRequest
		want []string
	}{
		{"everything", dispatcher.ReplayRequest{}, []string{"/filter"}},
		{"everything since", dispatcher.ReplayRequest{Filter: webhook.JobFilter{Since: &tuesday}}, nil},
		{"a kind", dispatcher.ReplayRequest{Kind: "resend"}, []string{"/kind"}},
		{"canceled ones", dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "acme", State: webhook.StateCanceled}}, []string{"/filter/state"}},
		{"a replay of canceled ones", dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme", State: webhook.StateCanceled}}, nil},
		{"a replay of all", dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{Since: &tuesday}}, []string{"/filter"}},
		{"a replay of a run", dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme", RunID: webhook.NewRunID()}}, []string{"/filter/run_id"}},
		{"no such subscription", dispatcher.ReplayRequest{Filter: webhook.JobFilter{SubscriptionID: webhook.NewSubscriptionID()}}, []string{"/filter/subscription_id"}},
		{"another client's", dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "globex", SubscriptionID: mine.ID}}, []string{"/filter/subscription_id"}},
		{"the platform's, of a client", dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "globex", SubscriptionID: all.ID}}, nil},
		{"the platform's, by a client", dispatcher.ReplayRequest{VisibleTo: "globex", Filter: webhook.JobFilter{ClientID: "globex", SubscriptionID: all.ID}}, []string{"/filter/subscription_id"}},
		{
			"wrong forms",
			dispatcher.ReplayRequest{Rate: -1, Filter: webhook.JobFilter{ClientID: "a b", SubscriptionID: "x", EventType: "A!", RunID: "x", EventIDs: []webhook.MessageID{"x"}, State: "lost", Since: &tuesday, Until: &tuesday}},
			[]string{"/rate", "/filter/client_id", "/filter/subscription_id", "/filter/event_type", "/filter/run_id", "/filter/event_ids", "/filter/until", "/filter/state"},
		},
	} {
		_, err := h.d.CountReplay(context.Background(), tc.r)
		var got []string
		if e, ok := err.(*webhook.Error); ok {
			for _, f := range e.Faults {
				got = append(got, f.Path)
			}
		} else {
			must(t, err)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v: %v", tc.name, got, tc.want, err)
		}
	}
}

// A client's replay does not go to the platform's subscriptions, and a key of
// a client does not retry what went there.
func TestReplaysKeepToTheClient(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	mine := h.subscribe("http://127.0.0.1:9")
	h.subscribe("http://127.0.0.1:9", func(s *webhook.Subscription) { s.ClientID = webhook.AllClients })
	h.postMany("acme", 3)
	ctx := context.Background()
	for _, tc := range []struct {
		r    dispatcher.ReplayRequest
		want string
	}{
		{dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme"}}, fmt.Sprint(3, 1)},
		{dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "acme", State: webhook.StatePending}}, fmt.Sprint(6, 2)},
		{dispatcher.ReplayRequest{VisibleTo: "acme", Filter: webhook.JobFilter{ClientID: "acme", State: webhook.StatePending}}, fmt.Sprint(3, 1)},
		{dispatcher.ReplayRequest{Filter: webhook.JobFilter{ClientID: "acme", Until: ptr(time.Now().Add(-time.Hour))}}, fmt.Sprint(0, 0)},
	} {
		c, err := h.d.CountReplay(ctx, tc.r)
		must(t, err)
		if got := fmt.Sprint(c.Count, len(c.Parts)); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.r, got, tc.want)
		}
		if len(c.Parts) == 1 && c.Parts[0].SubscriptionID != mine.ID {
			t.Errorf("%+v goes to %s", tc.r, c.Parts[0].SubscriptionID)
		}
	}
}
