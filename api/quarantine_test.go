package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestQuarantineIsSeenAndReleased: what crashed us three times is listed with
// its reason, counted, and sent when an operator says so (P15). A claim that
// ends without a result is what a crash leaves behind.
func TestQuarantineIsSeenAndReleased(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "carteiro.db") },
		"postgres": testserver.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
			defer receiver.Close()
			address := database(t)
			before := newHouseAt(t, 0, address)
			before.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+receiver.URL+`","event_types":["*"]}`).want(201)
			before.do("POST", "/v1/subscriptions", `{"client_id":"beta","url":"`+receiver.URL+`","event_types":["*"]}`).want(201)
			beta := before.do("GET", "/v1/subscriptions?client_id=beta", "").want(200).text("data", 0, "id")
			before.do("POST", "/v1/subscriptions/"+beta+"/pause", "").want(200)
			id := before.do("POST", "/v1/events", smallEvent).want(202).text("deliveries", 0, "id")
			before.do("POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"beta","data":{"user":{"id":"1"},"exchange":{"id":"2"}}}`).want(202)
			for crash := range int64(3) {
				now := time.Now()
				claimed, err := before.store.Claim(ctx, []store.Ref{{ID: webhook.DeliveryID(id), Generation: 1 + crash}},
					store.ClaimTerms{Now: now, Horizon: now, Lease: now})
				must(t, err)
				if len(claimed) != 1 {
					t.Fatalf("claim %d got %d", crash, len(claimed))
				}
			}
			h := newHouseAt(t, 4, address) // the next start, with workers
			quarantined := func() any { return h.do("GET", "/v1/stats", "").want(200).at("deliveries", "quarantined") }
			await(t, "it is in quarantine", func() bool { return quarantined() == 1.0 })
			for _, query := range []string{"hold_reason=quarantine", "hold_reason=quarantine&state=held", "hold_reason=quarantine&client_id=acme"} {
				got := h.do("GET", "/v1/deliveries?"+query, "").want(200)
				if got.text("data", 0, "id") != id || got.text("data", 0, "hold_reason") != "quarantine" || len(got.at("data").([]any)) != 1 {
					t.Errorf("%s: %s", query, got.body)
				}
			}
			if got := h.do("GET", "/v1/stats?client_id=beta", "").want(200); got.at("deliveries", "quarantined") != 0.0 {
				t.Error(got.body)
			}
			if got := h.do("GET", "/v1/deliveries?hold_reason=paused", "").want(200); got.text("data", 0, "client_id") != "beta" {
				t.Error(got.body)
			}
			if n := len(h.do("GET", "/v1/deliveries?state=held", "").want(200).at("data").([]any)); n != 2 {
				t.Errorf("%d are held, want both", n)
			}
			got := h.do("GET", "/v1/deliveries?hold_reason=quarantine&state=failed", "").want(422)
			if got.text("errors", 0, "path") != "hold_reason" {
				t.Error(got.body)
			}
			h.do("POST", "/v1/deliveries/"+id+"/retry", "").want(202)
			ob := <-h.observed
			if string(ob.DeliveryID) != id || ob.State != webhook.StateSucceeded || quarantined() != 0.0 {
				t.Errorf("after the retry: %+v, %v in quarantine", ob, quarantined())
			}
		})
	}
}

// await looks until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(60 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}
