package retention

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Options of New.
type Options struct {
	Store   *store.Store
	Periods webhook.Retention
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
	// Observe is called after each batch that is committed; nil: nobody looks.
	Observe func(Observation)
}

// Observation is one batch.
type Observation struct {
	Sweep   store.Sweep      // "" for a batch of an erasure
	Removed int64            // by the sweep
	Erasure *webhook.Erasure // where it stands; nil for a sweep
}

// Keeper removes what is over its time. Any number of processes may have one
// on the same database.
type Keeper struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	swept  time.Time // when this process last looked for what is over
	failed bool
}

const (
	// lookEvery is how often SQL is asked for erasures: one look into an index
	// that is nearly always empty.
	lookEvery = 5 * time.Second
	// sweepEvery is how late a removal may be: little against days.
	sweepEvery = 10 * time.Minute
	// keptAgain is when a row that had to stay is looked at again.
	keptAgain = time.Hour
	// lease is how long the work is ours without a sign of life.
	lease = time.Minute
	// batchTimeout bounds one transaction.
	batchTimeout = 15 * time.Second
	// leastPause follows a batch; a slow one is followed by as long as it took,
	// so that at least half of the time is everybody else's.
	leastPause = 20 * time.Millisecond
)

// New returns a keeper that does nothing until Start.
func New(o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	k := &Keeper{o: o}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// Start works until Stop.
func (k *Keeper) Start() { k.done.Go(k.run) }

// Stop ends after the batch under way. Another process, or the next start, goes
// on behind it.
func (k *Keeper) Stop() {
	k.cancel()
	k.done.Wait()
}

func (k *Keeper) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := k.Look(k.ctx)
		switch {
		case err != nil && k.ctx.Err() == nil && !k.failed:
			k.failed = true
			k.o.Log.Warn("what is over its time cannot be removed; trying again", "error", err)
		case err == nil && k.failed:
			k.failed = false
			k.o.Log.Info("what is over its time is removed again")
		}
		select {
		case <-tick.C:
		case <-k.ctx.Done():
			return
		}
	}
}

// Look does what there is to do now: erasures first, then, every ten minutes,
// what is over its time. While another process does it, it does nothing.
func (k *Keeper) Look(ctx context.Context) error {
	client, err := k.o.Store.NextErasure(ctx, k.now())
	if err != nil {
		return err
	}
	sweep := k.now().Sub(k.swept) >= sweepEvery
	if client == "" && !sweep {
		return nil
	}
	hold, ours, err := k.o.Store.TakeSweep(ctx, k.now(), k.now().Add(lease))
	if err != nil || !ours {
		return err
	}
	err = k.eraseAll(ctx, &hold)
	if err == nil && sweep {
		err = k.sweepAll(ctx, &hold)
	}
	if errors.Is(err, store.ErrSweepLost) { // it took us too long; the other one goes on
		return nil
	}
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	return errors.Join(err, k.o.Store.LeaveSweep(leave, hold))
}

// batch runs one transaction with the lease renewed, and pauses after it.
func (k *Keeper) batch(ctx context.Context, hold *store.SweepHold, work func(context.Context) error) error {
	hold.Until = k.now().Add(lease)
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	err := work(bounded)
	cancel()
	if err != nil {
		return err
	}
	pause := time.NewTimer(max(leastPause, time.Since(began)))
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eraseAll does the erasures that need not wait.
func (k *Keeper) eraseAll(ctx context.Context, hold *store.SweepHold) error {
	for {
		client, err := k.o.Store.NextErasure(ctx, k.now())
		if err != nil || client == "" {
			return err
		}
		var e webhook.Erasure
		err = k.batch(ctx, hold, func(ctx context.Context) (err error) {
			e, err = k.o.Store.Erase(ctx, *hold, client)
			return err
		})
		if err != nil {
			return err
		}
		k.o.Observe(Observation{Erasure: &e})
		if e.FinishedAt == nil {
			continue
		}
		if err := k.o.Store.Reclaim(ctx); err != nil {
			return err
		}
		n := e.Erased
		k.o.Log.Info("a client's personal data were erased", "client", client, "payloads", n.Payloads, "canceled", n.Canceled,
			"answers", n.Answers, "records", n.Records, "verifications", n.Verifications)
	}
}

// period is a sweep and how long what it removes is kept.
type period struct {
	sweep store.Sweep
	keep  time.Duration
}

// periods are the sweeps in their order: what hangs on the log goes before it,
// and a run before the deliveries that its receipt counts.
func (k *Keeper) periods() []period {
	p := k.o.Periods
	return []period{
		{store.SweepEventPayloads, p.Payloads},
		{store.SweepOtherPayloads, p.Payloads},
		{store.SweepVerifications, p.Payloads},
		{store.SweepAttempts, p.Attempts},
		{store.SweepRecords, p.Records},
		{store.SweepIdempotency, p.Idempotency},
		{store.SweepAudit, p.Audit},
		{store.SweepJobs, p.Log},
		{store.SweepRuns, p.Log},
		{store.SweepDeliveries, p.Log},
		{store.SweepEvents, p.Log},
		{store.SweepOtherMessages, p.Log},
		{store.SweepVerificationLog, p.Log},
	}
}

// sweepAll removes all that is over its time. It comes back to erasures, which
// somebody waits for, between two sweeps.
func (k *Keeper) sweepAll(ctx context.Context, hold *store.SweepHold) error {
	counts := []any{}
	for _, p := range k.periods() {
		if p.keep == 0 {
			continue
		}
		n, err := k.sweep(ctx, hold, p)
		if n > 0 {
			counts = append(counts, string(p.sweep), n)
		}
		if err != nil {
			return err
		}
		if err := k.eraseAll(ctx, hold); err != nil {
			return err
		}
	}
	k.swept = k.now()
	if len(counts) > 0 {
		k.o.Log.Info("what was over its time was removed", counts...)
	}
	return nil
}

// sweep runs one sweep to its end.
func (k *Keeper) sweep(ctx context.Context, hold *store.SweepHold, p period) (removed int64, err error) {
	now := k.now()
	for more := true; more && err == nil; {
		err = k.batch(ctx, hold, func(ctx context.Context) error {
			out, err := k.o.Store.Sweep(ctx, p.sweep, store.SweepTerms{Hold: *hold, Now: now, Before: now.Add(-p.keep), Again: keptAgain})
			removed, more = removed+out.Removed, out.More
			if err == nil {
				k.o.Observe(Observation{Sweep: p.sweep, Removed: out.Removed})
			}
			return err
		})
	}
	return removed, err
}

func (k *Keeper) now() time.Time { return k.o.Now().UTC().Truncate(time.Microsecond) }
