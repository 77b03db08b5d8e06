package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// broken is an API with one route, GET /broken, that does as told.
func (h *house) broken(do func() (*reply[healthView], error)) http.Handler {
	h.t.Helper()
	a, err := newAPI(h.options())
	must(h.t, err)
	engine, err := a.engine([]route{{get, "/broken", viewer, ofNobody, "broken", handle(func(context.Context, *struct{}) (*reply[healthView], error) {
		return do()
	}, 200)}})
	must(h.t, err)
	return engine
}

const inner = "pq: password authentication failed for user carteiro at 10.0.0.7"

func TestAFaultOfOursSaysOnlyWhereToLook(t *testing.T) {
	for name, do := range map[string]func() (*reply[healthView], error){
		"error":       func() (*reply[healthView], error) { return nil, errors.New(inner) },
		"panic":       func() (*reply[healthView], error) { panic(inner) },
		"error panic": func() (*reply[healthView], error) { panic(errors.New(inner)) },
		"unknown kind": func() (*reply[healthView], error) {
			return nil, &webhook.Error{Kind: 99, Code: "x", Message: inner}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 0)
			got := ask(t, h.broken(do), "GET", "/broken", "", "Authorization: Bearer "+testKey).problem(500, "internal_error")
			if strings.Contains(got.body, "password") || strings.Contains(got.body, "10.0.0.7") {
				t.Errorf("the cause is in the answer: %s", got.body)
			}
			id := got.header.Get("X-Request-Id")
			if id == "" || got.text("request_id") != id {
				t.Errorf("request_id %q, header %q", got.text("request_id"), id)
			}
			log := h.log.String()
			if strings.Count(log, "password authentication") != 1 || !strings.Contains(log, id) {
				t.Errorf("the log does not have the cause once, with its id:\n%s", log)
			}
			if strings.Contains(name, "panic") && !strings.Contains(log, "middleware_test.go") {
				t.Error("the log has no stack")
			}
		})
	}
}

func TestAbortedHandlersStayAborted(t *testing.T) {
	h := newHouse(t, 0)
	handler := h.broken(func() (*reply[healthView], error) { panic(http.ErrAbortHandler) })
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler {
			t.Errorf("recovered %v", cause)
		}
	}()
	ask(t, handler, "GET", "/broken", "", "Authorization: Bearer "+testKey)
}

func TestErrorsThatPassAreToldSo(t *testing.T) {
	h := newHouse(t, 0)
	for _, tc := range []struct {
		err    error
		status int
		code   string
		after  string
	}{
		{&webhook.Error{Kind: webhook.KindUnavailable, Code: "database_unavailable"}, 503, "database_unavailable", "1"},
		{&webhook.Error{Kind: webhook.KindRateLimited, Code: "slow", RetryAfter: 1500e6}, 429, "slow", "2"},
		{context.Canceled, 503, "canceled", "1"},
		{context.DeadlineExceeded, 503, "timeout", "5"},
		{&webhook.Error{Kind: webhook.KindForbidden, Code: "no"}, 403, "no", ""},
	} {
		handler := h.broken(func() (*reply[healthView], error) { return nil, tc.err })
		got := ask(t, handler, "GET", "/broken", "", "Authorization: Bearer "+testKey).problem(tc.status, tc.code)
		if after := got.header.Get("Retry-After"); after != tc.after {
			t.Errorf("%v: Retry-After %q, want %q", tc.err, after, tc.after)
		}
	}
}

func TestADatabaseThatIsAway(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("http://127.0.0.1:9")
	must(t, h.store.Close())
	for _, r := range [][3]string{
		{"POST", "/v1/events", event(redemption)},
		{"POST", "/v1/events/batch", `{"events":[` + event(redemption) + `]}`},
		{"GET", "/v1/events", ""},
		{"GET", "/v1/deliveries", ""},
		{"GET", "/v1/clients/acme", ""},
		{"PUT", "/v1/clients/acme", "{}"},
		{"POST", "/v1/subscriptions/" + sub + "/pause", ""},
		{"PATCH", "/v1/subscriptions/" + sub, `{"description":"x"}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"]}`},
	} {
		got := h.do(r[0], r[1], r[2], "Idempotency-Key: k").problem(503, "database_unavailable")
		if got.header.Get("Retry-After") != "5" {
			t.Errorf("%v: Retry-After %q", r, got.header.Get("Retry-After"))
		}
		if strings.Contains(got.body, "sql") {
			t.Errorf("%v: %s", r, got.body)
		}
	}
	if !strings.Contains(h.log.String(), "requests are refused") {
		t.Error("nothing was logged")
	}
}

func TestTheLogHasNoSecretsAndNoPayloads(t *testing.T) {
	h := newHouse(t, 0)
	const canary = "canary-7f3a9c"
	h.do("POST", "/v1/events", event(`{"user":{"id":"`+canary+`"},"exchange":{"id":"1"}}`)).want(202)
	h.do("POST", "/v1/events", `{"`+canary).want(400)
	h.do("GET", "/v1/deliveries?client_id="+canary, "").want(200)
	h.do("GET", "/v1/clients/"+canary, "").want(404)
	h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9/`+canary+`","event_types":["*"],"headers":{"X-Key":"`+canary+`"}}`).want(201)
	ask(t, h.handler, "GET", "/v1/clients", "", "Authorization: Bearer "+canary).want(401)
	log := h.log.String()
	for _, secret := range []string{canary, testKey, "whsec_"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	if n := strings.Count(log, "msg=request"); n != 6 {
		t.Errorf("%d lines for 6 requests", n)
	}
	if !strings.Contains(log, "method=GET route=/v1/clients/{client_id} status=404") {
		t.Errorf("no line with the route's pattern:\n%s", log)
	}
}
