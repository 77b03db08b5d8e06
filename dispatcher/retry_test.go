package dispatcher_test

import (
	"context"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// retry asks for another attempt, as an operator does.
func (h *house) retry(id webhook.DeliveryID) {
	h.t.Helper()
	must(h.t, h.d.Retry(context.Background(), id, nil))
}

// TestRetriesByHandLeaveTheScheduleAlone: an operator retries after every
// automatic attempt. The six automatic ones come at their times all the same,
// and the operator's are extra.
func TestRetriesByHandLeaveTheScheduleAlone(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const deliveries = 8
		o.schedule = scaled()
		r := newReceiver(t, always(500))
		h := newHouse(t, o)
		h.subscribe(r.URL)
		automatic := map[webhook.DeliveryID][]dispatcher.Observation{}
		byHand := map[webhook.DeliveryID]int{}
		for range deliveries {
			h.post(redemption)
		}
		for range deliveries * 11 { // six by the schedule, and one after each of the first five
			ob := h.next()
			if ob.Attempt.Trigger == webhook.TriggerManual {
				byHand[ob.DeliveryID]++
				before := automatic[ob.DeliveryID][len(automatic[ob.DeliveryID])-1]
				if ob.State != before.State || !ob.NextAttemptAt.Equal(before.NextAttemptAt) {
					t.Errorf("after a retry by hand: %s, next %s; before it %s, next %s", ob.State, ob.NextAttemptAt, before.State, before.NextAttemptAt)
				}
				if by := ob.Attempt.StartedAt.Sub(ob.Due); by < 0 || by >= latest {
					t.Errorf("a retry by hand started %s after it was asked for", by)
				}
				continue
			}
			automatic[ob.DeliveryID] = append(automatic[ob.DeliveryID], ob)
			if len(automatic[ob.DeliveryID]) < 6 {
				h.retry(ob.DeliveryID)
			}
		}
		var late []time.Duration
		for id, obs := range automatic {
			late = append(late, onTime(t, obs, o.schedule)...)
			if d := h.delivery(id); d.State != webhook.StateFailed || d.AttemptCount != 11 || d.AutomaticCount != 6 || byHand[id] != 5 || d.RetryRequested {
				t.Errorf("after everything: %+v, %d by hand", d, byHand[id])
			}
		}
		h.stop()
		if n := len(r.requests()); n != deliveries*11 {
			t.Errorf("%d requests, want %d", n, deliveries*11)
		}
		logLateness(t, late)
	})
}

// onTime checks that the schedule's attempts, whatever came between them, are
// each counted from the end of the one before.
func onTime(t *testing.T, obs []dispatcher.Observation, schedule webhook.Schedule) (late []time.Duration) {
	t.Helper()
	if len(obs) != len(schedule)+1 {
		t.Errorf("%d automatic attempts, want %d", len(obs), len(schedule)+1)
		return nil
	}
	for i := 1; i < len(obs); i++ {
		due := obs[i-1].Attempt.EndedAt().Add(schedule[i-1]).Truncate(time.Microsecond)
		by := obs[i].Attempt.StartedAt.Sub(due)
		late = append(late, by)
		if !obs[i].Due.Equal(due) || by < 0 || by >= latest {
			t.Errorf("automatic attempt %d was due at %s, want %s, and started %s late", i+1, obs[i].Due, due, by)
		}
	}
	return late
}

// TestRetryByHandInEveryState walks one delivery through the states and asks
// for an attempt in each.
func TestRetryByHandInEveryState(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		o.schedule, o.stopped = webhook.Schedule{time.Hour}, true
		status := make(chan int, 1)
		r := newReceiver(t, func(int) int { return <-status })
		h := newHouse(t, o)
		sub := h.subscribe(r.URL)
		id := h.post(redemption).Deliveries[0].ID
		step := func(what string, answer int, trigger webhook.Trigger, want webhook.DeliveryState, spent int) {
			t.Helper()
			status <- answer
			ob := h.next()
			d := h.delivery(id)
			if ob.Attempt.Trigger != trigger || ob.State != want || d.State != want || d.AutomaticCount != spent || d.RetryRequested {
				t.Errorf("%s: a %s attempt, then %s with %d spent; want %s, %s, %d", what, ob.Attempt.Trigger, d.State, d.AutomaticCount, trigger, want, spent)
			}
		}
		byHand := func(what string, answer int, want webhook.DeliveryState, spent int) {
			t.Helper()
			h.retry(id)
			step(what, answer, webhook.TriggerManual, want, spent)
		}

		h.retry(id)
		must(t, h.d.Start(ctx))
		defer h.d.Stop(ctx)
		step("pending", 500, webhook.TriggerManual, webhook.StatePending, 0)
		step("pending, the schedule's own first attempt", 500, webhook.TriggerAutomatic, webhook.StateRetrying, 1)
		byHand("retrying", 500, webhook.StateRetrying, 1)
		_, err := h.subs.Pause(ctx, sub.ID)
		must(t, err)
		byHand("held: an operator's retry goes out although the subscription is paused", 500, webhook.StateHeld, 1)
		byHand("held, acknowledged", 200, webhook.StateSucceeded, 1)
		byHand("succeeded stays so when it fails", 500, webhook.StateSucceeded, 1)
		byHand("succeeded again", 200, webhook.StateSucceeded, 1)
		_, err = h.subs.Resume(ctx, sub.ID)
		must(t, err)
		if d := h.delivery(id); d.State != webhook.StateSucceeded || d.AttemptCount != 7 {
			t.Errorf("after the resume: %+v", d)
		}
	})
}

// TestRetryByHandOfAFailedDelivery: one call sends it again (P12).
func TestRetryByHandOfAFailedDelivery(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		o.schedule = webhook.Schedule{10 * time.Millisecond}
		r := newReceiver(t, func(n int) int { return []int{500, 500, 500, 200}[min(n, 3)] })
		h := newHouse(t, o)
		h.subscribe(r.URL)
		id := h.post(redemption).Deliveries[0].ID
		h.next()
		if ob := h.next(); ob.State != webhook.StateFailed {
			t.Fatalf("observed %+v", ob)
		}
		for _, want := range []webhook.DeliveryState{webhook.StateFailed, webhook.StateSucceeded} {
			h.retry(id)
			if ob := h.next(); ob.State != want || ob.Attempt.Trigger != webhook.TriggerManual {
				t.Errorf("%s by a %s attempt, want %s", ob.State, ob.Attempt.Trigger, want)
			}
		}
		if d := h.delivery(id); d.AutomaticCount != 2 || d.AttemptCount != 4 {
			t.Errorf("%+v", d)
		}
	})
}

// TestRetryByHandDuringAnAttempt: what is asked for while a request is under
// way waits for its end, and asking twice is one more request.
func TestRetryByHandDuringAnAttempt(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		o.schedule = webhook.Schedule{3 * time.Second}
		status := make(chan int)
		r := newReceiver(t, func(int) int { return <-status })
		h := newHouse(t, o)
		h.subscribe(r.URL)
		id := h.post(redemption).Deliveries[0].ID
		r.take(t)
		h.retry(id)
		h.retry(id)
		if d := h.delivery(id); !d.InFlight || !d.RetryRequested {
			t.Errorf("while the first attempt is under way: %+v", d)
		}
		status <- 500
		first := h.next()
		r.take(t) // the operator's, long before the schedule's
		h.retry(id)
		status <- 500
		second := h.next()
		r.take(t) // asked for during the operator's own attempt
		status <- 500
		third := h.next()
		r.take(t)
		status <- 200
		fourth := h.next()
		for i, ob := range []dispatcher.Observation{first, second, third, fourth} {
			want := webhook.TriggerAutomatic
			if i == 1 || i == 2 {
				want = webhook.TriggerManual
			}
			if ob.Attempt.Trigger != want || ob.Attempt.Number != i+1 {
				t.Errorf("attempt %d is number %d, %s, want %s", i+1, ob.Attempt.Number, ob.Attempt.Trigger, want)
			}
		}
		if due := first.Attempt.EndedAt().Add(o.schedule[0]).Truncate(time.Microsecond); !fourth.Due.Equal(due) {
			t.Errorf("the schedule's attempt was due at %s, want %s", fourth.Due, due)
		}
		if d := h.delivery(id); d.State != webhook.StateSucceeded || d.AutomaticCount != 2 {
			t.Errorf("%+v", d)
		}
	})
}

// TestRetryByHandAtTheLimit: a subscription whose attempts in flight are all
// used does not lose what an operator asked for.
func TestRetryByHandAtTheLimit(t *testing.T) {
	t.Parallel()
	answer := newHold()
	r := newReceiver(t, func(n int) int {
		if n == 1 {
			<-answer.gate
		}
		return 200
	})
	h := newHouse(t, houseOptions{timeout: 20 * time.Second})
	defer answer.release()
	h.subscribe(r.URL, func(s *webhook.Subscription) { s.MaxInFlight = 1 })
	done := h.post(redemption).Deliveries[0].ID
	h.next()
	r.take(t)
	h.post(redemption)
	r.take(t) // hangs, and has the only place
	h.retry(done)
	until(t, "the retry was claimed", func() bool { return h.delivery(done).InFlight })
	until(t, "the retry was turned away", func() bool { return !h.delivery(done).InFlight })
	answer.release()
	h.await(func(ob dispatcher.Observation) bool {
		return ob.DeliveryID == done && ob.Attempt.Trigger == webhook.TriggerManual && ob.State == webhook.StateSucceeded
	})
}
