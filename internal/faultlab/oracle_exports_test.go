package faultlab

import (
	"context"
	"slices"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// exports: one run for each fire, none left out, the windows without a gap
// (P10), and each record in exactly one page, as its receiver got it (P11).
func (o *oracle) exports(ctx context.Context, s *store.Store) {
	o.w.t.Helper()
	var runs []webhook.Run
	for page := (store.Page{Limit: 500}); ; {
		rows, next, err := s.Runs(ctx, store.RunFilter{Export: "vendas"}, page)
		o.w.must(err)
		runs = append(runs, rows...)
		if page.After = next; next == "" {
			break
		}
	}
	slices.SortFunc(runs, func(a, b webhook.Run) int { return a.Window.To.Compare(b.Window.To) })
	for i := range runs {
		o.run(ctx, s, &runs[i])
		if i == 0 {
			continue
		}
		if gap := runs[i].ScheduledFor.Sub(*runs[i-1].ScheduledFor); gap != fireEvery {
			o.wrong("a run for %s comes after one for %s", runs[i].ScheduledFor, runs[i-1].ScheduledFor)
		}
		if !runs[i].Window.From.Equal(runs[i-1].Window.To) {
			o.wrong("the window from %s comes after one to %s", runs[i].Window.From, runs[i-1].Window.To)
		}
	}
	o.records()
}

// run: it has ended, its pages are numbered without gaps, and each is one
// delivery.
func (o *oracle) run(ctx context.Context, s *store.Store, r *webhook.Run) {
	o.w.t.Helper()
	if r.State != webhook.RunFinished {
		o.loses("run %s for %s is %s: %s", r.ID, r.ScheduledFor, r.State, r.Error)
		return
	}
	clients, err := s.RunClients(ctx, r.ID)
	o.w.must(err)
	for i := range clients {
		pages, err := s.RunPages(ctx, &clients[i], 0, webhook.MaxPageSize)
		o.w.must(err)
		if len(pages) != clients[i].Built {
			o.wrong("run %s built %d pages, and %d are there", r.ID, clients[i].Built, len(pages))
		}
		deliveries, _, err := s.Deliveries(ctx, store.DeliveryFilter{RunID: r.ID, ClientID: clients[i].ClientID}, store.Page{Limit: 1000})
		o.w.must(err)
		of := map[webhook.MessageID]int{}
		for _, d := range deliveries {
			of[d.MessageID]++
		}
		for n, p := range pages {
			if p.Number != n+1 || of[p.MessageID] != 1 {
				o.wrong("page %d of run %s has the number %d and %d deliveries", n+1, r.ID, p.Number, of[p.MessageID])
			}
		}
		if len(of) != len(pages) {
			o.wrong("run %s has %d pages and deliveries of %d", r.ID, len(pages), len(of))
		}
	}
}

// records: every one that was stored came to its receiver in one page.
func (o *oracle) records() {
	seen := map[string]map[webhook.MessageID]bool{}
	for _, requests := range o.w.receiver.requests {
		for _, q := range requests {
			for _, key := range q.keys {
				if seen[key] == nil {
					seen[key] = map[webhook.MessageID]bool{}
				}
				seen[key][q.message] = true
			}
		}
	}
	for key, pages := range seen {
		if !o.w.load.records[key] {
			o.wrong("record %s was sent and never stored", key)
		}
		if len(pages) > 1 {
			o.wrong("record %s came in %d pages", key, len(pages))
		}
	}
	for key := range o.w.load.records {
		if seen[key] == nil {
			o.loses("record %s is in no page", key)
		}
	}
}
