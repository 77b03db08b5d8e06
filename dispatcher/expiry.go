package dispatcher

import (
	"context"
	"time"
)

// expiry ends verifications that the engine never reported on. Nobody is told
// but who polls: the contract sends COMPLETED and FAILED only. Several
// processes share the work, as the reconciler's.
type expiry struct {
	d      *Dispatcher
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	failed bool
}

const (
	// expireEvery is how late an end may come: little against days.
	expireEvery = 15 * time.Second
	// expireBatch is how many rows one transaction ends, so that it never keeps
	// others waiting.
	expireBatch = 200
)

func newExpiry(d *Dispatcher) *expiry {
	e := &expiry{d: d, done: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

func (e *expiry) start() { go e.run() }

func (e *expiry) stop() {
	e.cancel()
	<-e.done
}

func (e *expiry) run() {
	defer close(e.done)
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		_, err := e.d.ExpireVerifications(e.ctx)
		if err != nil && !e.failed && e.ctx.Err() == nil {
			e.d.o.Log.Warn("verifications that are over their time cannot be looked up; trying again", "error", err)
		}
		e.failed = err != nil
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// ExpireVerifications ends every pending verification whose time is over, in
// small transactions, and tells how many. A process with workers does it by
// itself.
func (d *Dispatcher) ExpireVerifications(ctx context.Context) (int64, error) {
	var all int64
	for {
		n, err := d.o.Store.ExpireVerifications(ctx, d.now(), expireBatch)
		all += n
		if err != nil || n < expireBatch {
			if all > 0 {
				d.o.Log.Info("verifications expired: nobody reported how they ended", "count", all)
			}
			return all, err
		}
	}
}
