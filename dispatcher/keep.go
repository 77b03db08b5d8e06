package dispatcher

import (
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// keeper takes fresh deliveries for the process that accepts them: where it can
// send one at once, the intake's own commit claims it, and it goes on from
// memory. That saves the hint, the claim and the reading of the body, which
// together cost more than the request. What this process has no room for gets
// a hint, and whoever has room takes it; what a crash leaves behind is a claim
// whose lease ends, as always.
type keeper struct {
	w *worker

	mu    sync.Mutex
	ends  bool
	bytes int // of the bodies that are kept
}

// keepBytes bounds the memory of the bodies that are kept.
const keepBytes = 64 << 20

// take makes the choice for the deliveries of an intake that is about to be
// committed: claimed by this process, parked because others of the subscription
// wait in SQL already, or neither. Until sent or dropped is called, it counts
// as work of this process.
func (k *keeper) take(in *store.Intake, now time.Time) {
	index := k.w.d.o.Subscriptions.Index()
	for i := range in.Deliveries {
		nd := &in.Deliveries[i]
		sub := index.Get(nd.SubscriptionID)
		// A rate limit is asked of Redis: not on the way of an intake.
		if nd.Held || nd.RunID != "" || sub == nil || sub.RateLimit > 0 {
			continue
		}
		switch k.w.gate.expect(gateKey(sub.ID), sub.MaxInFlight) {
		case expectParking:
			nd.Parked = true
		case expectRoom:
			if !k.admit(len(nd.Message.Body)) {
				k.w.gate.arrived(gateKey(sub.ID), 1)
				continue
			}
			nd.LeaseUntil = now.Add(lease)
		}
	}
}

// admit takes a place among the deliveries that this process has in hand.
func (k *keeper) admit(size int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ends || k.bytes+size > keepBytes || !k.w.admission[LaneFirst].TryAcquire(1) {
		return false
	}
	k.bytes += size
	k.w.running.Add(1)
	return true
}

// dropped gives back what was taken for an intake that was not committed.
func (k *keeper) dropped(in *store.Intake) {
	for i := range in.Deliveries {
		nd := &in.Deliveries[i] // not to be changed: where nobody waited for the commit, it may be under way
		if !nd.LeaseUntil.IsZero() {
			k.w.gate.arrived(gateKey(nd.SubscriptionID), 1)
			k.left(len(nd.Message.Body))
			k.w.running.Done()
		}
	}
}

// left gives a place back.
func (k *keeper) left(size int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes -= size
	k.w.admission[LaneFirst].Release(1)
}

// send sends a delivery that the commit of its intake has claimed. since is a
// moment before that commit: what changed after it, the commit may not have
// seen.
func (k *keeper) send(nd *store.NewDelivery, catalogue int64, since time.Time) {
	m := nd.Message
	c := &store.Claimed{
		Ref: nd.Ref(), MessageID: m.ID, Kind: m.Kind, ClientID: m.ClientID, EventType: m.Type, SubscriptionID: nd.SubscriptionID,
		URL: nd.URL, Method: nd.Method, CrashCount: 1, Standing: webhook.Standing{State: webhook.StatePending, NextAttemptAt: m.CreatedAt},
		Body: m.Body, LeaseUntil: nd.LeaseUntil, Catalogue: catalogue,
	}
	go func() {
		defer k.left(len(c.Body))
		k.w.process(&delivery{w: k.w, c: c, lane: LaneFirst, claimed: since, expected: gateKey(c.SubscriptionID)})
	}()
}

// stop ends it: nothing more is kept.
func (k *keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ends = true
}
