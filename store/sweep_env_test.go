package store

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const retention = 30 * 24 * time.Hour

// hold takes the sweep's lease, whoever has it.
func (e *env) hold(tb testing.TB) SweepHold {
	tb.Helper()
	h, ok, err := e.TakeSweep(context.Background(), e.now().Add(1000*time.Hour), e.now())
	if err != nil || !ok {
		tb.Fatal(ok, err)
	}
	h.Until = e.now().Add(time.Minute)
	return h
}

// sweep runs a sweep to its end and returns how many it removed. No batch may
// remove more than a few rows.
func (e *env) sweep(tb testing.TB, sweep Sweep) (removed int64) {
	tb.Helper()
	terms := SweepTerms{Hold: e.hold(tb), Now: e.now(), Before: e.now().Add(-retention), Again: time.Hour}
	for {
		out, err := e.Sweep(context.Background(), sweep, terms)
		if err != nil {
			tb.Fatal(err)
		}
		if out.Removed > sweepRows+sweepRows/2 { // attempts, and their deliveries
			tb.Fatalf("one batch of %s removed %d rows", sweep, out.Removed)
		}
		if removed += out.Removed; !out.More {
			return removed
		}
	}
}

func (e *env) wantSwept(tb testing.TB, sweep Sweep, want int64) {
	tb.Helper()
	if got := e.sweep(tb, sweep); got != want {
		tb.Errorf("removed %d of %s, want %d", got, sweep, want)
	}
}

func (e *env) exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	if err := e.tx(context.Background(), func(tx txn) error {
		_, err := tx.ExecContext(context.Background(), query, args...)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
}

// sweepCalls are those of everyCall that are about retention and erasure.
func (e *env) sweepCalls() map[string]func(context.Context) error {
	far := e.now().Add(1000 * time.Hour)
	calls := map[string]func(context.Context) error{
		"Erase":          func(ctx context.Context) error { return e.everyStep(ctx, far) },
		"Erasure":        func(ctx context.Context) error { _, err := e.Erasure(ctx, "c7"); return err },
		"PayloadGone":    func(ctx context.Context) error { _, err := e.PayloadGone(ctx, "evt_1"); return err },
		"NextErasure":    func(ctx context.Context) error { _, err := e.NextErasure(ctx, far); return err },
		"RequestErasure": func(ctx context.Context) error { _, err := e.RequestErasure(ctx, "c7", "key_1"); return err },
		"TakeSweep":      func(ctx context.Context) error { _, _, err := e.TakeSweep(ctx, far, far); return err },
		"LeaveSweep":     func(ctx context.Context) error { return e.LeaveSweep(ctx, SweepHold{}) },
	}
	for _, sweep := range append([]Sweep{SweepRecords, SweepIdempotency, SweepAudit}, slices.Collect(maps.Keys(sweepWalks()))...) {
		calls["Sweep "+string(sweep)] = func(ctx context.Context) error {
			h, _, err := e.TakeSweep(ctx, far, e.now())
			if err != nil {
				return err
			}
			_, err = e.Sweep(ctx, sweep, SweepTerms{Hold: h, Now: e.now(), Before: e.now().Add(time.Hour)})
			return err
		}
	}
	return calls
}

// everyStep does the first batch of each step of an erasure.
func (e *env) everyStep(ctx context.Context, far time.Time) error {
	h, _, err := e.TakeSweep(ctx, far, e.now())
	if err != nil {
		return err
	}
	if _, err := e.RequestErasure(ctx, "c8", "key_1"); err != nil {
		return err
	}
	for step := webhook.ErasePayloads; step != webhook.EraseDone; step = step.Next() {
		err := e.tx(ctx, func(tx txn) error {
			_, err := tx.ExecContext(ctx, `UPDATE erasures SET step = $1, position = '' WHERE client_id = 'c8'`, string(step))
			return err
		})
		if err != nil {
			return err
		}
		if _, err := e.Erase(ctx, h, "c8"); err != nil {
			return err
		}
	}
	return nil
}
