package dispatcher_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// durable gives a house a database that outlives it.
func durable(t *testing.T, o houseOptions) houseOptions {
	t.Helper()
	if o.database == "" {
		o.database = "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db")
	}
	return o
}

// counts tells how many deliveries are in each state, and how many are claimed.
func (h *house) counts() (states map[webhook.DeliveryState]int, claimed int) {
	h.t.Helper()
	all, _, err := h.store.Deliveries(context.Background(), store.DeliveryFilter{}, store.Page{Limit: 200})
	must(h.t, err)
	states = map[webhook.DeliveryState]int{}
	for _, d := range all {
		states[d.State]++
		if d.InFlight {
			claimed++
		}
	}
	return states, claimed
}

// TestStopFinishesWhatIsUnderWay: a graceful stop starts nothing new, lets
// requests under way end and records them. The next process sends the rest,
// and nothing twice.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const events = 60
		o = durable(t, o)
		o.timeout = 30 * time.Second
		answer := newHold()
		r := newReceiver(t, answer.then(200))
		h := newHouse(t, o)
		defer answer.release()
		h.subscribe(r.URL, func(s *webhook.Subscription) { s.MaxInFlight = 5 })
		for range events {
			h.post(redemption)
		}
		const underWay = 5
		for range underWay {
			r.take(t)
		}
		stopped := make(chan struct{})
		go func() {
			h.stop()
			close(stopped)
		}()
		<-h.d.Draining()
		until(t, "what is claimed and not sent is given back", func() bool {
			_, claimed := h.counts()
			return claimed == underWay
		})
		select {
		case <-stopped:
			t.Fatal("it stopped while requests were under way")
		default:
		}
		answer.release()
		<-stopped
		if states, claimed := h.counts(); states[webhook.StateSucceeded] != underWay || states[webhook.StatePending] != events-underWay || claimed != 0 {
			t.Errorf("after the stop: %v, %d claimed", states, claimed)
		}
		if n := len(r.requests()); n != underWay {
			t.Errorf("%d requests until the stop, want %d", n, underWay)
		}
		h.close()
		next := newHouse(t, o)
		for range events - underWay {
			if ob := next.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
				t.Errorf("observed %+v", ob)
			}
		}
		next.stop()
		if n := len(byDelivery(r.requests())); n != events || len(r.requests()) != events {
			t.Errorf("%d requests of %d deliveries, want %d", len(r.requests()), n, events)
		}
	})
}

// TestStopWhenPatienceEnds: requests under way are cut off; that is our doing,
// and spends none of the client's six.
func TestStopWhenPatienceEnds(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		o = durable(t, o)
		o.timeout, o.stopped = 30*time.Second, true
		answer := newHold()
		r := newReceiver(t, answer.then(200))
		h := newHouse(t, o)
		defer answer.release()
		h.subscribe(r.URL)
		must(t, h.d.Start(context.Background()))
		id := h.post(redemption).Deliveries[0].ID
		r.take(t)
		over, cancel := context.WithCancel(context.Background())
		cancel()
		start := time.Now()
		h.d.Stop(over)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %s to stop at once", took)
		}
		if d := h.delivery(id); d.State != webhook.StatePending || d.AttemptCount != 0 || d.AutomaticCount != 0 || d.InFlight {
			t.Errorf("what was cut off: %+v", d)
		}
		h.close()
		answer.release()
		o.stopped = false
		if ob := newHouse(t, o).next(); ob.DeliveryID != id || ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
			t.Errorf("observed %+v", ob)
		}
	})
}

// TestNothingIsLeftRunning after a stop, busy or not.
func TestNothingIsLeftRunning(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		r := newReceiver(t, func(n int) int { return []int{200, 500}[n%2] })
		first := newHouse(t, o) // what is shared and stays, such as a server's connections, is there after it
		first.close()
		before := goleak.IgnoreCurrent()
		h := newHouse(t, o)
		h.subscribe(r.URL, func(s *webhook.Subscription) { s.RateLimit = 50 })
		for range 20 {
			h.post(redemption)
		}
		for range 10 {
			h.next()
		}
		h.close()
		r.CloseClientConnections()
		if err := testserver.Leaks(before); err != nil {
			t.Error(err)
		}
	})
}

// TestAMessageThatCrashesUs is tried three times and then put aside, where an
// operator sees it; everything else flows (P15). The sender's clock is where
// a test can make our own code panic.
func TestAMessageThatCrashesUs(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		var poisoned atomic.Bool
		c, log := &clock{}, newListener()
		o.now, o.log = c.Now, log
		o.senderNow = func() time.Time {
			if poisoned.Load() {
				panic("a canary that is no secret")
			}
			return time.Now()
		}
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL)
		poisoned.Store(true)
		id := h.post(redemption).Deliveries[0].ID
		for crash := range 3 {
			line := log.await(t, "sending a delivery crashed")
			if !strings.Contains(line, string(id)) {
				t.Errorf("crash %d is told as %s", crash+1, line)
			}
			poisoned.Store(false)
			h.post(redemption)
			if ob := h.next(); ob.DeliveryID == id || ob.State != webhook.StateSucceeded {
				t.Errorf("beside a delivery that crashes: %+v", ob)
			}
			if d := h.delivery(id); d.State != webhook.StatePending || d.AttemptCount != 0 {
				t.Errorf("after crash %d: %+v", crash+1, d)
			}
			poisoned.Store(true)
			c.forward(pastChecks) // the claim of the one that crashed ends
			h.d.Kick()
		}
		log.await(t, "a delivery is in quarantine")
		poisoned.Store(false)
		if d := h.delivery(id); d.State != webhook.StateHeld || d.HoldReason != webhook.HoldQuarantine || d.InFlight {
			t.Errorf("after three crashes: %+v", d)
		}
		if n := h.d.InFlight(); n != 0 {
			t.Errorf("%d slots are still taken", n)
		}
		h.retry(id) // the operator has mended what crashed
		if ob := h.next(); ob.DeliveryID != id || ob.State != webhook.StateSucceeded {
			t.Errorf("after the quarantine: %+v", ob)
		}
	})
}

// TestStopWithoutStart: what never ran has nothing to end, and ends at once.
func TestStopWithoutStart(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	h.d.Stop(context.Background())
}
