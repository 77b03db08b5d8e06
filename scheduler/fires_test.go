package scheduler

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// allRuns reads every run of an export, oldest first.
func (h *house) allRuns(export string) []webhook.Run {
	h.t.Helper()
	rows, _, err := h.store.Runs(context.Background(), store.RunFilter{Export: export}, store.Page{Limit: 1 << 20})
	must(h.t, err)
	out := make([]webhook.Run, len(rows))
	for i, r := range rows {
		out[len(rows)-1-i] = r
	}
	return out
}

// told is a run in one line: when it was due and what it covers.
func told(r *webhook.Run) string {
	zone := time.FixedZone("", -3*60*60)
	start, end := r.Window.Dates(zone)
	late := ""
	if r.Late {
		late = " late"
	}
	return fmt.Sprintf("%s for %s to %s%s", r.ScheduledFor.In(zone).Format("2006-01-02 15:04:05"), start, end, late)
}

// Each fire runs exactly once, however many schedulers run (P10): five of
// them look at every moment of a year at the same time. The year is a leap
// year, and no more than one of them may make the run.
func TestFiveSchedulersOverAYear(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		o.clock = &clock{now: gmt3(t, "2023-12-31 12:00")}
		houses := []*house{newHouse(t, o)}
		for range 4 {
			h := *houses[0]
			st, err := store.Open(context.Background(), o.database, store.Options{Now: o.clock.Now})
			must(t, err)
			t.Cleanup(func() { must(t, st.Close()) })
			h.store, h.s = st, New(Options{Store: st, Dispatcher: h.d, Source: NewStoredRecords(st), Now: o.clock.Now})
			houses = append(houses, &h)
		}
		together := func() (made int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for _, h := range houses {
				wg.Go(func() {
					n, err := h.s.fireDue(context.Background())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					made += n
					mu.Unlock()
				})
			}
			wg.Wait()
			return made
		}
		together()
		want := map[string][]string{}
		first := gmt3(t, "2024-01-01 03:00")
		for at := first; at.Year() == 2024; at = at.AddDate(0, 0, 1) {
			o.clock.Set(at)
			due := 3
			day := at.AddDate(0, 0, -1).Format(webhook.DateForm)
			line := fmt.Sprintf("%s for %s to %s", at.Format("2006-01-02 15:04:05"), day, day)
			for _, name := range []string{"cadastros", "ingressos", "vendas"} {
				want[name] = append(want[name], line)
			}
			if at.Weekday() == time.Thursday {
				due++
				want["financeiro"] = append(want["financeiro"], fmt.Sprintf("%s for %s to %s", at.Format("2006-01-02 15:04:05"),
					at.AddDate(0, 0, -10).Format(webhook.DateForm), at.AddDate(0, 0, -4).Format(webhook.DateForm)))
			}
			if made := together(); made != due {
				t.Fatalf("at %s %d runs were made, want %d", at, made, due)
			}
		}
		for name, lines := range want {
			var got []string
			for _, r := range houses[0].allRuns(name) {
				got = append(got, told(&r))
			}
			if diff := cmp.Diff(lines, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if n := len(want["vendas"]); n != 366 {
			t.Errorf("the year had %d nights", n)
		}
	})
}

// A fire that was missed runs at the next start, marked late, for its own
// window; nothing is skipped, nothing doubled (P10).
func TestDownOverTheFires(t *testing.T) {
	for _, c := range []struct {
		name, back string
		want       []string
	}{
		{"down over 03:00", "2025-06-17 08:30", []string{"2025-06-17 03:00:00 for 2025-06-16 to 2025-06-16 late"}},
		{"back in time", "2025-06-17 03:00:59", []string{"2025-06-17 03:00:00 for 2025-06-16 to 2025-06-16"}},
		{"down three days", "2025-06-19 23:00", []string{
			"2025-06-17 03:00:00 for 2025-06-16 to 2025-06-16 late",
			"2025-06-18 03:00:00 for 2025-06-17 to 2025-06-17 late",
			"2025-06-19 03:00:00 for 2025-06-18 to 2025-06-18 late",
		}},
		{"not missed", "2025-06-17 02:59:59.999999", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, houseOptions{})
			h.subscribe()
			h.put(sale{"acme", "16", gmt3(t, "2025-06-16 10:00"), ""}, sale{"acme", "17", gmt3(t, "2025-06-17 10:00"), ""},
				sale{"acme", "18", gmt3(t, "2025-06-18 10:00"), ""})
			h.fire()
			h.clock.Set(gmt3(t, c.back))
			again := h.another() // the process that starts after the pause
			again.fire()
			again.fire()
			var got []string
			for _, r := range again.allRuns("vendas") {
				got = append(got, told(&r))
				start, _ := r.Window.Dates(gmt3(t, c.back).Location())
				if keys := again.sent(r.ID, "acme"); len(keys) != 1 || keys[0] != start[8:] {
					t.Errorf("the run for %s sent %v", start, keys)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

// An edit in one process counts in every other from its next look on, and
// swallows no fire that was due by the old schedule.
func TestEditIsFollowedEverywhere(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		o.clock = &clock{now: gmt3(t, "2025-06-16 09:00")}
		here := newHouse(t, o)
		there := here.another()
		must(t, second(here.s.fireDue(context.Background())))
		must(t, second(there.s.fireDue(context.Background())))
		edit := func(h *house, p ExportPatch) {
			t.Helper()
			_, err := h.s.Edit(context.Background(), "vendas", p)
			must(t, err)
		}
		cron, rule, off, on := "15 4 * * *", webhook.SinceLastRun, false, true
		o.clock.Set(gmt3(t, "2025-06-17 10:00")) // 03:00 is due, and nobody has looked yet
		edit(here, ExportPatch{Cron: &cron})
		o.clock.Set(gmt3(t, "2025-06-18 04:15"))
		must(t, second(there.s.fireDue(context.Background())))
		must(t, second(here.s.fireDue(context.Background())))
		edit(there, ExportPatch{Enabled: &off})
		o.clock.Set(gmt3(t, "2025-06-19 12:00"))
		must(t, second(here.s.fireDue(context.Background())))
		edit(there, ExportPatch{Enabled: &on, Window: &rule})
		o.clock.Set(gmt3(t, "2025-06-20 04:15"))
		must(t, second(here.s.fireDue(context.Background())))
		must(t, second(there.s.fireDue(context.Background())))
		var got []string
		for _, r := range here.allRuns("vendas") {
			got = append(got, told(&r))
		}
		if diff := cmp.Diff([]string{
			"2025-06-17 03:00:00 for 2025-06-16 to 2025-06-16 late",
			"2025-06-18 04:15:00 for 2025-06-17 to 2025-06-17",
			"2025-06-20 04:15:00 for 2025-06-18 to 2025-06-20", // since the last run: the days while it was off are in it
		}, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestEditRefuses(t *testing.T) {
	h := newHouse(t, houseOptions{})
	text := func(s string) *string { return &s }
	number := func(n int) *int { return &n }
	rule := webhook.WindowRule("next_day")
	for path, p := range map[string]ExportPatch{
		"/cron":       {Cron: text("0 3 30 2 *")},
		"/zone":       {Zone: text("Etc/GMT-3")},
		"/window":     {Window: &rule},
		"/page_size":  {PageSize: number(0)},
		"/page_bytes": {PageBytes: number(10)},
	} {
		_, err := h.s.Edit(context.Background(), "vendas", p)
		wantFault(t, err, path)
	}
	_, err := h.s.Edit(context.Background(), "vendas", ExportPatch{Cron: text("CRON_TZ=X")})
	wantFault(t, err, "/cron")
	if _, err := h.s.Edit(context.Background(), "nothing", ExportPatch{}); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("an unknown export: %v", err)
	}
	e, err := h.store.Export(context.Background(), "vendas")
	if must(t, err); e.Version != 1 || e.Cron != "0 3 * * *" {
		t.Errorf("a refused edit left %+v", e)
	}
}

// A schedule that is set back to a time that it has fired at does not fire
// there again.
func TestSetBackDoesNotFireTwice(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.fire()
	h.clock.Set(gmt3(t, "2025-06-17 03:00"))
	h.fire()
	e, err := h.store.Export(context.Background(), "vendas")
	must(t, err)
	must(t, h.store.ScheduleExport(context.Background(), e, gmt3(t, "2025-06-17 03:00")))
	h.fire()
	if n := len(h.allRuns("vendas")); n != 1 {
		t.Errorf("%d runs of one fire", n)
	}
	h.clock.Set(gmt3(t, "2025-06-18 03:00"))
	h.fire()
	if n := len(h.allRuns("vendas")); n != 2 {
		t.Errorf("%d runs of two fires", n)
	}
}

// The loop itself: it fires when the clock comes there, works, and stops.
func TestLoop(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.subscribe()
	h.put(sale{"acme", "one", gmt3(t, "2025-06-16 10:00"), ""})
	must(t, second(h.s.fireDue(context.Background()))) // an earlier start has looked when the next fire is
	h.s.Start()
	h.clock.Set(gmt3(t, "2025-06-17 03:00"))
	h.s.Kick()
	for {
		select {
		case ob := <-h.ended:
			if ob.Run.Export != "vendas" {
				continue
			}
			if got := h.sent(ob.Run.ID, "acme"); len(got) != 1 {
				t.Errorf("it sent %v", got)
			}
			return
		case <-time.After(30 * time.Second):
			t.Fatal("no run ended within 30 s")
		}
	}
}
