package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// worker takes hints from asynq, one server for each lane, and sends what
// they name.
type worker struct {
	d          *Dispatcher
	waker      *waker
	servers    map[Lane]*asynq.Server
	admission  map[Lane]*semaphore.Weighted // deliveries claimed at once, by lane
	room       int64                        // the weight of each
	slots      *slots
	gate       *gate
	feeder     *feeder
	keeper     *keeper
	rate       *rateLimit
	reconciler *reconciler
	expecting  atomic.Int64 // hinted deliveries whose time is near

	drain    chan struct{}  // closed: nothing new is started
	running  sync.WaitGroup // deliveries claimed by this process
	send     context.Context
	cutOff   context.CancelFunc // ends exchanges under way
	listen   context.CancelFunc
	listened sync.WaitGroup
}

func newWorker(d *Dispatcher, wk *waker) *worker {
	w := &worker{
		d: d, waker: wk, servers: map[Lane]*asynq.Server{}, admission: map[Lane]*semaphore.Weighted{},
		room:  int64(max(2*d.o.Workers, 2*maxHint)),
		slots: newSlots(d.o.Workers), drain: make(chan struct{}),
	}
	w.send, w.cutOff = context.WithCancel(context.Background())
	w.feeder = newFeeder(w)
	w.keeper = &keeper{w: w}
	w.gate = newGate(d.o.Workers, w.feeder.feed)
	w.rate = newRateLimit(d.o.Redis.Client)
	w.reconciler = newReconciler(w)
	for _, l := range lanes {
		w.admission[l] = semaphore.NewWeighted(w.room)
	}
	// Each page has up to megabytes: the lane claims little more than it sends.
	w.admission[LaneExport] = semaphore.NewWeighted(int64(LaneExport.share(d.o.Workers) + claimedPages))
	return w
}

// claimedPages is how many pages of exports are claimed, and so brought into
// memory, at a time. A hint may name many more.
const claimedPages = 8

// Times of asynq.
const (
	// lookEvery is how long asynq sleeps after a look that found nothing. The
	// look itself waits in the waker.
	lookEvery = 2 * time.Millisecond
	// forwardEvery is how often scheduled hints are moved to their queue.
	// It is well below hintEarly, so none is late by it; each look costs a script.
	forwardEvery = 250 * time.Millisecond
	// stopTimeout is how long asynq waits for hints under way at the end: more
	// than the longest attempt, or it would be sent again by somebody else.
	stopTimeout = webhook.MaxTimeout + commitMargin + 5*time.Second
)

func (w *worker) start(ctx context.Context) error {
	o := w.d.o
	if o.Redis.Embedded() { // alone, and with an empty queue
		if err := o.Store.CheckAllNow(ctx, w.d.now().Add(ahead)); err != nil {
			return err
		}
	}
	o.Redis.Client.AddHook(w.waker)
	var listening context.Context
	listening, w.listen = context.WithCancel(context.Background())
	if !o.Redis.Embedded() {
		w.listened.Go(func() { w.waker.listen(listening, o.Redis.Client) })
	}
	for _, l := range lanes {
		srv := asynq.NewServerFromRedisClient(o.Redis.Client, asynq.Config{
			Concurrency:              int(w.room),
			Queues:                   map[string]int{l.queue(): 1},
			TaskCheckInterval:        lookEvery,
			DelayedTaskCheckInterval: forwardEvery,
			ShutdownTimeout:          stopTimeout,
			RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return time.Second },
			IsFailure:                func(error) bool { return false },
			Logger:                   asynqLog{o.Log},
			LogLevel:                 asynq.WarnLevel,
		})
		if err := srv.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error { return w.handle(ctx, l, t) })); err != nil {
			return fmt.Errorf("start the workers of lane %s: %w", l, err)
		}
		w.servers[l] = srv
	}
	w.reconciler.start()
	return nil
}

// stop ends the worker; see [Dispatcher.Stop].
func (w *worker) stop(ctx context.Context) {
	cut := context.AfterFunc(ctx, w.cutOff)
	defer cut()
	w.reconciler.stop()
	close(w.drain)
	w.keeper.stop()
	failpoint.Hit(failpoint.Stopping)
	w.waker.stop()
	var stopping sync.WaitGroup
	for _, srv := range w.servers {
		stopping.Go(srv.Shutdown)
	}
	stopping.Wait()
	w.feeder.stop()
	w.running.Wait()
	w.listen()
	w.listened.Wait()
}

// handle takes one hint: each delivery that it names is claimed when it is
// due, and handle waits until it is sent and its result committed, or back in
// SQL. Only a stop or an unusable database makes it fail, and then asynq
// brings the hint again.
func (w *worker) handle(ctx context.Context, l Lane, t *asynq.Task) error {
	all, err := decodeHint(t.Payload())
	if err != nil {
		w.d.o.Log.Warn("a task that is no hint was dropped", "lane", l, "error", err)
		return nil
	}
	var work errgroup.Group
	var now []store.Ref
	for _, h := range all {
		if !h.Due.After(w.d.o.Now()) {
			now = append(now, h.Ref)
			continue
		}
		w.expecting.Add(1)
		work.Go(func() error {
			there := w.waitUntil(h.Due)
			w.expecting.Add(-1)
			if !there {
				return errStopping
			}
			return w.take(ctx, l, []store.Ref{h.Ref})
		})
	}
	most := maxHint
	if l == LaneExport {
		most = claimedPages
	}
	for refs := range slices.Chunk(now, most) {
		work.Go(func() error { return w.take(ctx, l, refs) })
	}
	return work.Wait()
}

var errStopping = errors.New("this worker is stopping")

// waitUntil waits for a time: never a moment too short. false: we stop.
func (w *worker) waitUntil(at time.Time) bool {
	for {
		left := at.Sub(w.d.now())
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-w.drain:
			timer.Stop()
			return false
		}
	}
}

// take claims due deliveries and sends them. Each gives back its own part of
// the lane's room when it ends: one that hangs must not keep the room of a
// whole hint, or two hints would stop the lane.
func (w *worker) take(ctx context.Context, l Lane, refs []store.Ref) error {
	if err := w.admission[l].Acquire(ctx, int64(len(refs))); err != nil {
		return err
	}
	var claimed []store.Claimed
	err := errStopping
	select {
	case <-w.drain:
	default:
		failpoint.Hit(failpoint.HintTaken)
		claimed, err = w.d.o.Store.Claim(ctx, refs, w.terms())
	}
	now := time.Now()
	w.leaveRoom(l, len(refs)-len(claimed))
	var all sync.WaitGroup
	for i := range claimed {
		w.running.Add(1)
		all.Go(func() {
			defer w.leaveRoom(l, 1)
			w.process(&delivery{w: w, c: &claimed[i], lane: l, claimed: now})
		})
	}
	all.Wait()
	if len(claimed) > 0 {
		failpoint.Hit(failpoint.HintDone)
	}
	return err
}

// roomForPages takes up to n places among the pages that may be claimed.
func (w *worker) roomForPages(n int) (got int) {
	for got < n && w.admission[LaneExport].TryAcquire(1) {
		got++
	}
	return got
}

// leaveRoom gives back n places among the claimed deliveries of a lane.
func (w *worker) leaveRoom(l Lane, n int) {
	w.admission[l].Release(int64(n))
	if l == LaneExport {
		w.feeder.feedStarved(n)
	}
}

func (w *worker) terms() store.ClaimTerms {
	now := w.d.now()
	return store.ClaimTerms{Now: now, Horizon: now, Lease: now.Add(lease)}
}

// process sends one claimed delivery. A panic of ours leaves the claim to run
// out: the third one in a row puts the delivery into quarantine (P15).
func (w *worker) process(d *delivery) {
	defer w.running.Done()
	defer func() {
		if p := recover(); p != nil {
			w.d.o.Log.Error("sending a delivery crashed; it is tried again, at most three times",
				"delivery", d.c.ID, "crashes", d.c.CrashCount, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	d.run()
}

// asynqLog passes asynq's own messages on. Its "info" is our "debug".
type asynqLog struct{ log *slog.Logger }

func (a asynqLog) Debug(args ...any) { a.log.Debug("asynq: " + fmt.Sprint(args...)) }
func (a asynqLog) Info(args ...any)  { a.log.Debug("asynq: " + fmt.Sprint(args...)) }
func (a asynqLog) Warn(args ...any)  { a.log.Debug("asynq: " + fmt.Sprint(args...)) }
func (a asynqLog) Error(args ...any) { a.log.Warn("asynq: " + fmt.Sprint(args...)) }
func (a asynqLog) Fatal(args ...any) { a.log.Error("asynq: " + fmt.Sprint(args...)) }
