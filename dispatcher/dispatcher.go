package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Options of New.
type Options struct {
	Store         *store.Store
	Subscriptions *subscriptions.Registry
	Sender        *sender.Sender
	Redis         *Redis
	Schedule      webhook.Schedule // waits after failed attempts
	Timeout       time.Duration    // of one attempt, where a subscription has none of its own
	Workers       int              // attempts in flight in this process; 0: it sends nothing, hints only
	// VerificationTTL is how long a verification may stay pending; 0:
	// webhook.DefaultVerificationTTL.
	VerificationTTL time.Duration
	Now             func() time.Time // nil: time.Now
	Log             *slog.Logger     // nil: slog.Default
	// Observe is called after each attempt is committed, from many goroutines;
	// nil: nobody looks.
	Observe func(Observation)
	// ObserveIntake is called at the end of each Accept, from many goroutines;
	// nil: nobody looks.
	ObserveIntake func(context.Context, IntakeObservation)
	// ObserveJob is called after each committed step of a bulk job of this
	// process, and when the process has left the job; nil: nobody looks.
	ObserveJob func(webhook.JobID)
}

// Dispatcher takes events in and knows what to do with deliveries. With
// Workers it also sends them: see [Dispatcher.Start].
type Dispatcher struct {
	o      Options
	types  *eventTypes
	hints  *hints
	worker *worker       // nil: hints only
	expiry *expiry       // nil: hints only
	jobs   *jobs         // nil: hints only
	tests  chan struct{} // holds one for each test of a subscription under way
	turn   chan struct{} // holds one token, of the intake that locks the catalogue
	runs   atomic.Bool   // Start was called
	pace   pace          // of the exports' pages
}

// The times of the queue.
const (
	// checkAgain is when the reconciler looks after a hinted delivery: its
	// hint must be lost by then, or late.
	checkAgain = 20 * time.Second
	// ahead is how long before its due time the reconciler makes a delivery's
	// hint. A retry that is nearer when its attempt fails gets its hint at once.
	ahead = 10 * time.Second
	// slotWait is how long a claimed delivery may wait for a slot.
	slotWait = 10 * time.Second
	// lease is how long a claim holds: the waits, the longest attempt and the
	// commit of its result. P7: a killed worker's deliveries go on within 60 s.
	lease = slotWait + webhook.MaxTimeout + commitMargin
	// commitMargin is kept between the end of an attempt's deadline and the
	// end of its lease.
	commitMargin = 3 * time.Second
)

// New returns a dispatcher that takes events in. Start makes it send.
func New(ctx context.Context, o Options) (*Dispatcher, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.ObserveIntake == nil {
		o.ObserveIntake = func(context.Context, IntakeObservation) {}
	}
	if o.ObserveJob == nil {
		o.ObserveJob = func(webhook.JobID) {}
	}
	if o.VerificationTTL == 0 {
		o.VerificationTTL = webhook.DefaultVerificationTTL
	}
	if len(o.Schedule) == 0 {
		return nil, errors.New("the retry schedule is empty")
	}
	d := &Dispatcher{o: o, types: &eventTypes{store: o.Store}, tests: make(chan struct{}, maxTests), turn: make(chan struct{}, 1)}
	if err := d.types.reload(ctx); err != nil {
		return nil, err
	}
	var w *waker
	if o.Workers > 0 {
		w = newWaker()
		d.worker = newWorker(d, w)
		d.expiry = newExpiry(d)
		d.jobs = newJobs(d)
	}
	d.hints = newHints(o.Redis, w, o.Log)
	return d, nil
}

// Start makes hints flow and, with Workers, sends what is due.
func (d *Dispatcher) Start(ctx context.Context) error {
	d.runs.Store(true)
	d.hints.start()
	if d.worker == nil {
		return nil
	}
	d.expiry.start()
	d.jobs.start()
	return d.worker.start(ctx)
}

// Stop ends in order: no new delivery is taken, what is in flight finishes
// within its deadline, what was claimed and not sent is given back, and the
// last hints go out. When ctx ends first, exchanges are cut off. A dispatcher
// that was never started has nothing to end.
func (d *Dispatcher) Stop(ctx context.Context) {
	if !d.runs.Swap(false) {
		return
	}
	if d.worker != nil {
		d.expiry.stop()
		d.jobs.stop()
		d.worker.stop(ctx)
	}
	d.hints.stop()
}

// Kick makes the reconciler look now: something has become due in SQL.
func (d *Dispatcher) Kick() {
	if d.worker != nil {
		d.worker.reconciler.kick()
	}
}

// Ready tells whether hints can be carried.
func (d *Dispatcher) Ready(ctx context.Context) error {
	if err := d.o.Redis.Ready(ctx); err != nil {
		return err
	}
	return d.hints.trouble()
}

// InFlight is how many exchanges are under way in this process.
func (d *Dispatcher) InFlight() int {
	if d.worker == nil {
		return 0
	}
	return d.worker.slots.busy()
}

// Expecting is how many deliveries of this process's hints wait for their
// time, at most some seconds away. Nobody has claimed them yet.
func (d *Dispatcher) Expecting() int {
	if d.worker == nil {
		return 0
	}
	return int(d.worker.expecting.Load())
}

func (d *Dispatcher) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
