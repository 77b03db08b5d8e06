package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// built makes a run of acme's with n built pages, ready to be delivered.
func (h *house) built(n int, subs ...webhook.SubscriptionID) dispatcher.Pages {
	h.t.Helper()
	ctx := context.Background()
	now := time.Now()
	run := &webhook.Run{
		ID: webhook.NewRunID(), Export: "vendas", Event: "venda_export", Dataset: webhook.Vendas, Trigger: webhook.RunManual,
		Window: webhook.Window{From: now.Add(-time.Hour), To: now}, Zone: "-03:00", PageSize: 1, PageBytes: 1 << 20, CreatedAt: now,
	}
	must(h.t, h.store.CreateRun(ctx, run, nil))
	run, err := h.store.TakeRun(ctx, now, now.Add(time.Minute))
	must(h.t, err)
	hold := store.Hold{RunID: run.ID, Generation: run.Generation, LeaseUntil: now.Add(time.Minute)}
	must(h.t, h.store.PlanRun(ctx, hold, []webhook.RunClient{{ClientID: "acme", Subscriptions: subs}}))
	c := &webhook.RunClient{RunID: run.ID, ClientID: "acme", Subscriptions: subs, Built: n}
	for i := range n {
		body := fmt.Appendf(nil, `{"event":"venda_export","data":[{"_id":"%d"}]}`, i)
		m := &webhook.Message{
			ID: webhook.NewMessageID(), Kind: webhook.KindExportPage, ClientID: "acme", Type: run.Event, Body: body,
			DataStart: 0, DataLength: len(body), OccurredAt: now, CreatedAt: now,
		}
		must(h.t, h.store.BuildPage(ctx, hold, &store.BuiltPage{
			Run: run, ClientID: "acme", Was: c.Position, Position: fmt.Sprintf("%06d", i), Message: m, Last: i == n-1,
			Page: &webhook.RunPage{RunID: run.ID, ClientID: "acme", Number: i + 1, MessageID: m.ID, Records: 1, Bytes: len(body), SHA256: []byte("x"), CreatedAt: now},
		}))
		c.Position = fmt.Sprintf("%06d", i)
	}
	pages, err := h.store.RunPages(ctx, c, 0, n)
	must(h.t, err)
	return dispatcher.Pages{Run: run, Client: c, Pages: pages, LeaseTime: time.Minute}
}

// Pages of a large export wait, and an event of the same subscription does
// not: while every page hangs at the client's server, the event is delivered.
func TestPagesDoNotDelayEvents(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.workers = 16
		h := newHouse(t, o)
		answer := make(chan struct{})
		r := newJudge(t, func(_ int, s seen) int {
			if s.header.Get(sender.HeaderRunID) != "" {
				<-answer
			}
			return http.StatusOK
		})
		sub := h.subscribe(r.URL, func(s *webhook.Subscription) { s.MaxInFlight = 4 })
		p := h.built(300, sub.ID)
		must(t, h.d.DeliverPages(context.Background(), p))
		for range 3 { // of four places, pages take three
			if s := r.take(t); s.header.Get(sender.HeaderPages) != "300" {
				t.Errorf("page %s of %s", s.header.Get(sender.HeaderPage), s.header.Get(sender.HeaderPages))
			}
		}
		for range 5 {
			event := h.post(redemption).Deliveries[0].ID
			h.await(func(ob dispatcher.Observation) bool {
				return ob.DeliveryID == event && ob.State == webhook.StateSucceeded
			})
		}
		close(answer)
		pages := map[string]bool{}
		for _, s := range r.requests() {
			if page := s.header.Get(sender.HeaderPage); page != "" {
				pages[page] = true
			}
		}
		for len(pages) < 300 {
			if page := r.take(t).header.Get(sender.HeaderPage); page != "" {
				pages[page] = true
			}
		}
	})
}

// A page for which its subscription has no place waits in SQL from the start:
// no hint brings it into memory before its turn.
func TestPagesWithoutAPlaceGetNoHint(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		answer := make(chan struct{})
		r := newJudge(t, func(int, seen) int {
			<-answer
			return http.StatusOK
		})
		sub := h.subscribe(r.URL, func(s *webhook.Subscription) { s.MaxInFlight = 4 })
		must(t, h.d.DeliverPages(context.Background(), h.built(300, sub.ID)))
		pages := map[string]bool{}
		for range 3 {
			pages[r.take(t).header.Get(sender.HeaderPage)] = true
		}
		if s := h.d.Snapshot(); s.Hints.Deliveries+int64(s.Hints.Gathering) > 3 || s.Hints.Dropped > 0 || s.Doors.Parked != 1 {
			t.Errorf("three of 300 pages have a place, and %+v, %+v", s.Hints, s.Doors)
		}
		close(answer)
		for len(pages) < 300 {
			pages[r.take(t).header.Get(sender.HeaderPage)] = true
		}
	})
}

// A page may have megabytes: however many a hint names, few more are claimed,
// and so in memory, than can be sent.
func TestFewPagesAreClaimedAtATime(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.workers = 16 // of which pages get four
		h := newHouse(t, o)
		answer := make(chan struct{})
		r := newJudge(t, func(_ int, s seen) int {
			if s.header.Get(sender.HeaderRunID) != "" {
				<-answer
			}
			return http.StatusOK
		})
		subs := make([]webhook.SubscriptionID, 20)
		for i := range subs {
			subs[i] = h.subscribe(r.URL).ID
		}
		h.post(redemption) // those that nothing is known of would have fewer places
		for range subs {
			r.take(t)
			h.await(func(ob dispatcher.Observation) bool { return ob.State == webhook.StateSucceeded })
		}
		const pages = 10 // of each, and six have a place
		p := h.built(pages, subs...)
		must(t, h.d.DeliverPages(context.Background(), p))
		for range pages * len(subs) {
			r.take(t)
			ds, _, err := h.store.Deliveries(context.Background(), store.DeliveryFilter{RunID: p.Run.ID}, store.Page{Limit: 500})
			must(t, err)
			claimed := 0
			for _, d := range ds {
				if d.InFlight {
					claimed++
				}
			}
			if claimed > 12 {
				t.Fatalf("%d of %d pages are claimed, and four can be sent at a time", claimed, len(ds))
			}
			answer <- struct{}{}
		}
	})
}

// Pages are released once: whoever comes second, or after another scheduler
// took the run, changes nothing.
func TestPagesAreReleasedOnce(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	sub := h.subscribe("http://127.0.0.1:9/hook")
	p := h.built(3, sub.ID)
	must(t, h.d.DeliverPages(context.Background(), p))
	if err := h.d.DeliverPages(context.Background(), p); !errors.Is(err, store.ErrRunLost) {
		t.Errorf("the second release: %v", err)
	}
	ds, _, err := h.store.Deliveries(context.Background(), store.DeliveryFilter{RunID: p.Run.ID}, store.Page{Limit: 10})
	must(t, err)
	if len(ds) != 3 {
		t.Errorf("%d deliveries of three pages", len(ds))
	}
	q := h.built(1, sub.ID)
	_, err = h.store.TakeRun(context.Background(), time.Now().Add(2*time.Minute), time.Now().Add(3*time.Minute))
	must(t, err)
	// The first run was taken again, so was the second: its old holder is out.
	_, err = h.store.TakeRun(context.Background(), time.Now().Add(2*time.Minute), time.Now().Add(3*time.Minute))
	must(t, err)
	if err := h.d.DeliverPages(context.Background(), q); !errors.Is(err, store.ErrRunLost) {
		t.Errorf("the release of a run that is another's: %v", err)
	}
}
