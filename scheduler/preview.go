package scheduler

import (
	"context"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Preview is what a run would send.
type Preview struct {
	Export  webhook.Export
	Window  webhook.Window
	Clients []PreviewClient
	// FirstPage is the exact body of the first page of the first client that
	// has one; nil when there is none.
	FirstPage []byte
}

// PreviewClient is what one client would get.
type PreviewClient struct {
	ClientID      webhook.ClientID         `json:"client_id"`
	Subscriptions []webhook.SubscriptionID `json:"subscriptions"`
	Records       int64                    `json:"records"`
	LateRecords   int64                    `json:"late_records"`
	Pages         int                      `json:"pages"`
	Bytes         int64                    `json:"bytes"` // of all bodies
	Refused       int64                    `json:"refused"`
}

// Preview counts what a run of the period would send, by the same reading and
// cutting as a run, and sends nothing. Without days it counts what the next
// scheduled run has by now, late records too.
func (s *Scheduler) Preview(ctx context.Context, p Period) (*Preview, error) {
	e, err := s.o.Store.Export(ctx, p.Export)
	if err != nil {
		return nil, err
	}
	w, explicit, err := s.window(&e, p)
	if err != nil {
		return nil, err
	}
	run := newRun(&e, webhook.RunSchedule, w, s.now())
	if explicit {
		run.Trigger = webhook.RunBackfill
	}
	listeners, err := s.o.Dispatcher.Listeners(ctx, dispatcher.Audience{
		Event: e.Event, ClientID: p.ClientID,
		Clients: func(ctx context.Context) ([]webhook.ClientID, error) {
			return s.o.Source.Clients(ctx, queryOf(run, ""))
		},
	})
	if err != nil {
		return nil, err
	}
	out := &Preview{Export: e, Window: w, Clients: []PreviewClient{}}
	for _, l := range listeners {
		c, first, err := s.previewClient(ctx, run, l, out.FirstPage == nil)
		if err != nil {
			return nil, fmt.Errorf("preview %s for client %s: %w", e.Name, l.ClientID, err)
		}
		out.Clients = append(out.Clients, c)
		if out.FirstPage == nil {
			out.FirstPage = first
		}
	}
	return out, nil
}

// previewClient cuts a client's records as a run would, without bodies; the
// bodies of the first page are read when it is wanted.
func (s *Scheduler) previewClient(ctx context.Context, run *webhook.Run, l dispatcher.Listener, wantFirst bool) (PreviewClient, []byte, error) {
	c := PreviewClient{ClientID: l.ClientID, Subscriptions: l.Subscriptions}
	zone, err := parseZone(run.Zone)
	if err != nil {
		return c, nil, err
	}
	env := envelopeOf(run.Event, run.Dataset, run.Window, zone)
	bounds := limits{run.PageSize, run.PageBytes}
	cut := newCutter(bounds, env.size())
	q := queryOf(run, l.ClientID)
	q.Before, q.SizeOnly, q.Limit = 0, true, previewRead
	for {
		records, err := s.o.Source.Read(ctx, q)
		if err != nil {
			return c, nil, err
		}
		for i := range records {
			c.count(cut, &records[i])
			q.After = records[i].Position
		}
		if len(records) < q.Limit {
			break
		}
	}
	if cut.count > 0 {
		c.Pages, c.Bytes = c.Pages+1, c.Bytes+int64(cut.size())
	}
	if !wantFirst || c.Pages == 0 {
		return c, nil, nil
	}
	first, err := s.firstPage(ctx, queryOf(run, l.ClientID), newBuilder(env, bounds))
	return c, first, err
}

// previewRead is how many records a preview reads at once, without bodies.
const previewRead = 2000

func (c *PreviewClient) count(cut *cutter, r *Record) {
	if r.Refused != "" {
		c.Refused++
		return
	}
	if !cut.fits(r.Size) {
		c.Pages, c.Bytes = c.Pages+1, c.Bytes+int64(cut.size())
		cut.reset()
	}
	cut.add(r.Size)
	c.Records++
	if r.Late {
		c.LateRecords++
	}
}

func (s *Scheduler) firstPage(ctx context.Context, q Query, b *builder) ([]byte, error) {
	q.Before, q.Limit = 0, firstRead
	for {
		records, err := s.o.Source.Read(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range records {
			r := &records[i]
			q.After = r.Position
			if r.Refused != "" {
				continue
			}
			if !b.cut.fits(len(r.Body)) {
				return append(b.body, b.suffix...), nil
			}
			b.add(r)
		}
		if len(records) < q.Limit {
			return append(b.body, b.suffix...), nil
		}
	}
}
