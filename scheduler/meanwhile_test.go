package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Records change while a run reads them. Each is in one page of this run, as
// it was when the run was made, or in the next run; never in two pages, never
// in none.
func TestRecordsThatChangeMeanwhile(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		var h *house
		var meddle func()
		o.source = func(s *store.Store) Source {
			return &meddlingSource{Source: NewStoredRecords(s), before: func() {
				if meddle != nil {
					meddle()
				}
			}}
		}
		h = newHouse(t, o)
		h.subscribe()
		h.limit(20)
		h.fire()
		h.put(h.salesOn("2025-06-16", "acme", 200)...)
		h.clock.Set(gmt3(t, "2025-06-17 03:00"))
		reads := 0
		meddle = func() { // each time, one record moves ahead of the reader and one behind it
			i := reads
			reads++
			at := gmt3(t, "2025-06-16 23:00").Add(time.Duration(i) * time.Minute)
			h.put(sale{"acme", fmt.Sprintf("acme-%06d", i), at, "moved"}, sale{"acme", fmt.Sprintf("acme-%06d", 199-i), at, "moved"},
				sale{"acme", fmt.Sprintf("new-%d", i), at, ""})
		}
		first := h.sent(find(t, h.fire(), "vendas").Run.ID, "acme")
		meddle = nil
		if reads < 3 {
			t.Fatalf("the run read %d times: too few to meddle with", reads)
		}
		h.clock.Set(gmt3(t, "2025-06-18 03:00"))
		second := h.sent(find(t, h.fire(), "vendas").Run.ID, "acme")
		seen := map[string]int{}
		for _, key := range first {
			seen[key]++
		}
		for key, n := range seen {
			if n != 1 {
				t.Errorf("%s is in %d pages of one run", key, n)
			}
		}
		if want := 3 * reads; len(second) != want {
			t.Errorf("the next run has %d records, want the %d that changed or came", len(second), want)
		}
		for _, key := range second {
			seen[key]++
		}
		if want := 200 + reads; len(seen) != want {
			t.Errorf("%d records were sent, want %d", len(seen), want)
		}
	})
}

// meddlingSource lets something happen before each read.
type meddlingSource struct {
	Source
	before func()
}

func (m *meddlingSource) Read(ctx context.Context, q Query) ([]Record, error) {
	m.before()
	return m.Source.Read(ctx, q)
}

// A subscription that is made while a run is under way gets the next run's
// pages, not a part of this run's; one that is deleted gets no more.
func TestSubscriptionsThatChangeMeanwhile(t *testing.T) {
	var h *house
	var meddle func()
	h = newHouse(t, houseOptions{source: func(s *store.Store) Source {
		return &meddlingSource{Source: NewStoredRecords(s), before: func() {
			if meddle != nil {
				meddle()
				meddle = nil
			}
		}}
	}})
	a, b := h.subscribe(), h.subscribe()
	h.put(h.yesterday("acme", 10)...)
	meddle = func() {
		h.subscribe()
		must(t, h.subs.Delete(context.Background(), b.ID))
	}
	run := h.runNow(RunRequest{})
	h.wantSamePages(run.ID, 1, a.ID)
	h.subs.Pause(context.Background(), a.ID)
	for _, d := range h.deliveries(h.runNow(RunRequest{}).ID) {
		if held := d.State == webhook.StateHeld; held != (d.SubscriptionID == a.ID) {
			t.Errorf("the page for %s is %s", d.SubscriptionID, d.State)
		}
	}
}

// Records that the source refuses are counted and named, and not sent; the
// others are.
func TestRefusedRecords(t *testing.T) {
	h := newHouse(t, houseOptions{source: func(s *store.Store) Source { return refusingSource{NewStoredRecords(s)} }})
	h.subscribe()
	h.limit(10)
	h.put(h.yesterday("acme", 95)...)
	run := h.runNow(RunRequest{})
	got := h.sent(run.ID, "acme")
	clients, err := h.store.RunClients(context.Background(), run.ID)
	must(t, err)
	if len(got) != 63 || clients[0].Records != 63 || clients[0].Refused != 32 {
		t.Errorf("%d records were sent; the run tells of %d, and %d refused", len(got), clients[0].Records, clients[0].Refused)
	}
	refusals, err := h.store.Refusals(context.Background(), run.ID, "acme")
	must(t, err)
	if len(refusals) != 32 || refusals[0].Key != "acme-000000" || refusals[0].Reason != "total is no integer" {
		t.Errorf("%d refusals, the first is %+v", len(refusals), refusals[0])
	}
}

// refusingSource refuses every third record, as MongoDB's does where money is
// no integer.
type refusingSource struct{ Source }

func (r refusingSource) Read(ctx context.Context, q Query) ([]Record, error) {
	records, err := r.Source.Read(ctx, q)
	for i := range records {
		var n int
		if _, err := fmt.Sscanf(records[i].Key, "acme-%d", &n); err != nil {
			return nil, err
		}
		if n%3 == 0 {
			records[i].Refused, records[i].Body = "total is no integer", nil
		}
	}
	return records, err
}
