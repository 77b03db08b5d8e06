package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestNightlyRun(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		a, b := h.subscribe(), h.subscribe()
		h.subscribe(of("globex"))
		h.subscribe(of("initech"), func(s *webhook.Subscription) { s.EventTypes = []webhook.Pattern{"shop.*"} })
		h.limit(4)
		h.fire() // tells the schedules their next times
		day := gmt3(t, "2025-06-16")
		var sales []sale
		for i := range 10 {
			sales = append(sales, sale{"acme", fmt.Sprintf("k%02d", i), day.Add(time.Duration(i) * time.Hour), ""})
		}
		sales = append(
			sales,
			sale{"acme", "before", day.Add(-time.Microsecond), ""}, sale{"acme", "first", day, ""},
			sale{"acme", "last", day.AddDate(0, 0, 1).Add(-time.Microsecond), ""}, sale{"acme", "after", day.AddDate(0, 0, 1), ""},
			sale{"initech", "unheard", day, ""}, sale{"globex", "theirs", day, ""},
		)
		h.put(sales...)
		h.clock.Set(gmt3(t, "2025-06-17 03:00"))
		ended := h.fire()
		run := find(t, ended, "vendas")
		if run.Run.Trigger != webhook.RunSchedule || run.Run.Late || len(ended) != 3 {
			t.Errorf("%d runs ended; this one is %s, late %v", len(ended), run.Run.Trigger, run.Run.Late)
		}
		// In the order of time, then of keys.
		want := []string{"first", "k00", "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "last"}
		slices.SortStableFunc(want[:2], func(a, b string) int { return cmpText(a, b) })
		if diff := cmp.Diff(want, h.sent(run.Run.ID, "acme")); diff != "" {
			t.Errorf("acme's records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"theirs"}, h.sent(run.Run.ID, "globex")); diff != "" {
			t.Errorf("globex' records (-want +got):\n%s", diff)
		}
		h.wantSamePages(run.Run.ID, 3, a.ID, b.ID)
		for _, p := range h.pages(run.Run.ID, "acme") {
			if sum := sha256.Sum256(p.body); !slices.Equal(sum[:], p.SHA256) || p.Bytes != len(p.body) || p.Records != len(p.keys) {
				t.Errorf("page %d is told as %d records, %d bytes, %x", p.Number, p.Records, p.Bytes, p.SHA256)
			}
		}
	})
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func find(t testing.TB, ended []Observation, export string) Observation {
	t.Helper()
	for _, ob := range ended {
		if ob.Run.Export == export {
			return ob
		}
	}
	t.Fatalf("no run of %s ended", export)
	return Observation{}
}

// wantSamePages checks that each page of acme is one message with one delivery
// to each of its subscriptions, told as page i of n.
func (h *house) wantSamePages(run webhook.RunID, n int, subs ...webhook.SubscriptionID) {
	h.t.Helper()
	pages := h.pages(run, "acme")
	if len(pages) != n {
		h.t.Errorf("%d pages, want %d", len(pages), n)
	}
	got := map[webhook.SubscriptionID][]webhook.MessageID{}
	for _, d := range h.deliveries(run) {
		if d.ClientID != "acme" {
			continue
		}
		got[d.SubscriptionID] = append(got[d.SubscriptionID], d.MessageID)
		if d.Page == nil || *d.Page != len(got[d.SubscriptionID]) || *d.RunID != run {
			h.t.Errorf("delivery %s is page %v", d.ID, d.Page)
		}
	}
	if len(got) != len(subs) {
		h.t.Errorf("%d subscriptions get pages, want %d", len(got), len(subs))
	}
	for _, sub := range subs {
		for i, m := range got[sub] {
			if i >= len(pages) || pages[i].MessageID != m {
				h.t.Errorf("%s gets %s as page %d", sub, m, i+1)
			}
		}
		if len(got[sub]) != n {
			h.t.Errorf("%s gets %d pages, want %d", sub, len(got[sub]), n)
		}
	}
}

// What arrives after its window's run goes into the next run, once.
func TestLateRecords(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		h.subscribe()
		h.fire()
		h.put(sale{"acme", "in time", gmt3(t, "2025-06-16 10:00"), ""})
		h.clock.Set(gmt3(t, "2025-06-17 03:00"))
		first := find(t, h.fire(), "vendas")
		h.put(
			sale{"acme", "late", gmt3(t, "2025-06-16 11:00"), ""}, sale{"acme", "very late", gmt3(t, "2025-05-01 11:00"), ""},
			sale{"acme", "of today", gmt3(t, "2025-06-17 02:00"), ""},
			sale{"acme", "in time", gmt3(t, "2025-06-16 10:00"), ""}, // the same bytes: nothing new
		)
		byHand := h.runNow(RunRequest{Period: Period{StartDate: "2025-06-16", EndDate: "2025-06-16"}})
		h.clock.Set(gmt3(t, "2025-06-18 03:00"))
		second := find(t, h.fire(), "vendas")
		h.clock.Set(gmt3(t, "2025-06-19 03:00"))
		third := find(t, h.fire(), "vendas")
		for _, c := range []struct {
			what string
			run  webhook.RunID
			want []string
		}{
			{"its window's run", first.Run.ID, []string{"in time"}},
			{"a run by hand of the same window", byHand.ID, []string{"in time", "late"}},
			{"the next run", second.Run.ID, []string{"late", "very late", "of today"}},
			{"the run after it", third.Run.ID, []string{}},
		} {
			if diff := cmp.Diff(c.want, h.sent(c.run, "acme")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.what, diff)
			}
		}
		if got := second.Clients[0].LateRecords; got != 2 {
			t.Errorf("the next run tells of %d late records, want 2", got)
		}
	})
}

// A late record of a client to whom nobody listened does not wait for years.
func TestLateRecordsOfNobody(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.subscribe(of("globex"))
	h.fire()
	h.clock.Set(gmt3(t, "2025-06-17 03:00"))
	h.fire()
	h.put(sale{"acme", "late", gmt3(t, "2025-06-16 11:00"), ""})
	h.clock.Set(gmt3(t, "2025-06-18 03:00"))
	h.fire()
	h.subscribe()
	h.clock.Set(gmt3(t, "2025-06-19 03:00"))
	if got := h.sent(find(t, h.fire(), "vendas").Run.ID, "acme"); len(got) != 0 {
		t.Errorf("the new listener got %v", got)
	}
}

func TestEmptyWindow(t *testing.T) {
	h := newHouse(t, houseOptions{})
	quiet := h.subscribe()
	run := h.runNow(RunRequest{})
	if n := len(h.deliveries(run.ID)) + len(h.pages(run.ID, "acme")); n != 0 {
		t.Errorf("an empty window made %d pages and deliveries", n)
	}
	eager := h.subscribe(func(s *webhook.Subscription) { s.SendEmpty = true })
	run = h.runNow(RunRequest{Period: Period{Export: "ingressos"}})
	pages, ds := h.pages(run.ID, "acme"), h.deliveries(run.ID)
	if len(pages) != 1 || len(ds) != 1 || ds[0].SubscriptionID != eager.ID {
		t.Fatalf("%d pages, %d deliveries; %s must not get one", len(pages), len(ds), quiet.ID)
	}
	want := `{"event":"ingresso_export","period":{"start_date":"2025-06-15","end_date":"2025-06-15"},"data":[]}`
	if got := string(pages[0].body); got != want {
		t.Errorf("the empty page is %s, want %s", got, want)
	}
}

func TestBackfill(t *testing.T) {
	h := newHouse(t, houseOptions{})
	one, two := h.subscribe(), h.subscribe()
	h.subscribe(of("globex"))
	all := h.subscribe(of(webhook.AllClients))
	at := gmt3(t, "2024-02-29 12:00")
	h.put(sale{"acme", "leap", at, ""}, sale{"globex", "leap", at, ""}, sale{"initech", "leap", at, ""},
		sale{"acme", "day after", at.AddDate(0, 0, 1), ""})
	leap := Period{StartDate: "2024-02-29", EndDate: "2024-02-29"}

	for name, c := range map[string]struct {
		q    RunRequest
		want int // deliveries
		only webhook.SubscriptionID
	}{
		"all":                                 {RunRequest{Period: leap}, 3 + 2 + 1, ""},
		"one client":                          {RunRequest{Period: Period{StartDate: leap.StartDate, EndDate: leap.EndDate, ClientID: "acme"}}, 3, ""},
		"one subscription":                    {RunRequest{Period: leap, SubscriptionID: two.ID}, 1, two.ID},
		"the subscription to every client":    {RunRequest{Period: leap, SubscriptionID: all.ID}, 3, all.ID},
		"that subscription, for one client":   {RunRequest{Period: Period{StartDate: leap.StartDate, EndDate: leap.EndDate, ClientID: "initech"}, SubscriptionID: all.ID}, 1, all.ID},
		"its own subscription and its client": {RunRequest{Period: Period{StartDate: leap.StartDate, EndDate: leap.EndDate, ClientID: "acme"}, SubscriptionID: one.ID}, 1, one.ID},
	} {
		run := h.runNow(c.q)
		ds := h.deliveries(run.ID)
		if len(ds) != c.want || run.Trigger != webhook.RunBackfill {
			t.Errorf("%s: %d deliveries by a run of kind %s, want %d", name, len(ds), run.Trigger, c.want)
		}
		for _, d := range ds {
			if c.only != "" && d.SubscriptionID != c.only {
				t.Errorf("%s: %s gets it too", name, d.SubscriptionID)
			}
			if got := h.sent(run.ID, d.ClientID); !slices.Equal(got, []string{"leap"}) {
				t.Errorf("%s: %s gets %v", name, d.ClientID, got)
			}
		}
	}
	for path, q := range map[string]RunRequest{
		"/client_id":       {Period: Period{ClientID: "nobody"}},
		"/subscription_id": {SubscriptionID: "sub_unknown"},
		"/start_date":      {Period: Period{StartDate: "2025-06-17", EndDate: "2025-06-18"}},
		"/end_date":        {Period: Period{StartDate: "2025-06-15", EndDate: "2025-06-14"}},
	} {
		q.Export = "vendas"
		if path == "/client_id" {
			must(t, h.subs.Delete(context.Background(), all.ID))
		}
		_, err := h.s.RunNow(context.Background(), q, nil)
		wantFault(t, err, path)
	}
	if _, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{Export: "nothing"}}, nil); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("an unknown export: %v", err)
	}
}

// A preview counts exactly what the run then sends, and sends nothing.
func TestPreviewIsTheRun(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		h.subscribe()
		h.subscribe(of("globex"))
		h.limit(7)
		h.put(slices.Concat(h.yesterday("acme", 45), h.yesterday("globex", 3))...)
		p, err := h.s.Preview(context.Background(), Period{Export: "vendas"})
		must(t, err)
		if runs, _, err := h.store.Runs(context.Background(), store.RunFilter{Export: "vendas"}, store.Page{Limit: 10}); err != nil || len(runs) != 0 {
			t.Fatalf("a preview left %d runs (%v)", len(runs), err)
		}
		run := h.runNow(RunRequest{})
		clients, err := h.store.RunClients(context.Background(), run.ID)
		must(t, err)
		if len(p.Clients) != len(clients) {
			t.Fatalf("the preview tells of %d clients, the run had %d", len(p.Clients), len(clients))
		}
		for i, c := range clients {
			if got := p.Clients[i]; got.ClientID != c.ClientID || got.Records != c.Records || got.Pages != c.Built || got.Bytes != c.Bytes {
				t.Errorf("the preview told %+v; the run made %+v", got, c)
			}
		}
		if first := h.pages(run.ID, "acme")[0].body; string(p.FirstPage) != string(first) || !json.Valid(first) {
			t.Errorf("the preview's first page is %s, the run's %s", p.FirstPage, first)
		}
		if p.Window != run.Window {
			t.Errorf("the preview's window is %v, the run's %v", p.Window, run.Window)
		}
	})
}

// A page that grows too large by its bytes ends before its number of records.
func TestPageBytes(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.subscribe()
	limit := webhook.MinPageBytes
	_, err := h.s.Edit(context.Background(), "vendas", ExportPatch{PageBytes: &limit})
	must(t, err)
	h.put(h.yesterday("acme", 100)...)
	run := h.runNow(RunRequest{})
	pages := h.pages(run.ID, "acme")
	if len(pages) < 5 {
		t.Errorf("%d pages", len(pages))
	}
	for _, p := range pages {
		if p.Bytes > limit {
			t.Errorf("page %d has %d bytes, more than %d", p.Number, p.Bytes, limit)
		}
	}
	if n := len(h.sent(run.ID, "acme")); n != 100 {
		t.Errorf("%d records were sent, want 100", n)
	}
}
