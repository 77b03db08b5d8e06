package dispatcher_test

import (
	"context"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestWhatIsKeptNeedsNoHint: this process has room, so the deliveries that it
// accepts are claimed by their own commit and Redis hears nothing of them.
func TestWhatIsKeptNeedsNoHint(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const events = 30
		o.stopped = true
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		count := &hintCount{named: map[string]int{}}
		h.redis.Client.AddHook(count)
		must(t, h.d.Start(context.Background()))
		defer h.d.Stop(context.Background())
		h.subscribe(r.URL)
		for range events {
			h.post(redemption)
			if ob := h.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
				t.Fatalf("observed %+v", ob)
			}
		}
		count.mu.Lock()
		defer count.mu.Unlock()
		if len(count.named) > 0 {
			t.Errorf("%d of %d deliveries were hinted", len(count.named), events)
		}
	})
}

// TestWhatIsNotCommittedIsNotKept: an intake that is refused gives back the
// places that it would have needed.
func TestWhatIsNotCommittedIsNotKept(t *testing.T) {
	h := newHouse(t, houseOptions{workers: 4})
	h.subscribe(newReceiver(t, always(200)).URL)
	ask := func(hash string) error {
		_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(redemption)}},
			func([]dispatcher.Accepted) (*store.Idempotency, error) {
				return &store.Idempotency{Scope: "events", Key: "k", RequestHash: []byte(hash), Status: 202, Response: []byte("{}")}, nil
			})
		return err
	}
	must(t, ask("one"))
	h.next()
	for range 300 { // more than this process may have in hand
		if err := ask("another"); !webhook.IsKind(err, webhook.KindConflict) {
			t.Fatalf("a key used for something else: %v", err)
		}
	}
	if kept := h.d.Kept(); kept != 0 {
		t.Errorf("bodies of %d bytes are kept", kept)
	}
	h.stop() // and does not wait for what never came
}
