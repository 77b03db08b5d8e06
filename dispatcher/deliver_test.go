package dispatcher_test

import (
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestAnEventIsDelivered(t *testing.T) {
	r := newReceiver(t, always(200))
	h := newHouse(t, houseOptions{})
	h.subscribe(r.URL)
	accepted := h.post(redemption)
	got := h.next()
	if got.State != webhook.StateSucceeded || got.MessageID != accepted.Message.ID {
		t.Fatalf("observed %+v", got)
	}
	if n := len(r.requests()); n != 1 {
		t.Errorf("the receiver got %d requests", n)
	}
	if body := r.requests()[0].body; body != string(accepted.Message.Body) {
		t.Errorf("the body on the wire is %s", body)
	}
	t.Log(got.Attempt.StartedAt.Sub(got.Due), got.Attempt.Duration, string(accepted.Message.Body))
}
