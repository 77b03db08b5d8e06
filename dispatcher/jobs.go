package dispatcher

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// ReplayRequest asks for a bulk retry or replay.
type ReplayRequest struct {
	Kind   webhook.JobKind   // "": a retry
	Filter webhook.JobFilter // State "": for a retry, what has failed
	Rate   int               // deliveries a second at most; 0: as fast as there is room
	// VisibleTo is the client of a key that is bound to one; the job touches
	// nothing of others.
	VisibleTo webhook.ClientID
}

// ReplayCount is what a job would work on if it were made now.
type ReplayCount struct {
	Job   webhook.Job // as it would be made: with the defaults filled in
	Count int64
	Parts []webhook.JobPart
	// States counts the deliveries by state; nil for a replay, which is of events.
	States map[webhook.DeliveryState]int64
	Sample []store.JobItem // the first of them, oldest first
}

// sampleItems is how many are shown of what a job would work on.
const sampleItems = 10

// job is the job that a request asks for, or what is wrong with the request.
func (d *Dispatcher) job(ctx context.Context, r ReplayRequest) (*webhook.Job, error) {
	j := &webhook.Job{
		ID: webhook.NewJobID(), Kind: r.Kind, Filter: r.Filter, Rate: r.Rate, State: webhook.JobPending,
		SkippedWhy: map[webhook.SkipReason]int64{}, CreatedAt: d.now(), VisibleTo: r.VisibleTo,
	}
	if j.Kind == "" {
		j.Kind = webhook.JobRetry
	}
	if j.Kind == webhook.JobRetry && j.Filter.State == "" {
		j.Filter.State = webhook.StateFailed
	}
	var f webhook.Faults
	j.Validate(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	id := j.Filter.SubscriptionID
	if id == "" {
		return j, nil
	}
	// A deleted one has deliveries in the log, but nobody gets anything.
	sub, err := d.o.Subscriptions.Get(ctx, id)
	switch {
	case webhook.IsKind(err, webhook.KindNotFound),
		err == nil && r.VisibleTo != "" && sub.ClientID != r.VisibleTo:
		f.Add("/filter/subscription_id", "there is no subscription %q", clip(string(id)))
	case err != nil:
		return nil, err
	case j.Filter.ClientID != "" && sub.ClientID != j.Filter.ClientID && sub.ClientID != webhook.AllClients:
		f.Add("/filter/subscription_id", "client %q has no subscription %q", clip(string(j.Filter.ClientID)), clip(string(id)))
	}
	return j, f.Err()
}

// CountReplay counts what a job would work on, and makes none.
func (d *Dispatcher) CountReplay(ctx context.Context, r ReplayRequest) (*ReplayCount, error) {
	j, err := d.job(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &ReplayCount{Job: *j}
	if out.Parts, out.States, err = d.countParts(ctx, j); err != nil {
		return nil, err
	}
	for _, p := range out.Parts {
		out.Count += p.Counted
		if room := sampleItems - len(out.Sample); room > 0 {
			items, err := d.o.Store.JobItems(ctx, store.JobLook{Job: j, Target: d.target(j, p.SubscriptionID), Limit: room})
			if err != nil {
				return nil, err
			}
			out.Sample = append(out.Sample, items...)
		}
	}
	return out, nil
}

// StartReplay makes a job. A process that sends works on it.
//
// respond makes the answer to a request with an idempotency key, to be
// committed with the job; nil: there is none. Errors: *webhook.Error of
// KindInvalid with faults in the request; *store.Replay when the key was used
// before.
func (d *Dispatcher) StartReplay(ctx context.Context, r ReplayRequest, respond func(*webhook.Job) (*store.Idempotency, error)) (*webhook.Job, error) {
	j, err := d.job(ctx, r)
	if err != nil {
		return nil, err
	}
	var idem *store.Idempotency
	if respond != nil {
		if idem, err = respond(j); err != nil {
			return nil, err
		}
	}
	if err := d.o.Store.CreateJob(ctx, j, idem); err != nil {
		return nil, err
	}
	if d.jobs != nil {
		d.jobs.kick()
	}
	return j, nil
}

// CancelJob ends a job before its time. What it has done stays.
func (d *Dispatcher) CancelJob(ctx context.Context, id webhook.JobID) (webhook.Job, error) {
	return d.o.Store.CancelJob(ctx, id)
}

// jobs works on bulk jobs. Several processes share them: each job is one
// process's at a time, by a lease.
type jobs struct {
	d      *Dispatcher
	kicked chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // one for each job that this process works on at once
	failed bool
}

const (
	// jobsEvery is how often SQL is asked for jobs.
	jobsEvery = 2 * time.Second
	// jobLease is how long a job is ours without a sign of life.
	jobLease = 30 * time.Second
	// maxJobs is how many jobs one process works on at once.
	maxJobs = 4
)

func newJobs(d *Dispatcher) *jobs {
	j := &jobs{d: d, kicked: make(chan struct{}, 1), slots: make(chan struct{}, maxJobs)}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

func (j *jobs) start() { j.wg.Go(j.run) }

// stop ends the jobs under way at their next checkpoint and gives them back.
func (j *jobs) stop() {
	j.cancel()
	j.wg.Wait()
}

// kick asks for a look now.
func (j *jobs) kick() {
	select {
	case j.kicked <- struct{}{}:
	default:
	}
}

func (j *jobs) run() {
	tick := time.NewTicker(jobsEvery)
	defer tick.Stop()
	for {
		err := j.look()
		if err != nil && !j.failed && j.ctx.Err() == nil {
			j.d.o.Log.Warn("bulk jobs cannot be looked up; trying again every two seconds", "error", err)
		}
		j.failed = err != nil
		select {
		case <-tick.C:
		case <-j.kicked:
		case <-j.ctx.Done():
			return
		}
	}
}

// look takes up jobs while there is room.
func (j *jobs) look() error {
	for {
		select {
		case j.slots <- struct{}{}:
		default:
			return nil
		}
		now := j.d.now()
		job, err := j.d.o.Store.TakeJob(j.ctx, now, now.Add(jobLease))
		if err != nil || job == nil {
			<-j.slots
			return err
		}
		j.wg.Go(func() {
			defer j.kick() // there may be another one
			defer func() { <-j.slots }()
			j.work(job)
		})
	}
}

// work takes a job to its end, or gives it back.
func (j *jobs) work(job *webhook.Job) {
	defer j.d.o.ObserveJob(job.ID)
	log := j.d.o.Log.With("job", job.ID, "kind", job.Kind, "client", job.Filter.ClientID)
	log.Info("a bulk job starts", "taken_up", job.Generation, "done", job.Done, "skipped", job.Skipped)
	w := &jobWorker{d: j.d, job: job}
	err := w.all(j.ctx)
	if errors.Is(err, store.ErrJobLost) {
		log.Info("a bulk job was canceled, or another process has it; this one leaves it")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), jobLease)
	defer cancel()
	if err == nil {
		w.finished(ctx, log)
		return
	}
	again, why := j.d.now(), ""
	if j.ctx.Err() == nil { // not our own stop
		again, why = again.Add(jobBackoff(job.Failures)), clip(err.Error())
		log.Error("a bulk job stopped; it goes on at its checkpoint", "again_at", again, "error", err)
	}
	if err := j.d.o.Store.PutOffJob(ctx, w.hold(), again, why); err != nil {
		log.Warn("a bulk job could not be given back; it goes on when its lease ends", "error", err)
	}
}

// jobBackoff is the wait after a job's n-th failure.
func jobBackoff(n int) time.Duration { return min(5*time.Minute, 5*time.Second<<min(n, 10)) }
