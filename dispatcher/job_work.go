package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const (
	// jobRoom is how many deliveries of a job may wait to be sent to one
	// subscription. Fresh events wait behind no more than these, and memory, Redis
	// and the retry lane hold little of a job of a million.
	jobRoom = 100
	// jobPoll is how often a job that found no room looks again.
	jobPoll = 100 * time.Millisecond
)

// jobWorker works on one job. First it is counted, by subscription; then each
// subscription's part goes on in steps of one transaction each, as there is
// room for it. Memory holds one step.
type jobWorker struct {
	d       *Dispatcher
	job     *webhook.Job
	renewed time.Time // when the lease was renewed last
	budget  budget
}

func (w *jobWorker) hold() store.JobHold {
	now := w.d.now()
	w.renewed = now
	return store.JobHold{JobID: w.job.ID, Generation: w.job.Generation, LeaseUntil: now.Add(jobLease)}
}

// all counts the job once, then makes steps until every part is finished.
func (w *jobWorker) all(ctx context.Context) error {
	if w.job.Counted == nil {
		parts, _, err := w.d.countParts(ctx, w.job)
		if err != nil {
			return err
		}
		if err := w.d.o.Store.PlanJob(ctx, w.hold(), parts); err != nil {
			return err
		}
	}
	parts, err := w.d.o.Store.JobParts(ctx, w.job.ID)
	if err != nil {
		return err
	}
	w.budget = budget{rate: w.job.Rate, at: w.d.now()}
	for {
		parts = slices.DeleteFunc(parts, func(p webhook.JobPart) bool { return p.Finished })
		if len(parts) == 0 {
			return w.d.o.Store.FinishJob(ctx, w.hold())
		}
		moved, err := w.round(ctx, parts)
		if err != nil {
			return err
		}
		if err := w.rest(ctx, moved); err != nil {
			return err
		}
	}
}

// rest waits for room, and keeps the lease meanwhile: so a job that is
// canceled is told within a moment, too.
func (w *jobWorker) rest(ctx context.Context, moved bool) error {
	if !moved {
		select {
		case <-time.After(jobPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if w.d.now().Sub(w.renewed) < time.Second {
		return ctx.Err()
	}
	return w.d.o.Store.RenewJob(ctx, w.hold())
}

// round makes one step of each part that has room, and tells whether there was any.
func (w *jobWorker) round(ctx context.Context, parts []webhook.JobPart) (moved bool, err error) {
	room, err := w.d.hints.measure(ctx)
	if err != nil || !room {
		return false, nil // Redis is away or full: the hints would be lost
	}
	waiting, err := w.d.o.Store.JobWaiting(ctx, w.job.ID)
	if err != nil {
		return false, err
	}
	for i := range parts {
		p := &parts[i]
		n := jobRoom - waiting[p.SubscriptionID]
		if n < jobRoom/2 { // steps of a few would be a transaction each
			continue
		}
		if n = w.budget.take(n, w.d.now()); n == 0 {
			return moved, nil
		}
		if n = w.allowed(ctx, p.SubscriptionID, n); n == 0 {
			continue
		}
		if err := w.step(ctx, p, n); err != nil {
			return moved, err
		}
		moved = true
	}
	return moved, nil
}

// allowed is how many of n retries the subscription's rate limit lets go now,
// in turn with all else that goes there: an attempt that an operator asked for
// is not held up by the limit later. New deliveries are, as any other.
func (w *jobWorker) allowed(ctx context.Context, id webhook.SubscriptionID, n int) int {
	sub := w.d.o.Subscriptions.Index().Get(id)
	if w.job.Kind != webhook.JobRetry || sub == nil || sub.RateLimit == 0 {
		return n
	}
	granted, _ := w.d.worker.rate.take(ctx, sub, n)
	w.budget.unused(n - granted)
	return granted
}

// step does the next n of a part. It matches again when the catalogue changed
// between the match and the commit.
func (w *jobWorker) step(ctx context.Context, p *webhook.JobPart, n int) error {
	look := store.JobLook{Job: w.job, Target: store.JobTarget{SubscriptionID: p.SubscriptionID}, After: p.Position, Limit: n}
	if w.job.Kind == webhook.JobReplay {
		look.Target = w.d.target(w.job, p.SubscriptionID)
	}
	items, err := w.d.o.Store.JobItems(ctx, look)
	if err != nil {
		return err
	}
	w.budget.unused(n - len(items))
	for range maxStale {
		step := w.stepOf(p, items)
		step.Last = len(items) < n
		sent, err := w.d.o.Store.StepJob(ctx, w.hold(), step)
		if store.IsStale(err) {
			if err = w.d.o.Subscriptions.Refresh(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		w.hint(step, sent)
		w.d.o.ObserveJob(w.job.ID)
		p.Position, p.Finished = step.Position, step.Last
		p.Done += int64(len(sent) + len(step.Deliveries))
		p.Skipped += int64(len(items) - len(sent) - len(step.Deliveries))
		return nil
	}
	return errors.New("subscriptions are changing faster than events can be matched with them")
}

// stepOf is what is to be done with some items, by the present catalogue.
func (w *jobWorker) stepOf(p *webhook.JobPart, items []store.JobItem) *store.JobStep {
	now := w.d.now()
	step := &store.JobStep{
		Part: p, Position: p.Position, State: w.job.Filter.State, CheckAt: now.Add(checkAgain), Skipped: map[webhook.SkipReason]int64{},
	}
	index := w.d.o.Subscriptions.Index()
	if w.job.Kind == webhook.JobReplay {
		step.Catalogue = index.Version
	}
	for _, x := range items {
		step.Position = x.ID
		switch {
		case x.Skip != "":
			step.Skipped[x.Skip]++
		case w.job.Kind == webhook.JobRetry:
			step.Retries = append(step.Retries, webhook.DeliveryID(x.ID))
		default:
			w.replay(step, index, x)
		}
	}
	return step
}

// replay adds a new delivery of an event. It is made now: its schedule counts
// from here.
func (w *jobWorker) replay(step *store.JobStep, index *subscriptions.Index, x store.JobItem) {
	sub := index.Get(step.Part.SubscriptionID)
	switch {
	case sub == nil:
		step.Skipped[webhook.SkipSubscriptionGone]++
	case !sub.Wants(x.ClientID, x.Type):
		step.Skipped[webhook.SkipChanged]++
	default:
		now := w.d.now()
		m := &webhook.Message{ID: webhook.MessageID(x.ID), Kind: webhook.KindEvent, ClientID: x.ClientID, Type: x.Type, CreatedAt: now}
		step.Deliveries = append(step.Deliveries, newDelivery(m, sub, now))
	}
}

// hint tells the workers, in the lane of retries: fresh events go first.
func (w *jobWorker) hint(step *store.JobStep, sent []store.JobSent) {
	for _, x := range sent {
		w.d.hints.add(laneFor(false, x.Page), x.Ref, time.Time{})
	}
	for i := range step.Deliveries {
		if nd := &step.Deliveries[i]; !nd.Held {
			w.d.hints.add(LaneRetry, store.Ref{ID: nd.ID, Generation: 1}, time.Time{})
		}
	}
}

func (w *jobWorker) finished(ctx context.Context, log *slog.Logger) {
	j, err := w.d.o.Store.Job(ctx, w.job.ID)
	if err != nil {
		log.Warn("a bulk job has ended, but its counts cannot be read", "error", err)
		return
	}
	log.Info("a bulk job has ended: what it asked for is being delivered", "done", j.Done, "skipped", j.Skipped,
		"duration_ms", w.d.now().Sub(*j.StartedAt).Milliseconds())
}

// countParts counts what a job works on, by subscription; for a retry also by state.
func (d *Dispatcher) countParts(ctx context.Context, j *webhook.Job) ([]webhook.JobPart, map[webhook.DeliveryState]int64, error) {
	if j.Kind == webhook.JobReplay {
		parts, err := d.countReplays(ctx, j)
		return parts, nil, err
	}
	counts, err := d.o.Store.CountRetries(ctx, j)
	var parts []webhook.JobPart
	states := map[webhook.DeliveryState]int64{}
	for _, c := range counts {
		states[c.State] += c.Count
		if n := len(parts); n == 0 || parts[n-1].SubscriptionID != c.SubscriptionID {
			parts = append(parts, webhook.JobPart{JobID: j.ID, SubscriptionID: c.SubscriptionID})
		}
		parts[len(parts)-1].Counted += c.Count
	}
	return parts, states, err
}

// countReplays counts the events that each subscription of today would get.
func (d *Dispatcher) countReplays(ctx context.Context, j *webhook.Job) ([]webhook.JobPart, error) {
	if err := d.o.Subscriptions.Refresh(ctx); err != nil {
		return nil, err
	}
	var parts []webhook.JobPart
	for _, id := range d.replayTargets(j) {
		n, err := d.o.Store.CountReplays(ctx, j, d.target(j, id))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			parts = append(parts, webhook.JobPart{JobID: j.ID, SubscriptionID: id, Counted: n})
		}
	}
	slices.SortFunc(parts, func(a, b webhook.JobPart) int {
		return strings.Compare(string(a.SubscriptionID), string(b.SubscriptionID))
	})
	return parts, nil
}

// replayTargets are the subscriptions that a replay sends to: the one that it
// names, or all of its client. Those to every client's events are the
// platform's, and get a replay only by name.
func (d *Dispatcher) replayTargets(j *webhook.Job) []webhook.SubscriptionID {
	if id := j.Filter.SubscriptionID; id != "" {
		return []webhook.SubscriptionID{id}
	}
	return d.o.Subscriptions.Index().Of(j.Filter.ClientID)
}

// target is what a replay sends to a subscription. One that was deleted wants
// nothing; its part ends there.
func (d *Dispatcher) target(j *webhook.Job, id webhook.SubscriptionID) store.JobTarget {
	t := store.JobTarget{SubscriptionID: id, ClientID: j.Filter.ClientID}
	sub := d.o.Subscriptions.Index().Get(id)
	if sub == nil {
		return t
	}
	t.Types = sub.EventTypes
	if sub.ClientID != webhook.AllClients {
		t.ClientID = sub.ClientID
	}
	return t
}

// budget spreads what a job does over time; a rate of 0 is no limit.
type budget struct {
	rate int
	have float64
	at   time.Time
}

// take returns how many of n may be done now: at most a fifth of a second's worth.
func (b *budget) take(n int, now time.Time) int {
	if b.rate == 0 {
		return n
	}
	most := max(1, float64(b.rate)/5)
	b.have = min(most, b.have+now.Sub(b.at).Seconds()*float64(b.rate))
	b.at = now
	n = min(n, int(b.have))
	b.have -= float64(n)
	return n
}

// unused gives back what was taken and not needed.
func (b *budget) unused(n int) {
	if b.rate != 0 {
		b.have += float64(n)
	}
}
