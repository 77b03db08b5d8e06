package api

import (
	"strings"
	"sync"
	"testing"
)

func (a *answer) replayed() bool { return a.header.Get("Idempotency-Replayed") == "true" }

// count is how many entries a list has, up to 500.
func (h *house) count(list string) int {
	h.t.Helper()
	l, ok := h.do("GET", list, "").want(200).at("data").([]any)
	if !ok {
		h.t.Fatalf("%s has no data", list)
	}
	return len(l)
}

func TestTheSameKeyAnswersAsTheFirstTime(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("http://127.0.0.1:9")
	delivery := h.do("POST", "/v1/events", event(redemption)).want(202).text("deliveries", 0, "id")
	for _, tc := range []struct {
		target, body, other string
		status              int
	}{
		{"/v1/events", event(redemption), event(redemption + " "), 202},
		{"/v1/events/batch", `{"events":[` + event(redemption) + `]}`, `{"events":[` + event(redemption) + ` ]}`, 202},
		{"/v1/subscriptions", subscriptionJSON, strings.Replace(subscriptionJSON, "/x", "/y", 1), 201},
		{"/v1/deliveries/" + delivery + "/retry", "", "{}", 202},
	} {
		key := "Idempotency-Key: the key of " + tc.target
		first := h.do("POST", tc.target, tc.body, key).want(tc.status)
		if first.replayed() {
			t.Errorf("%s: the first answer says that it is a replay", tc.target)
		}
		events, subs := h.count("/v1/events"), h.count("/v1/subscriptions")
		second := h.do("POST", tc.target, tc.body, key).want(tc.status)
		// A new process on the same database knows the key too.
		again, err := New(h.options())
		must(t, err)
		third := ask(t, again, "POST", tc.target, tc.body, "Authorization: Bearer "+testKey, key).want(tc.status)
		for _, got := range []*answer{second, third} {
			if got.body != first.body || !got.replayed() || got.header.Get("Location") != first.header.Get("Location") {
				t.Errorf("%s: %s (replayed %v), at first %s", tc.target, got.body, got.replayed(), first.body)
			}
		}
		h.do("POST", tc.target, tc.other, key).problem(409, "idempotency_key_reused")
		if h.count("/v1/events") != events || h.count("/v1/subscriptions") != subs {
			t.Errorf("%s: something was created again", tc.target)
		}
	}
	// The key of one route means nothing at another.
	h.do("POST", "/v1/events", event(redemption), "Idempotency-Key: the key of /v1/subscriptions").want(202)
}

func TestARefusedRequestDoesNotUseItsKeyUp(t *testing.T) {
	h := newHouse(t, 0)
	key := "Idempotency-Key: k"
	h.do("POST", "/v1/events", `{"type":"later","client_id":"acme","data":1}`, key).want(422)
	h.do("PUT", "/v1/event-types/later", `{"name":"Later"}`).want(201)
	if h.do("POST", "/v1/events", `{"type":"later","client_id":"acme","data":1}`, key).want(202).replayed() {
		t.Error("a refused request was replayed")
	}
}

func TestAReplayStandsAgainstALaterCatalogue(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("http://127.0.0.1:9")
	body := strings.Replace(event(redemption), `{"type"`, `{"subscription_id":"`+sub+`","type"`, 1)
	first := h.do("POST", "/v1/events", body, "Idempotency-Key: k").want(202)
	h.do("DELETE", "/v1/subscriptions/"+sub, "").want(204)
	second := h.do("POST", "/v1/events", body, "Idempotency-Key: k").want(202)
	if second.body != first.body || !second.replayed() {
		t.Errorf("%s, at first %s", second.body, first.body)
	}
	h.do("POST", "/v1/events", body, "Idempotency-Key: l").want(422)
}

func TestTheSameKeyAtTheSameTime(t *testing.T) {
	h := newHouse(t, 0)
	for target, body := range map[string]string{"/v1/events": event(redemption), "/v1/subscriptions": subscriptionJSON} {
		answers := make([]*answer, 24)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				answers[i] = ask(t, h.handler, "POST", target, body, "Authorization: Bearer "+testKey, "Idempotency-Key: same")
			})
		}
		wg.Wait()
		firsts := 0
		for _, a := range answers {
			if a.status/100 != 2 || a.body != answers[0].body {
				t.Errorf("%s: %d %s", target, a.status, a.body)
			}
			if !a.replayed() {
				firsts++
			}
		}
		if n := h.count(target); firsts != 1 || n != 1 {
			t.Errorf("%s: %d first answers, %d created", target, firsts, n)
		}
	}
}

func TestTheStoredAnswerHidesTheSecret(t *testing.T) {
	h := newHouse(t, 0)
	created := h.do("POST", "/v1/subscriptions", subscriptionJSON, "Idempotency-Key: k").want(201)
	if !strings.HasPrefix(created.text("secret"), "whsec_") {
		t.Fatal(created.body)
	}
	stored := h.storedAnswer("key_admin POST /v1/subscriptions", "k", "/v1/subscriptions", subscriptionJSON)
	if strings.Contains(string(stored), "whsec_") || strings.Contains(string(stored), "client_id") {
		t.Error("the stored answer is not sealed")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	h := newHouse(t, 0)
	for _, key := range []string{"", strings.Repeat("k", 256), "a\tb", "é", "a\x7f"} {
		got := h.do("POST", "/v1/events", event(redemption), "Idempotency-Key: "+key).problem(422, "invalid_request")
		if p := got.paths(); len(p) != 1 || p[0] != "Idempotency-Key" {
			t.Errorf("%q: %v", key, p)
		}
	}
	h.do("POST", "/v1/events", event(redemption), "Idempotency-Key: "+strings.Repeat("k", 255)).want(202)
}
