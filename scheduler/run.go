package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// worker works on one run. For each client it first builds all pages, one
// transaction each: page, message, and the checkpoint behind it. Then it
// releases them as deliveries. The two steps are there because each page says
// how many there are; since a body is stored when it is built, what a page
// holds does not change between the steps.
type worker struct {
	s    *Scheduler
	run  *webhook.Run
	zone *time.Location
}

const (
	// releaseBatch is how many pages become deliveries in one transaction.
	releaseBatch = 50
	// readBytes is about how much one Read brings into memory.
	readBytes = 1 << 20
	// firstRead is how many records are read while nothing is known of their size.
	firstRead = 32
	// refusalsKept is how many refused records one step names; all are counted.
	refusalsKept = 100
)

// work takes the run to its end, or gives it back.
func (s *Scheduler) work(run *webhook.Run) {
	log := s.o.Log.With("export", run.Export, "run", run.ID, "trigger", run.Trigger)
	log.Info("a run starts", "from", run.Window.From, "to", run.Window.To, "late", run.Late, "taken_up", run.Generation)
	s.o.Observe(Observation{Run: *run})
	err := s.attempt(run)
	if err == nil {
		s.finished(run)
		return
	}
	if errors.Is(err, store.ErrRunLost) {
		log.Warn("another scheduler has the run; this one leaves it")
		return
	}
	again, why := s.now(), ""
	if s.ctx.Err() == nil { // not our own stop
		again, why = again.Add(backoff(run.Failures)), plain(err)
		log.Error("a run stopped; it goes on at its checkpoint", "again_at", again, "error", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaseTime)
	defer cancel()
	if err := s.o.Store.PutOffRun(ctx, s.hold(run), again, why); err != nil {
		log.Warn("a run could not be given back; it goes on when its lease ends", "error", err)
	}
}

// plain is what people are told of an error.
func plain(err error) string {
	const most = 500
	text := err.Error()
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// backoff is the wait after a run's n-th failure.
func backoff(n int) time.Duration { return min(5*time.Minute, 5*time.Second<<min(n, 10)) }

func (s *Scheduler) hold(run *webhook.Run) store.Hold {
	return store.Hold{RunID: run.ID, Generation: run.Generation, LeaseUntil: s.now().Add(leaseTime)}
}

// attempt works on the run, and keeps its lease alive meanwhile.
func (s *Scheduler) attempt(run *webhook.Run) error {
	ctx, lost := context.WithCancelCause(s.ctx)
	defer lost(nil)
	s.wg.Go(func() { s.keep(ctx, run, lost) })
	zone, err := parseZone(run.Zone)
	if err != nil {
		return err
	}
	w := &worker{s: s, run: run, zone: zone}
	if err := w.all(ctx); err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, store.ErrRunLost) {
			return cause
		}
		return err
	}
	return s.o.Store.FinishRun(ctx, s.hold(run), run)
}

// keep renews the lease while the run works on something that takes long.
func (s *Scheduler) keep(ctx context.Context, run *webhook.Run, lost context.CancelCauseFunc) {
	tick := time.NewTicker(leaseTime / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.o.Store.RenewRun(ctx, s.hold(run)); errors.Is(err, store.ErrRunLost) {
			lost(err)
			return
		}
	}
}

func (s *Scheduler) finished(run *webhook.Run) {
	ctx, cancel := context.WithTimeout(context.Background(), leaseTime)
	defer cancel()
	clients, err := s.o.Store.RunClients(ctx, run.ID)
	if err != nil {
		s.o.Log.Warn("a run has ended, but its counts cannot be read", "run", run.ID, "error", err)
	}
	run.State = webhook.RunFinished
	records, pages, refused := int64(0), 0, int64(0)
	for i := range clients {
		records, pages, refused = records+clients[i].Records, pages+clients[i].Built, refused+clients[i].Refused
	}
	s.o.Log.Info("a run has ended: its pages are being delivered", "export", run.Export, "run", run.ID, "clients", len(clients),
		"records", records, "pages", pages, "refused", refused, "duration_ms", s.now().Sub(*run.StartedAt).Milliseconds())
	s.o.Observe(Observation{Run: *run, Clients: clients, Done: true})
}

// all plans the run once, then takes its clients to their end, one by one.
func (w *worker) all(ctx context.Context) error {
	if w.run.State == webhook.RunPending {
		if err := w.plan(ctx); err != nil {
			return err
		}
	}
	for {
		c, err := w.s.o.Store.NextRunClient(ctx, w.run.ID)
		if err != nil || c == nil {
			return err
		}
		if c.State == webhook.ClientBuilding {
			if err := w.build(ctx, c); err != nil {
				return err
			}
		}
		if err := w.release(ctx, c); err != nil {
			return err
		}
	}
}

// plan writes down whom the run is for: the subscriptions that match now. A
// later one gets the next run's pages, never a part of this run's.
func (w *worker) plan(ctx context.Context) error {
	listeners, err := w.s.o.Dispatcher.Listeners(ctx, dispatcher.Audience{
		Event: w.run.Event, ClientID: w.run.ClientID, SubscriptionID: w.run.SubscriptionID,
		Clients: func(ctx context.Context) ([]webhook.ClientID, error) {
			return w.s.o.Source.Clients(ctx, queryOf(w.run, ""))
		},
	})
	var gone *webhook.Error
	if errors.As(err, &gone) && gone.Kind == webhook.KindInvalid {
		listeners, err = nil, nil // the one subscription that the run was for is gone
	}
	if err != nil {
		return err
	}
	clients := make([]webhook.RunClient, len(listeners))
	for i, l := range listeners {
		clients[i] = webhook.RunClient{RunID: w.run.ID, ClientID: l.ClientID, Subscriptions: l.Subscriptions}
	}
	return w.s.o.Store.PlanRun(ctx, w.s.hold(w.run), clients)
}

// queryOf asks for a client's records of a run.
func queryOf(run *webhook.Run, client webhook.ClientID) Query {
	return Query{
		Dataset: run.Dataset, ClientID: client, Window: run.Window, Before: run.Seq,
		Late: run.Trigger == webhook.RunSchedule,
	}
}

// build takes the client's records from the checkpoint on and commits a page
// whenever one is full. The last one, and with it the change to releasing, is
// committed when the source has no more.
func (w *worker) build(ctx context.Context, c *webhook.RunClient) error {
	b := newBuilder(envelopeOf(w.run.Event, w.run.Dataset, w.run.Window, w.zone), limits{w.run.PageSize, w.run.PageBytes})
	step := &store.BuiltPage{Run: w.run, ClientID: c.ClientID, Was: c.Position, Position: c.Position}
	q := queryOf(w.run, c.ClientID)
	q.After, q.Limit = c.Position, min(firstRead, w.run.PageSize)
	ahead := w.readAhead(ctx, q)
	defer ahead.end()
	for chunk := range ahead.chunks {
		if chunk.err != nil {
			return fmt.Errorf("read %s of client %s: %w", q.Dataset, c.ClientID, chunk.err)
		}
		for i := range chunk.records {
			r := &chunk.records[i]
			if r.Refused == "" && !b.cut.fits(len(r.Body)) {
				if err := w.commit(ctx, c, b, step); err != nil {
					return err
				}
			}
			take(b, step, r)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err // the reader may have ended for that, before the last record
	}
	step.Last = true
	return w.commit(ctx, c, b, step)
}

// take puts a record into the page, or notes why it is not sent.
func take(b *builder, step *store.BuiltPage, r *Record) {
	step.Position = r.Position
	if r.Refused == "" {
		b.add(r)
		return
	}
	step.RefusedCount++
	if len(step.Refused) < refusalsKept {
		step.Refused = append(step.Refused, store.Refusal{Key: r.Key, Reason: r.Refused})
	}
}

// readAhead is a client's records on their way from the source: one chunk is
// read while the pages of the one before are built and committed.
type readAhead struct {
	chunks chan chunk // closed behind the last one, behind an error, and by end
	cancel context.CancelFunc
}

type chunk struct {
	records []Record
	err     error
}

func (w *worker) readAhead(ctx context.Context, q Query) *readAhead {
	a := &readAhead{chunks: make(chan chunk)}
	ctx, a.cancel = context.WithCancel(ctx)
	go func() {
		defer close(a.chunks)
		for more := true; more; {
			records, err := w.s.o.Source.Read(ctx, q)
			more = err == nil && len(records) == q.Limit
			if more {
				q.After = records[len(records)-1].Position
				q.Limit = nextLimit(w.run.PageSize, records)
			}
			select {
			case a.chunks <- chunk{records, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return a
}

// end stops the reading, and waits for it.
func (a *readAhead) end() {
	a.cancel()
	for range a.chunks {
	}
}

// nextLimit is how many records to read so that they are about readBytes,
// going by those that came last.
func nextLimit(pageSize int, last []Record) int {
	size := 0
	for i := range last {
		size += len(last[i].Body)
	}
	return max(1, min(max(pageSize, firstRead), readBytes/max(1, size/max(1, len(last)))))
}

// commit commits the present page with the checkpoint behind it, and begins
// the next one.
func (w *worker) commit(ctx context.Context, c *webhook.RunClient, b *builder, step *store.BuiltPage) error {
	if !b.empty() || (step.Last && c.Built == 0 && w.s.o.Dispatcher.WantEmpty(c.Subscriptions)) {
		step.Page, step.Message = b.page(w.run, c, w.s.now())
		step.LateKeys, step.Late = b.late, len(b.late)
	}
	if w.run.Trigger != webhook.RunSchedule {
		step.LateKeys = nil // a run by hand leaves the marks to the next scheduled one
	}
	if err := w.s.o.Store.BuildPage(ctx, w.s.hold(w.run), step); err != nil {
		return err
	}
	if step.Page != nil {
		failpoint.Hit(failpoint.PageCommitted)
		c.Built++
	}
	c.Position = step.Position
	*step = store.BuiltPage{Run: w.run, ClientID: c.ClientID, Was: c.Position, Position: c.Position}
	b.reset()
	return nil
}

// release makes deliveries of the client's pages, from the checkpoint on.
func (w *worker) release(ctx context.Context, c *webhook.RunClient) error {
	for {
		pages, err := w.s.o.Store.RunPages(ctx, c, c.Released, releaseBatch)
		if err != nil {
			return err
		}
		err = w.s.o.Dispatcher.DeliverPages(ctx, dispatcher.Pages{Run: w.run, Client: c, Pages: pages, LeaseTime: leaseTime})
		if err != nil {
			return err
		}
		if c.Released += len(pages); c.Released == c.Built {
			return nil
		}
	}
}
