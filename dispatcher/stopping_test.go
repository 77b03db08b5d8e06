package dispatcher_test

import (
	"context"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// failOnce posts an event whose first attempt fails.
func (h *house) failOnce(r *receiver, status chan<- int) webhook.DeliveryID {
	h.t.Helper()
	id := h.post(redemption).Deliveries[0].ID
	r.take(h.t)
	status <- 500
	if ob := h.next(); ob.DeliveryID != id || ob.State != webhook.StateRetrying {
		h.t.Fatalf("observed %+v", ob)
	}
	return id
}

// hinted waits until the worker has the delivery's hint, as one of so many, and
// waits for its time. Until then the delivery is in nobody's hands.
func (h *house) hinted(id webhook.DeliveryID, n int) {
	h.t.Helper()
	until(h.t, "a worker waits for the delivery's time", func() bool { return h.d.Expecting() == n })
	if h.delivery(id).InFlight {
		h.t.Error("a delivery is claimed before its time")
	}
}

// TestCancel stops what waits, lets what is under way finish, and is final.
func TestCancel(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		ctx, c := context.Background(), &clock{}
		o.schedule, o.now = webhook.Schedule{time.Second, time.Second}, c.Now
		c.stop()
		status := make(chan int)
		r := newReceiver(t, func(int) int { return <-status })
		h := newHouse(t, o)
		h.subscribe(r.URL)

		for _, hinted := range []bool{false, true} {
			waiting := h.failOnce(r, status)
			if hinted {
				h.hinted(waiting, 2) // and the other's
			}
			d, err := h.d.Cancel(ctx, waiting)
			must(t, err)
			if d.State != webhook.StateCanceled || d.NextAttemptAt != nil || d.FinishedAt == nil {
				t.Errorf("after the cancel: %+v", d)
			}
			if _, err := h.d.Cancel(ctx, waiting); err != nil {
				t.Errorf("canceled twice: %v", err)
			}
			if err := h.d.Retry(ctx, waiting, nil); !webhook.IsKind(err, webhook.KindConflict) {
				t.Errorf("a retry of what was canceled: %v", err)
			}
		}

		underWay := h.post(redemption).Deliveries[0].ID
		r.take(t)
		h.retry(underWay) // what an operator asked for ends with it
		_, err := h.d.Cancel(ctx, underWay)
		must(t, err)
		status <- 500
		if ob := h.next(); ob.DeliveryID != underWay || ob.State != webhook.StateCanceled || !ob.NextAttemptAt.IsZero() {
			t.Errorf("the attempt that was under way: %+v", ob)
		}
		if d := h.delivery(underWay); d.State != webhook.StateCanceled || d.AttemptCount != 1 || d.RetryRequested {
			t.Errorf("canceled while under way: %+v", d)
		}

		// All that was canceled would have been due before this one's retry.
		marker := h.failOnce(r, status)
		c.goOn()
		r.take(t)
		status <- 200
		if ob := h.next(); ob.DeliveryID != marker || ob.State != webhook.StateSucceeded {
			t.Errorf("observed %+v", ob)
		}
		if _, err := h.d.Cancel(ctx, marker); !webhook.IsKind(err, webhook.KindConflict) {
			t.Errorf("a cancel of what succeeded: %v", err)
		}
		if n := len(r.requests()); n != 5 {
			t.Errorf("%d requests, want 5", n)
		}
	})
}

// TestNothingOfAnUnknownDelivery: there is nothing to retry or to cancel.
func TestNothingOfAnUnknownDelivery(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	if _, err := h.d.Cancel(context.Background(), webhook.NewDeliveryID()); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("a cancel of nothing: %v", err)
	}
	if err := h.d.Retry(context.Background(), webhook.NewDeliveryID(), nil); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("a retry of nothing: %v", err)
	}
}

// TestAnotherProcessStopsASubscription: a pause or a deletion is committed by
// another process while this one waits for a delivery's time. No request
// starts after it (P8).
func TestAnotherProcessStopsASubscription(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		ctx, c := context.Background(), &clock{}
		o.schedule, o.now = webhook.Schedule{1500 * time.Millisecond}, c.Now
		status := make(chan int)
		r := newReceiver(t, func(int) int { return <-status })
		h := newHouse(t, o)
		other := h.another(func(o *houseOptions) { o.stopped = true })

		sub := h.subscribe(r.URL)
		c.stop()
		id := h.failOnce(r, status)
		h.hinted(id, 1)
		_, err := other.subs.Pause(ctx, sub.ID)
		must(t, err)
		c.goOn()
		until(t, "the worker let go of what was paused", func() bool { return h.d.Expecting() == 0 })
		if d := h.delivery(id); d.State != webhook.StateHeld || d.HoldReason != webhook.HoldPaused || d.AttemptCount != 1 {
			t.Errorf("after the pause: %+v", d)
		}
		_, err = other.subs.Resume(ctx, sub.ID)
		must(t, err)
		h.d.Kick() // the other process kicks its own reconciler; ours looks every two seconds
		r.take(t)
		status <- 200
		if ob := h.next(); ob.DeliveryID != id || ob.State != webhook.StateSucceeded || ob.Attempt.Number != 2 {
			t.Errorf("after the resume: %+v", ob)
		}

		c.stop()
		id = h.failOnce(r, status)
		h.hinted(id, 1)
		must(t, other.subs.Delete(ctx, sub.ID))
		c.goOn()
		until(t, "the worker let go of what was canceled", func() bool { return h.d.Expecting() == 0 })
		if d := h.delivery(id); d.State != webhook.StateCanceled || d.AttemptCount != 1 {
			t.Errorf("after the deletion: %+v", d)
		}
		h.stop()
		if n := len(r.requests()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// TestAPausedSubscriptionHolds: what is accepted during a pause is stored and
// not sent; the resume sends all of it, once each.
func TestAPausedSubscriptionHolds(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		paused, active := h.subscribe(r.URL), h.subscribe(r.URL)
		_, err := h.subs.Pause(ctx, paused.ID)
		must(t, err)
		const events = 30
		held := map[webhook.DeliveryID]bool{}
		for range events {
			for _, d := range h.post(redemption).Deliveries {
				if d.SubscriptionID == paused.ID {
					held[d.ID] = true
				}
			}
		}
		for range events { // the active one's, and nothing else
			if ob := h.next(); ob.SubscriptionID != active.ID {
				t.Errorf("sent although paused: %+v", ob)
			}
		}
		if len(held) != events {
			t.Fatalf("%d deliveries are held, want %d", len(held), events)
		}
		for id := range held {
			if d := h.delivery(id); d.State != webhook.StateHeld || d.HoldReason != webhook.HoldPaused || d.NextAttemptAt != nil {
				t.Fatalf("during the pause: %+v", d)
			}
		}
		_, err = h.subs.Resume(ctx, paused.ID)
		must(t, err)
		for range events {
			ob := h.next()
			if !held[ob.DeliveryID] || ob.State != webhook.StateSucceeded {
				t.Errorf("after the resume: %+v", ob)
			}
			delete(held, ob.DeliveryID)
		}
		if n := len(r.requests()); n != 2*events {
			t.Errorf("%d requests, want %d", n, 2*events)
		}
	})
}
