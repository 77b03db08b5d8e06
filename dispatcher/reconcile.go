package dispatcher

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
)

// reconciler makes hints from SQL: for retries whose time comes near, for
// what a crash or an empty Redis left behind, and for a backlog that Redis
// has no room for. That is all that recovery is. Several processes share the
// work: what one has taken, the others pass over.
type reconciler struct {
	w      *worker
	kicked chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	failed bool
}

const (
	// reconcileEvery is how often SQL is asked what is due: one look into a
	// partial index. It is well below `ahead`.
	reconcileEvery = 2 * time.Second
	// reconcileBatch is how many rows one look takes.
	reconcileBatch = 500
)

func newReconciler(w *worker) *reconciler {
	r := &reconciler{w: w, kicked: make(chan struct{}, 1), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *reconciler) start() { go r.run() }

func (r *reconciler) stop() {
	r.cancel()
	<-r.done
}

// kick asks for a look now.
func (r *reconciler) kick() {
	select {
	case r.kicked <- struct{}{}:
	default:
	}
}

func (r *reconciler) run() {
	defer close(r.done)
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		if err := r.look(); err != nil && r.ctx.Err() == nil {
			if !r.failed {
				r.w.d.o.Log.Warn("due deliveries cannot be looked up; trying again every two seconds", "error", err)
			}
			r.failed = true
		} else if r.failed {
			r.failed = false
			r.w.d.o.Log.Info("due deliveries are looked up again")
		}
		select {
		case <-tick.C:
		case <-r.kicked:
		case <-r.ctx.Done():
			return
		}
	}
}

// look hints what is due, as long as Redis has room for hints. Redis is asked
// first: what is taken while it is away would only wait for the next look.
func (r *reconciler) look() error {
	d := r.w.d
	for {
		room, err := d.hints.measure(r.ctx)
		if err != nil || !room {
			return err
		}
		due, more, err := d.o.Store.Due(r.ctx, store.DueTerms{Now: d.now(), Ahead: ahead, Again: checkAgain, Limit: reconcileBatch})
		if err != nil {
			return err
		}
		if len(due) > 0 {
			failpoint.Hit(failpoint.Reconciling)
		}
		for _, ref := range due {
			d.hints.add(laneFor(ref.First, ref.RunID != ""), ref.Ref, ref.At)
		}
		if !more {
			break
		}
	}
	parked, err := d.o.Store.ParkedSubscriptions(r.ctx)
	if err != nil {
		return err
	}
	for _, sub := range parked {
		r.w.feeder.feed(gateKey(sub))
	}
	hosts, err := d.o.Store.ParkedHosts(r.ctx)
	for _, host := range hosts {
		r.w.feeder.feed(hostKey(host))
	}
	return err
}
