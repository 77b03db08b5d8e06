package scheduler

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Period asks for records of an export: of named days, or of the window that
// the schedule would take if it fired now.
type Period struct {
	Export    string
	StartDate string // first day, YYYY-MM-DD in the export's zone; "" with EndDate: the schedule's window
	EndDate   string // last day, included
	ClientID  webhook.ClientID
}

// RunRequest asks for a run.
type RunRequest struct {
	Period
	SubscriptionID webhook.SubscriptionID // "": every subscription that matches
}

// window resolves a period. explicit tells that days were named.
func (s *Scheduler) window(e *webhook.Export, p Period) (w webhook.Window, explicit bool, err error) {
	zone, err := parseZone(e.Zone)
	if err != nil {
		return w, false, err
	}
	if p.StartDate == "" && p.EndDate == "" {
		return windowOf(e.Window, s.now(), zone, e.LastWindowTo), false, nil
	}
	w, err = period(p.StartDate, p.EndDate, zone, s.now())
	return w, true, err
}

// RunNow makes a run outside of the schedule: of the schedule's present
// window, or of a past period (a backfill). It takes exactly its window, and
// leaves late records to the next scheduled run.
//
// respond makes the answer to a request with an idempotency key, to be
// committed with the run; nil: there is none. Errors: *webhook.Error of
// KindInvalid with faults in the request, of KindNotFound for the export;
// *store.Replay when the key was used before.
func (s *Scheduler) RunNow(ctx context.Context, q RunRequest, respond func(*webhook.Run) (*store.Idempotency, error)) (*webhook.Run, error) {
	e, err := s.o.Store.Export(ctx, q.Export)
	if err != nil {
		return nil, err
	}
	w, explicit, err := s.window(&e, q.Period)
	if err != nil {
		return nil, err
	}
	if err := s.checkAudience(ctx, &e, q); err != nil {
		return nil, err
	}
	trigger := webhook.RunManual
	if explicit {
		trigger = webhook.RunBackfill
	}
	run := newRun(&e, trigger, w, s.now())
	run.ClientID, run.SubscriptionID = q.ClientID, q.SubscriptionID
	var idem *store.Idempotency
	if respond != nil {
		if idem, err = respond(run); err != nil {
			return nil, err
		}
	}
	if err := s.o.Store.CreateRun(ctx, run, idem); err != nil {
		return nil, err
	}
	s.Kick()
	return run, nil
}

// checkAudience refuses a run for a client or a subscription that would get
// nothing.
func (s *Scheduler) checkAudience(ctx context.Context, e *webhook.Export, q RunRequest) error {
	if q.ClientID == "" && q.SubscriptionID == "" {
		return nil
	}
	var f webhook.Faults
	if msg := q.ClientID.Fault(); q.ClientID != "" && msg != "" {
		f.Add("/client_id", "%s", msg)
		return f.Err()
	}
	listeners, err := s.o.Dispatcher.Listeners(ctx, dispatcher.Audience{
		Event: e.Event, ClientID: q.ClientID, SubscriptionID: q.SubscriptionID,
		Clients: func(context.Context) ([]webhook.ClientID, error) { return nil, nil },
	})
	if err == nil && q.ClientID != "" && len(listeners) == 0 {
		f.Add("/client_id", "client %q has no subscription to %s: nobody would get the pages", q.ClientID, e.Event)
		err = f.Err()
	}
	return err
}

// Upcoming lists the next n fires of an export and the window of each.
func (s *Scheduler) Upcoming(e *webhook.Export, n int) ([]Upcoming, error) {
	return upcoming(e, s.now(), n)
}

// ExportPatch changes what is not nil.
type ExportPatch struct {
	Cron      *string
	Zone      *string
	Window    *webhook.WindowRule
	PageSize  *int
	PageBytes *int
	Enabled   *bool
}

func (p *ExportPatch) apply(e *webhook.Export) {
	set(&e.Cron, p.Cron)
	set(&e.Zone, p.Zone)
	set(&e.Window, p.Window)
	set(&e.PageSize, p.PageSize)
	set(&e.PageBytes, p.PageBytes)
	set(&e.Enabled, p.Enabled)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// maxEdits is how often an edit is tried again because the export changed
// between reading and writing it.
const maxEdits = 20

// Edit changes an export. Every scheduler follows it from its next look on,
// without a restart. What has come due by the old schedule is made a run of
// first, so that an edit never swallows a fire.
func (s *Scheduler) Edit(ctx context.Context, name string, p ExportPatch) (webhook.Export, error) {
	for range maxEdits {
		was, err := s.o.Store.Export(ctx, name)
		if err != nil {
			return was, err
		}
		next, err := s.edited(was, &p)
		if err != nil {
			return was, err
		}
		if made, err := s.fireExport(ctx, &was); err != nil {
			return was, err
		} else if made > 0 {
			continue
		}
		e, done, err := s.o.Store.UpdateExport(ctx, was, next)
		if err != nil || done {
			s.Kick()
			return e, err
		}
	}
	return webhook.Export{}, webhook.Conflict("export_busy", "Export %s is being changed by others at the moment. Try again.", name)
}

// Edited is what an export would be after a change, which is not made. Errors
// are those of Edit.
func (s *Scheduler) Edited(ctx context.Context, name string, p ExportPatch) (webhook.Export, error) {
	was, err := s.o.Store.Export(ctx, name)
	if err != nil {
		return was, err
	}
	return s.edited(was, &p)
}

// edited is the export after the change, or what is wrong with it.
func (s *Scheduler) edited(e webhook.Export, p *ExportPatch) (webhook.Export, error) {
	var f webhook.Faults
	was := e
	p.apply(&e)
	e.Validate(&f)
	zone, err := parseZone(e.Zone)
	if err != nil {
		f.Add("/zone", "%v", err)
		return e, f.Err()
	}
	sched, err := parseCron(e.Cron, zone)
	if err != nil {
		f.Add("/cron", "%v", err)
		return e, f.Err()
	}
	next := sched.next(s.now())
	if next.IsZero() {
		f.Add("/cron", "%q: %v", e.Cron, errNever)
	}
	switch {
	case !e.Enabled:
		e.NextFireAt = time.Time{}
	case e.Cron != was.Cron || e.Zone != was.Zone || !was.Enabled || was.NextFireAt.IsZero():
		e.NextFireAt = next
	}
	return e, f.Err()
}
