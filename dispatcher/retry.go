package dispatcher

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Retry sends a delivery again at once, in any state but canceled. It neither
// spends nor cancels the automatic schedule. An attempt that is under way
// ends first.
func (d *Dispatcher) Retry(ctx context.Context, id webhook.DeliveryID, i *store.Idempotency) error {
	ref, err := d.o.Store.RequestRetry(ctx, id, d.now().Add(checkAgain), i)
	if err != nil {
		return err
	}
	d.hints.add(LaneFirst, ref, time.Time{})
	return nil
}

// Cancel stops a delivery that still waits. An attempt under way may finish, and
// the delivery has succeeded where it is acknowledged.
func (d *Dispatcher) Cancel(ctx context.Context, id webhook.DeliveryID) (webhook.Delivery, error) {
	return d.o.Store.Cancel(ctx, id)
}

// checkAfter is when the reconciler is to look after a delivery whose next
// attempt is due at next.
func checkAfter(now, next time.Time) time.Time {
	switch {
	case next.IsZero():
		return time.Time{}
	case next.Sub(now) > ahead:
		return next.Add(-ahead)
	}
	return next.Add(checkAgain)
}

// followUp hints what a recorded result has left to do soon. What is due
// later, the reconciler hints in time.
func (d *Dispatcher) followUp(id webhook.DeliveryID, r store.Recorded, isPage bool) {
	ref := store.Ref{ID: id, Generation: r.Generation}
	if r.Manual {
		d.hints.add(LaneFirst, ref, time.Time{})
		return
	}
	waits := r.State == webhook.StateRetrying || r.State == webhook.StatePending
	if waits && !r.NextAttemptAt.IsZero() && r.NextAttemptAt.Sub(d.now()) <= ahead {
		d.hints.add(laneFor(r.State == webhook.StatePending, isPage), ref, r.NextAttemptAt)
	}
}

// Schedule is the waits after failed attempts, as this process keeps them.
func (d *Dispatcher) Schedule() webhook.Schedule { return d.o.Schedule }
