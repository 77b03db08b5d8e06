package dispatcher_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestABlackHoleDelaysNobody: subscribers that accept a request and never
// answer have a backlog of hundreds. Everything of the healthy one arrives
// while they still hang (P14); what they missed is not lost.
func TestABlackHoleDelaysNobody(t *testing.T) {
	for name, tc := range map[string]struct{ holes, events int }{"one": {1, 500}, "many": {20, 40}} {
		t.Run(name, func(t *testing.T) {
			eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
				const healthy = 100
				o.timeout, o.workers = 30*time.Second, 64
				answer := newHold()
				hole := newReceiver(t, answer.then(200))
				good := newReceiver(t, always(200))
				h := newHouse(t, o)
				defer answer.release()
				h.subscribe(good.URL)
				h.post(redemption) // it has shown once that it answers
				h.next()
				for i := range tc.holes {
					client := webhook.ClientID("hole" + strconv.Itoa(i))
					h.subscribe(hole.URL, func(s *webhook.Subscription) { s.ClientID = client })
					h.postMany(client, tc.events)
				}
				hole.take(t) // it hangs
				start := time.Now()
				for range healthy {
					h.post(redemption)
				}
				var last time.Duration
				for range healthy {
					ob := h.next()
					if ob.ClientID != "acme" || ob.State != webhook.StateSucceeded {
						t.Fatalf("before the healthy one had everything: %+v", ob)
					}
					last = max(last, ob.Attempt.EndedAt().Sub(ob.Due))
				}
				t.Logf("%d events in %s, the last %s after its acceptance; %d requests hang", healthy, time.Since(start), last, h.d.InFlight())
				if h.d.InFlight() == 0 || h.d.InFlight() > o.workers*3/4 {
					t.Errorf("%d requests hang, want some, but at most three quarters of %d", h.d.InFlight(), o.workers)
				}
				start = time.Now()
				answer.release()
				for range tc.holes * tc.events {
					if ob := h.next(); ob.State != webhook.StateSucceeded {
						t.Fatalf("after the hang: %+v", ob)
					}
				}
				t.Logf("what had been missed arrived in %s", time.Since(start))
				if n := len(hole.requests()); n != tc.holes*tc.events {
					t.Errorf("%d requests after the hang, want %d", n, tc.holes*tc.events)
				}
			})
		})
	}
}

// TestANewcomerBesideBlackHoles: many are known to hang and hold all that the
// unproven may have, when a subscription has its first events. It proves
// itself and is served before a single one of the others ends.
func TestANewcomerBesideBlackHoles(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const holes, backlog, events = 12, 10, 30
		o.workers = 16
		answer := newHold()
		hole := newReceiver(t, answer.then(200))
		good := newReceiver(t, always(200))
		h := newHouse(t, o)
		defer answer.release()
		var subs []*webhook.Subscription
		for i := range holes {
			client := webhook.ClientID("hole" + strconv.Itoa(i))
			subs = append(subs, h.subscribe(hole.URL, func(s *webhook.Subscription) {
				s.ClientID, s.Timeout = client, webhook.Duration(time.Second)
			}))
			h.postFor(client, redemption)
		}
		for range holes {
			if ob := h.next(); ob.State != webhook.StateRetrying {
				t.Fatalf("observed %+v", ob)
			}
			hole.take(t)
		}
		for _, sub := range subs {
			_, err := h.subs.Update(context.Background(), sub.ID, func(s *webhook.Subscription) error {
				s.Timeout = webhook.Duration(30 * time.Second)
				return nil
			})
			must(t, err)
			h.postMany(sub.ClientID, backlog)
		}
		for range o.workers / 2 {
			hole.take(t) // all that they may have
		}
		h.subscribe(good.URL)
		start := time.Now()
		for range events {
			h.post(redemption)
		}
		for range events {
			if ob := h.next(); ob.ClientID != "acme" || ob.State != webhook.StateSucceeded {
				t.Fatalf("before the newcomer had everything: %+v", ob)
			}
		}
		t.Logf("the newcomer's %d events took %s", events, time.Since(start))
	})
}

// TestMaxInFlight is never exceeded at the receiver, and what waits in SQL
// meanwhile is fed without a pause.
func TestMaxInFlight(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const events, limit, takes = 120, 3, 25 * time.Millisecond
		var mu sync.Mutex
		var present, most int
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			present++
			most = max(most, present)
			mu.Unlock()
			<-time.After(takes)
			mu.Lock()
			present--
			mu.Unlock()
		}))
		t.Cleanup(srv.Close)
		h := newHouse(t, o)
		h.subscribe(srv.URL, func(s *webhook.Subscription) { s.MaxInFlight = limit })
		start := time.Now()
		h.postMany("acme", events)
		for range events {
			if ob := h.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
				t.Fatalf("observed %+v", ob)
			}
		}
		ideal := events / limit * takes
		t.Logf("%d events in %s, %s at best", events, time.Since(start), ideal)
		if most != limit {
			t.Errorf("%d requests at once, want %d", most, limit)
		}
		if took := time.Since(start); took > ideal+40*time.Second { // the reconciler alone would take 80 s
			t.Errorf("it took %s: what was parked waited for nothing", took)
		}
	})
}

// TestRateLimit: however many events come at once, the receiver gets them
// spaced; nothing is lost and no attempt spent.
func TestRateLimit(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const events, rate = 60, 20
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL, func(s *webhook.Subscription) { s.RateLimit = rate })
		start := time.Now()
		h.postMany("acme", events)
		for range events {
			if ob := h.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
				t.Fatalf("observed %+v", ob)
			}
		}
		got := r.requests()
		t.Logf("%d events at %d a second took %s", events, rate, time.Since(start))
		// A burst of a tenth of a second's worth is allowed; the rest is what a
		// request may be held up on its way.
		const burst, jitter = rate / 10, slowness * 300 * time.Millisecond
		for i := range got {
			for j := i + 1; j < len(got); j++ {
				least := time.Duration(j-i-burst)*time.Second/rate - jitter
				if gap := got[j].at.Sub(got[i].at); gap < least {
					t.Fatalf("%d requests within %s, want at least %s", j-i+1, gap, least)
				}
			}
		}
	})
}
