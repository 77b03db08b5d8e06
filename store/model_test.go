package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// model is the store in plain Go: what each operation means for a delivery,
// without SQL, batches or indexes.
type model struct {
	subs       map[webhook.SubscriptionID]*modelSub
	deliveries map[webhook.DeliveryID]*modelDelivery
	claims     []Claimed // handed out and not answered, the stale ones too
}

type modelSub struct{ paused, deleted bool }

// modelDelivery holds what is compared with the database after each step.
type modelDelivery struct {
	Sub             webhook.SubscriptionID
	State           webhook.DeliveryState
	Hold            webhook.HoldReason
	Generation      int64
	Attempts, Spent int
	Next            time.Time
	Manual          time.Time
	Lease           time.Time
	Parked          bool
}

func (d *modelDelivery) waits() bool {
	return d.State == webhook.StatePending || d.State == webhook.StateRetrying
}

func (d *modelDelivery) free(now time.Time) bool { return d.Lease.IsZero() || !d.Lease.After(now) }

func (d *modelDelivery) claimable(g int64, t ClaimTerms) bool {
	return d.Generation == g && d.free(t.Now) && !d.Parked &&
		(!d.Manual.IsZero() || (d.waits() && !d.Next.After(t.Horizon)))
}

// end takes a delivery to a state in which nothing more is sent.
func (d *modelDelivery) end(s webhook.DeliveryState) {
	d.State, d.Hold, d.Next = s, webhook.HoldNone, time.Time{}
}

func (d *modelDelivery) cancel() {
	if d.waits() || d.State == webhook.StateHeld {
		d.end(webhook.StateCanceled)
		d.Manual, d.Parked = time.Time{}, false
	}
}

func (d *modelDelivery) record(r Result) {
	d.Generation++
	d.Attempts++
	d.Lease = time.Time{}
	if d.Manual.Equal(r.ManualAt) {
		d.Manual = time.Time{}
	}
	if !r.ManualAt.IsZero() && !r.Attempt.Acknowledged() {
		return // a manual attempt that fails changes nothing
	}
	d.Spent = r.Outcome.Spent
	switch {
	case d.State == webhook.StateCanceled && !r.Attempt.Acknowledged():
	case r.Outcome.State.Final():
		d.end(r.Outcome.State)
	case d.State == webhook.StateHeld:
		d.Next = r.Outcome.NextAttemptAt
	default:
		d.State, d.Next = r.Outcome.State, r.Outcome.NextAttemptAt
	}
}

func (m *model) release(d *modelDelivery, why ReleaseWhy) {
	sub := m.subs[d.Sub]
	waits := d.waits()
	d.Generation++
	d.Lease = time.Time{}
	switch {
	case why == ReleaseParked:
		d.Parked = waits && d.Manual.IsZero()
	case why == ReleasePaused && sub.paused && !sub.deleted && waits:
		d.State, d.Hold = webhook.StateHeld, webhook.HoldPaused
	case why == ReleaseGone && sub.deleted:
		d.Manual = time.Time{}
		if waits {
			d.end(webhook.StateCanceled)
		}
	case why == ReleaseQuarantine:
		d.Manual = time.Time{}
		if waits {
			d.State, d.Hold = webhook.StateHeld, webhook.HoldQuarantine
		}
	case why == ReleaseBodyGone:
		d.Manual = time.Time{}
		if waits {
			d.end(webhook.StateFailed)
		}
	}
}

func (m *model) of(sub webhook.SubscriptionID) []*modelDelivery {
	var out []*modelDelivery
	for _, d := range m.deliveries {
		if d.Sub == sub {
			out = append(out, d)
		}
	}
	return out
}

func (m *model) pause(id webhook.SubscriptionID) {
	m.subs[id].paused = true
	for _, d := range m.of(id) {
		if d.waits() {
			d.State, d.Hold, d.Parked = webhook.StateHeld, webhook.HoldPaused, false
		}
	}
}

func (m *model) resume(id webhook.SubscriptionID, now time.Time) {
	m.subs[id].paused = false
	for _, d := range m.of(id) {
		if d.Hold != webhook.HoldPaused {
			continue
		}
		d.State, d.Hold = webhook.StatePending, webhook.HoldNone
		if d.Spent > 0 {
			d.State = webhook.StateRetrying
		}
		if d.Next.Before(now) {
			d.Next = now
		}
	}
}

func (m *model) checkAllNow() {
	for _, d := range m.deliveries {
		if d.waits() || !d.Manual.IsZero() {
			d.Lease = time.Time{}
		}
		d.Parked = false
	}
}

// parked are the subscriptions with parked deliveries.
func (m *model) parked() []webhook.SubscriptionID {
	has := map[webhook.SubscriptionID]bool{}
	for _, d := range m.deliveries {
		if d.Parked {
			has[d.Sub] = true
		}
	}
	return slices.AppendSeq([]webhook.SubscriptionID{}, maps.Keys(has))
}

// parkedOf are the parked deliveries of a subscription, the longest due first.
func (m *model) parkedOf(sub webhook.SubscriptionID) []webhook.DeliveryID {
	out := []webhook.DeliveryID{}
	for id, d := range m.deliveries {
		if d.Sub == sub && d.Parked {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b webhook.DeliveryID) int { return m.deliveries[a].Next.Compare(m.deliveries[b].Next) })
	return out
}

// readModel reads what the model holds from the database.
func (e *env) readModel() (map[webhook.DeliveryID]*modelDelivery, error) {
	type row struct {
		id webhook.DeliveryID
		d  modelDelivery
	}
	rows, err := list(context.Background(), e.Store, `
		SELECT id, subscription_id, state, hold_reason, generation, attempt_count, automatic_count, next_attempt_at,
			manual_at, lease_until, parked FROM deliveries`, nil,
		func(r interface{ Scan(...any) error }) (out row, err error) {
			var next, manual, lease nullTime
			d := &out.d
			err = r.Scan(&out.id, &d.Sub, &d.State, &d.Hold, &d.Generation, &d.Attempts, &d.Spent, &next.us, &manual.us, &lease.us, &d.Parked)
			d.Next, d.Manual, d.Lease = next.time(), manual.time(), lease.time()
			return out, err
		})
	out := map[webhook.DeliveryID]*modelDelivery{}
	for _, r := range rows {
		out[r.id] = &r.d
	}
	return out, err
}

// compare fails the test unless the database says what the model says, and
// each delivery went from its state before along an arrow of the machine.
func (m *machine) compare(t *rapid.T) {
	got, err := m.e.readModel()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.deliveries, got); diff != "" {
		t.Fatalf("-model +database:\n%s", diff)
	}
	for id, d := range got {
		if before, known := m.before[id]; known {
			if err := webhook.Check(id, before.State, d.State); err != nil {
				t.Error(err)
			}
			if d.Attempts < before.Attempts || d.Attempts > before.Attempts+1 || d.Generation < before.Generation {
				t.Errorf("%s went from %+v to %+v", id, before, d)
			}
		} else if d.State != webhook.StatePending && d.State != webhook.StateHeld {
			t.Errorf("%s began as %s", id, d.State)
		}
	}
	m.before = got
	broken, err := m.e.brokenInvariants()
	if err != nil || len(broken) > 0 {
		t.Fatalf("broken: %v (%v)", broken, err)
	}
	subs, err := m.e.ParkedSubscriptions(context.Background())
	want := m.parked()
	slices.Sort(want)
	if diff := cmp.Diff(want, subs); err != nil || diff != "" {
		t.Fatalf("parked subscriptions: error %v, -model +database:\n%s", err, diff)
	}
}
