package scheduler

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Options of New.
type Options struct {
	Store      *store.Store
	Dispatcher *dispatcher.Dispatcher
	Source     Source
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger     // nil: slog.Default
	// Observe is called when a run begins and when it ends, from many
	// goroutines; nil: nobody looks.
	Observe func(Observation)
}

// Observation is a run that has just begun or ended.
type Observation struct {
	Run     webhook.Run
	Clients []webhook.RunClient // empty when it begins
	Done    bool                // every page is a delivery
}

// Scheduler makes runs and, once started, works on them. Any number of
// processes may have one on the same database.
type Scheduler struct {
	o      Options
	kicked chan struct{}
	ctx    context.Context // of the loop and of the runs; ended by Stop
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // one for each run that this process works on at once
	failed bool          // the last look could not be made
}

const (
	// lookEvery is how often SQL is asked for fires and runs.
	lookEvery = time.Second
	// lateAfter is how long after its time a fire counts as late.
	lateAfter = time.Minute
	// leaseTime is how long a run is ours without a sign of life. P11: a run
	// whose process died goes on after it.
	leaseTime = 30 * time.Second
	// maxRuns is how many runs one process works on at once: the four exports
	// of a night, or a long backfill beside them.
	maxRuns = 4
	// maxFires bounds the missed fires of one export that one look makes runs of.
	maxFires = 200
)

// New returns a scheduler. It makes runs on request; Start makes it follow
// the clock and work on them.
func New(o Options) *Scheduler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	s := &Scheduler{o: o, kicked: make(chan struct{}, 1), slots: make(chan struct{}, maxRuns)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start follows the clock until Stop.
func (s *Scheduler) Start() { s.wg.Go(s.run) }

// Stop ends the runs under way at their next checkpoint and gives them back,
// so that another process goes on with them at once.
func (s *Scheduler) Stop() {
	s.cancel()
	s.wg.Wait()
}

// Kick asks for a look now: a run was made.
func (s *Scheduler) Kick() {
	select {
	case s.kicked <- struct{}{}:
	default:
	}
}

func (s *Scheduler) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := s.look(s.ctx)
		if err != nil && s.ctx.Err() == nil {
			if !s.failed {
				s.o.Log.Warn("the exports' schedules cannot be looked up; trying again every second", "error", err)
			}
			s.failed = true
		} else if s.failed && err == nil {
			s.failed = false
			s.o.Log.Info("the exports' schedules can be looked up again")
		}
		select {
		case <-tick.C:
		case <-s.kicked:
		case <-s.ctx.Done():
			return
		}
	}
}

// look makes runs of what is due, and takes up runs while there is room.
func (s *Scheduler) look(ctx context.Context) error {
	if _, err := s.fireDue(ctx); err != nil {
		return err
	}
	for {
		select {
		case s.slots <- struct{}{}:
		default:
			return nil
		}
		taken, err := s.takeUp(ctx)
		if err != nil || !taken {
			<-s.slots
			return err
		}
	}
}

// takeUp begins or continues one run in the background. It holds a slot.
func (s *Scheduler) takeUp(ctx context.Context) (bool, error) {
	now := s.now()
	run, err := s.o.Store.TakeRun(ctx, now, now.Add(leaseTime))
	if err != nil || run == nil {
		return false, err
	}
	s.wg.Go(func() {
		defer s.Kick() // there may be another one
		defer func() { <-s.slots }()
		s.work(run)
	})
	return true, nil
}

// fireDue makes a run of every time that has come, each for its own window,
// and returns how many it made. Missed ones are made late, oldest first (P10).
func (s *Scheduler) fireDue(ctx context.Context) (int, error) {
	exports, err := s.o.Store.Exports(ctx)
	if err != nil {
		return 0, err
	}
	made := 0
	for i := range exports {
		n, err := s.fireExport(ctx, &exports[i])
		if err != nil {
			return made, err
		}
		made += n
	}
	return made, nil
}

func (s *Scheduler) fireExport(ctx context.Context, e *webhook.Export) (made int, err error) {
	if !e.Enabled {
		return 0, nil
	}
	sched, err := scheduleOf(e)
	if err != nil {
		s.o.Log.Error("an export has a schedule that cannot be read; it does not fire", "export", e.Name, "error", err)
		return 0, nil
	}
	now := s.now()
	if e.NextFireAt.IsZero() {
		return 0, s.o.Store.ScheduleExport(ctx, *e, sched.next(now))
	}
	for made < maxFires && !e.NextFireAt.IsZero() && !e.NextFireAt.After(now) {
		fire := e.NextFireAt
		run := newRun(e, webhook.RunSchedule, windowOf(e.Window, fire, sched.zone, e.LastWindowTo), now)
		run.ScheduledFor, run.Late = &fire, now.Sub(fire) > lateAfter
		next := sched.next(fire)
		claimed, err := s.o.Store.Fire(ctx, store.Fire{Export: *e, Next: next, Run: run})
		if err != nil || !claimed {
			return made, err // false: another scheduler has it, or it was edited
		}
		failpoint.Hit(failpoint.Fired)
		made++
		e.NextFireAt, e.LastWindowTo = next, run.Window.To
		s.o.Log.Info("an export is due", "export", e.Name, "run", run.ID, "scheduled_for", fire, "late", run.Late,
			"from", run.Window.From, "to", run.Window.To)
	}
	return made, nil
}

func newRun(e *webhook.Export, t webhook.RunTrigger, w webhook.Window, now time.Time) *webhook.Run {
	return &webhook.Run{
		ID: webhook.NewRunID(), Export: e.Name, Event: e.Event, Dataset: e.Dataset, Trigger: t, Window: w, Zone: e.Zone,
		PageSize: e.PageSize, PageBytes: e.PageBytes, State: webhook.RunPending, CreatedAt: now,
	}
}

func (s *Scheduler) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }
