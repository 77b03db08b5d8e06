package api

import (
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The counts, the queue, the attempts and the causes of failures after a
// delivery that was taken and two that were not, as the platform and as each
// of two clients see them.
func TestStatsTellWhatHappened(t *testing.T) {
	h := newHouse(t, 8)
	good, _ := newReceiver(t, 200, "")
	bad, _ := newReceiver(t, 503, "")
	h.subscribe(good)
	failing := h.do("POST", "/v1/subscriptions", `{"client_id":"beta","url":"`+bad+`","event_types":["*"]}`).want(201).text("id")
	h.do("POST", "/v1/subscriptions", `{"client_id":"*","url":"`+bad+`","event_types":["*"]}`).want(201)
	h.do("POST", "/v1/events", event(redemption)).want(202)
	h.do("POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"beta","data":`+redemption+`}`).want(202)
	for range 4 {
		h.next()
	}
	acme, beta := h.boundKey("acme"), h.boundKey("beta")
	for _, tc := range []struct {
		name                string
		got                 *answer
		succeeded, retrying float64 // retrying ones are waiting, and scheduled
		causes              int
	}{
		{"everything", h.do("GET", "/v1/stats", ""), 1, 3, 1},
		{"of acme", h.do("GET", "/v1/stats?client_id=acme", ""), 1, 1, 1},
		{"as acme", ask(t, h.handler, "GET", "/v1/stats", "", "Authorization: Bearer "+acme), 1, 0, 0},
		{"as beta", ask(t, h.handler, "GET", "/v1/stats", "", "Authorization: Bearer "+beta), 0, 1, 1},
		{"of nobody", h.do("GET", "/v1/stats?client_id=nobody", ""), 0, 0, 0},
		{"of the future", h.do("GET", "/v1/stats?since="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339), ""), 0, 0, 1},
	} {
		var v statsView
		tc.got.want(200).into(&v)
		states := v.Deliveries.States
		if float64(states.Succeeded) != tc.succeeded || float64(states.Retrying) != tc.retrying || states.Pending+states.Failed != 0 || !v.Deliveries.Complete {
			t.Errorf("%s: %+v", tc.name, states)
		}
		if tc.name == "of the future" {
			continue
		}
		if n := tc.succeeded + tc.retrying; float64(v.Attempts.Sampled) != n || float64(v.Attempts.Duration.Count) != n || float64(v.Attempts.Late.Count) != n {
			t.Errorf("%s: attempts %+v", tc.name, v.Attempts)
		}
		if got := v.Queue.Lanes[1]; float64(got.Scheduled) != tc.retrying || (got.NextDueAt != nil) != (tc.retrying > 0) || v.Queue.OldestDueAt != nil {
			t.Errorf("%s: queue %+v", tc.name, v.Queue)
		}
		if len(v.Failing) != tc.causes {
			t.Fatalf("%s: failing %+v", tc.name, v.Failing)
		}
		if tc.causes > 0 && (v.Failing[0].Status != 503 || v.Failing[0].Error != webhook.ErrorStatus || float64(v.Failing[0].Waiting) != tc.retrying) {
			t.Errorf("%s: failing %+v", tc.name, v.Failing)
		}
	}
	var v statsView
	ask(t, h.handler, "GET", "/v1/stats", "", "Authorization: Bearer "+beta).into(&v)
	s := v.Failing[0].Subscriptions
	if len(s) != 1 || string(s[0].SubscriptionID) != failing || s[0].Health.States.Retrying != 1 || s[0].Health.LastSuccessAt != nil {
		t.Errorf("as beta: %+v", s)
	}
}

// boundKey makes a viewer's key that is bound to a client.
func (h *house) boundKey(client string) string {
	h.t.Helper()
	return h.do("POST", "/v1/api-keys", `{"name":"`+client+`","role":"viewer","client_id":"`+client+`"}`).want(201).text("key")
}
