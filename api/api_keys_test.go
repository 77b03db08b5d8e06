package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func bearerOf(text string) string { return "Authorization: Bearer " + text }

func TestAPIKeys(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		end := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
		made := h.do("POST", "/v1/api-keys", `{"name":"CI of acme","role":"producer","client_id":"acme","expires_at":"`+
			end.Format(time.RFC3339)+`","rate_limit":5}`).want(201)
		id, text := made.text("id"), made.text("key")
		if made.header.Get("Location") != "/v1/api-keys/"+id || !strings.HasPrefix(text, made.text("start")) {
			t.Errorf("%v %s", made.header, made.body)
		}
		h.do("GET", "/v1/clients/acme", "").want(200) // it was made with its key
		shown := h.do("GET", "/v1/api-keys/"+id, "").want(200)
		listed := h.do("GET", "/v1/api-keys", "").want(200)
		for name, want := range map[string]any{
			"name": "CI of acme", "role": "producer", "client_id": "acme", "expires_at": end.Format(time.RFC3339),
			"rate_limit": 5.0, "created_by": "key_admin", "last_used_at": nil,
		} {
			if shown.at(name) != want || listed.at("data", 0, name) != want || made.at(name) != want {
				t.Errorf("%s is %v, %v and %v, want %v", name, made.at(name), shown.at(name), listed.at("data", 0, name), want)
			}
		}
		for _, got := range []*answer{shown, listed} {
			if strings.Contains(got.body, text[13:]) || strings.Contains(got.body, "hash") {
				t.Errorf("a key is shown again: %s", got.body)
			}
		}
		ask(t, h.handler, "GET", "/v1/events", "", bearerOf(text)).want(200)
		h.do("DELETE", "/v1/api-keys/"+id, "").want(204)
		got := ask(t, h.handler, "GET", "/v1/events", "", bearerOf(text)).problem(401, "key_revoked")
		if got.header.Get("WWW-Authenticate") == "" {
			t.Error("no WWW-Authenticate")
		}
		h.do("DELETE", "/v1/api-keys/"+id, "").problem(404, "not_found")
		h.do("GET", "/v1/api-keys/"+id, "").problem(404, "not_found")
		if n := h.count("/v1/api-keys"); n != 0 {
			t.Errorf("%d keys are listed", n)
		}
		if strings.Contains(h.log.String(), text[13:]) {
			t.Error("the key is in the log")
		}
	})
}

// A key that one process revokes is refused by the next request to another.
func TestARevokedKeyIsRefusedByOtherProcesses(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		other, err := access.New(access.Options{Store: h.store, AdminKey: testKey})
		must(t, err)
		defer other.Stop()
		o := h.options()
		o.Access = other
		there := h.holding(o)
		for range 10 {
			id, text := h.key(`{"name":"x","role":"producer"}`)
			ask(t, there, "POST", "/v1/events", event(redemption), bearerOf(text)).want(202)
			h.do("DELETE", "/v1/api-keys/"+id, "").want(204)
			ask(t, there, "POST", "/v1/events", event(redemption), bearerOf(text)).want(401)
		}
	})
}

func TestAnExpiredKeyIsToldSo(t *testing.T) {
	h := newHouse(t, 0)
	_, text := h.key(`{"name":"summer","role":"viewer","expires_at":"` + time.Now().Add(time.Hour).Format(time.RFC3339Nano) + `"}`)
	ask(t, h.handler, "GET", "/v1/events", "", bearerOf(text)).want(200)
	h.expire()
	got := ask(t, h.handler, "GET", "/v1/events", "", bearerOf(text)).problem(401, "key_expired")
	if !strings.Contains(got.text("detail"), `"summer"`) || !strings.Contains(got.text("detail"), "expired at") {
		t.Error(got.body)
	}
}

func TestFaultsOfAPIKeys(t *testing.T) {
	h := newHouse(t, 0)
	for body, want := range map[string]string{
		`{}`:                         "/name /role",
		`{"name":"x","role":"root"}`: "/role",
		`{"name":"x","role":"admin","client_id":"a"}`:                                      "/client_id",
		`{"name":"x","role":"viewer","client_id":"*"}`:                                     "/client_id",
		`{"name":"x","role":"viewer","client_id":""}`:                                      "/client_id",
		`{"name":"x","role":"viewer","expires_at":"2020-01-01T00:00:00Z","rate_limit":-1}`: "/rate_limit",
		`{"name":"x","role":"viewer","expires_at":"2020-01-01T00:00:00Z"}`:                 "/expires_at",
		`{"name":"x","role":"viewer","rate_limit":1000001}`:                                "/rate_limit",
		`{"name":"x","role":"viewer","key":"carteiro_mine"}`:                               "/key",
	} {
		got := h.do("POST", "/v1/api-keys", body).problem(422, "invalid_request")
		if p := strings.Join(got.paths(), " "); p != want {
			t.Errorf("%s: %q, want %q: %s", body, p, want, got.body)
		}
	}
	h.do("DELETE", "/v1/api-keys/sub_1", "").problem(404, "not_found")
	if got := h.do("DELETE", "/v1/api-keys/key_admin", "").problem(404, "not_found"); !strings.Contains(got.body, "CARTEIRO_ADMIN_KEY") {
		t.Error(got.body)
	}
	if got := ask(t, h.handler, "GET", "/v1/events", "", bearerOf(webhook.NewKeyText().Reveal()+"x")).problem(401, "unauthorized"); !strings.Contains(got.body, "not copied exactly") {
		t.Error(got.body)
	}
}

// The repeat of a request shows the key again, to its caller only; at rest the
// answer is sealed.
func TestAKeyIsMadeOnceWithAnIdempotencyKey(t *testing.T) {
	h := newHouse(t, 0)
	const body = `{"name":"x","role":"admin"}`
	first := h.do("POST", "/v1/api-keys", body, "Idempotency-Key: k").want(201)
	again := h.do("POST", "/v1/api-keys", body, "Idempotency-Key: k").want(201)
	if again.body != first.body || !again.replayed() || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("%s, at first %s", again.body, first.body)
	}
	h.do("POST", "/v1/api-keys", body+" ", "Idempotency-Key: k").problem(409, "idempotency_key_reused")
	stored := h.storedAnswer("key_admin POST /v1/api-keys", "k", "/v1/api-keys", body)
	if strings.Contains(string(stored), "carteiro_") {
		t.Error("the stored answer is not sealed")
	}
	other := ask(t, h.handler, "POST", "/v1/api-keys", body, "Idempotency-Key: k", bearerOf(first.text("key"))).want(201)
	if other.text("key") == first.text("key") || other.text("created_by") != first.text("id") {
		t.Errorf("another caller's key means the same: %s", other.body)
	}
	if n := h.count("/v1/api-keys"); n != 2 {
		t.Errorf("%d keys", n)
	}
}

// stands is the API with a clock that stands still but for late.
func (h *house) stands() http.Handler {
	h.t.Helper()
	began := time.Now()
	o := h.options()
	o.Now = func() time.Time { return began.Add(time.Duration(h.late.Load())) }
	var err error
	o.Access, err = access.New(access.Options{Store: h.store, AdminKey: testKey, Now: o.Now})
	must(h.t, err)
	h.t.Cleanup(o.Access.Stop)
	handler := h.holding(o)
	return handler
}

func TestAKeyHasARate(t *testing.T) {
	h := newHouse(t, 0)
	handler := h.stands()
	_, text := h.key(`{"name":"x","role":"producer","rate_limit":4}`)
	post := func(target, body string) *answer {
		return ask(t, handler, "POST", target, body, bearerOf(text))
	}
	for range 2 {
		post("/v1/events", event(redemption)).want(202)
	}
	post("/v1/events", "{").want(400) // counts too
	post("/v1/events/batch", `{"events":[`+event(redemption)+`,`+event(redemption)+`,`+event(redemption)+`]}`).want(202)
	// It was 4 requests and 2 events more: 3 are missing for the next one.
	got := post("/v1/events", event(redemption)).problem(429, "rate_limited")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	if n := h.count("/v1/events"); n != 5 {
		t.Errorf("%d events were accepted", n)
	}
	h.late.Add(int64(740 * time.Millisecond))
	post("/v1/events", event(redemption)).want(429)
	h.late.Add(int64(20 * time.Millisecond))
	post("/v1/events", event(redemption)).want(202)
	for range 50 {
		h.do("GET", "/v1/clients", "").want(200) // the admin's has none
	}
}

func TestWrongKeysAreToldToWait(t *testing.T) {
	h := newHouse(t, 0)
	waits := 0
	for range 15 {
		got := ask(t, h.handler, "GET", "/v1/events", "", bearerOf("wrong"))
		if got.status == http.StatusTooManyRequests {
			got.problem(429, "too_many_wrong_keys")
			waits++
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if waits != 5 {
		t.Errorf("%d of 15 were told to wait", waits)
	}
	h.do("GET", "/v1/events", "").want(200)
	ask(t, h.handler, "GET", "/v1/events", "").problem(401, "unauthorized")
}

func TestTheCallersAddress(t *testing.T) {
	for _, tc := range []struct{ from, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1"},
		{"192.0.2.1:1", "198.51.100.1", "192.0.2.1"}, // nobody trusts it
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"[::ffff:10.0.0.1]:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"}, // the first is invented
		{"10.0.0.1:1", "198.51.100.1:4711", "198.51.100.1"},
		{"10.0.0.1:1", "[2001:db8::1]:4711", "2001:db8::1"},
		{"10.0.0.1:1", "2001:db8::1", "2001:db8::1"},
		{"10.0.0.1:1", "198.51.100.1, unknown", "10.0.0.1"},
		{"10.0.0.1:1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"@", "198.51.100.1", ""},
	} {
		proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.from
		if tc.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tc.forwarded)
		}
		c := call{from: guard.RemoteAddr(r, proxies)}
		if got := c.remote(); got != tc.want {
			t.Errorf("%q, forwarded for %q: %q, want %q", tc.from, tc.forwarded, got, tc.want)
		}
	}
}

// The database is away: a key cannot be checked, and nobody is let in.
func TestKeysWithoutADatabase(t *testing.T) {
	h := newHouse(t, 0)
	_, text := h.key(`{"name":"x","role":"viewer"}`)
	must(t, h.store.Close())
	got := ask(t, h.handler, "GET", "/v1/clients", "", bearerOf(text)).problem(503, "database_unavailable")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.do("GET", "/v1/nothing", "").problem(404, "not_found") // the configured key needs none
}
