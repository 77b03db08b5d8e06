package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The matrix: every route of the table, with every kind of key, on what is of
// each of two clients. What must come out follows from what the route declares.

// holder is a kind of key.
type holder struct {
	name   string
	key    string // "": none
	bad    bool   // it is not valid
	role   webhook.Role
	client webhook.ClientID
}

const (
	clientA webhook.ClientID = "acme"
	clientB webhook.ClientID = "beta"
)

// canary is in everything that a client has and that a route may show.
func canary(client webhook.ClientID) string { return "canary-of-" + string(client) }

// key makes a key and returns its id and its text.
func (h *house) key(body string) (id, text string) {
	h.t.Helper()
	got := h.do("POST", "/v1/api-keys", body).want(201)
	return got.text("id"), got.text("key")
}

func (h *house) holders() []holder {
	h.t.Helper()
	_, expired := h.key(`{"name":"expired","role":"operator","expires_at":"` + time.Now().Add(time.Hour).Format(time.RFC3339Nano) + `"}`)
	id, revoked := h.key(`{"name":"revoked","role":"operator"}`)
	h.do("DELETE", "/v1/api-keys/"+id, "").want(204)
	all := []holder{
		{name: "no key", bad: true},
		{name: "a wrong key", key: webhook.NewKeyText().Reveal(), bad: true},
		{name: "an expired key", key: expired, bad: true},
		{name: "a revoked key", key: revoked, bad: true},
		{name: "the configured key", key: testKey, role: webhook.RoleAdmin},
	}
	for _, role := range []webhook.Role{webhook.RoleAdmin, webhook.RoleOperator, webhook.RoleProducer, webhook.RoleViewer} {
		_, text := h.key(`{"name":"x","role":"` + string(role) + `"}`)
		all = append(all, holder{name: string(role), key: text, role: role})
		for _, client := range []webhook.ClientID{clientA, clientB} {
			if role == webhook.RoleAdmin {
				continue
			}
			_, text := h.key(fmt.Sprintf(`{"name":"x","role":%q,"client_id":%q}`, role, client))
			all = append(all, holder{name: string(role) + " of " + string(client), key: text, role: role, client: client})
		}
	}
	return all
}

// expire lets the one key that has an end come to it.
func (h *house) expire() { h.late.Store(int64(2 * time.Hour)) }

// world makes what clients have.
type world struct {
	*house
	n int // requests so far; each comes from an address of its own
}

// resource makes a fresh resource of a client and returns its id.
func (w *world) resource(kind whose, client webhook.ClientID) string {
	w.t.Helper()
	switch kind {
	case ofSubscription:
		return w.do("POST", "/v1/subscriptions", w.body("create-subscription", client)).want(201).text("id")
	case ofEvent:
		return w.do("POST", "/v1/events", w.body("post-event", client)).want(202).text("id")
	case ofDelivery:
		w.resource(ofSubscription, client)
		return w.do("POST", "/v1/events", w.body("post-event", client)).want(202).text("deliveries", 0, "id")
	case ofVerification:
		return w.do("POST", "/v1/verifications", w.body("create-verification", client)).want(201).text("id")
	case ofJob: // a bound key sees those that keys of its client made
		_, text := w.key(fmt.Sprintf(`{"name":"x","role":"operator","client_id":%q}`, client))
		return w.as(holder{key: text}, "POST", "/v1/replays", w.body("start-replay", client)).want(202).text("id")
	case ofRun:
		w.resource(ofSubscription, client)
		return w.do("POST", "/v1/exports/vendas/runs", w.body("start-run", client)).want(202).text("id")
	}
	id, _ := w.key(`{"name":"x","role":"viewer"}`) // the only one that is of the platform
	return id
}

// body is a body with which an operation succeeds.
func (w *world) body(operation string, client webhook.ClientID) string {
	word := canary(client)
	event := fmt.Sprintf(`{"type":"shop.product.redemption","client_id":%q,"data":{"user":{"id":"1","name":%q},"exchange":{"id":"3","quantity":"1"}}}`, client, word)
	return map[string]string{
		"put-client":          fmt.Sprintf(`{"name":%q}`, word),
		"create-subscription": fmt.Sprintf(`{"client_id":%q,"url":"http://127.0.0.1:9/%s","event_types":["*","shop.product.redemption"]}`, client, word),
		"change-subscription": `{"description":"` + word + `"}`,
		"put-event-type":      `{"name":"Matrix"}`,
		"post-event":          event,
		"post-events":         `{"events":[` + event + `]}`,
		"create-verification": fmt.Sprintf(`{"nationalId":"012345678900","verifications":{},"callback":{"url":"http://127.0.0.1:9/%s","method":"PUT"},"metadata":{"a":%q},"client_id":%q}`, word, word, client),
		"end-verification":    `{"status":"COMPLETED"}`,
		"change-export":       `{"page_size":77}`,
		"start-run":           fmt.Sprintf(`{"start_date":"2025-06-15","end_date":"2025-06-15","client_id":%q}`, client),
		"start-replay":        fmt.Sprintf(`{"filter":{"client_id":%q}}`, client),
		"put-records":         `[{"_id":"` + word + `","updatedAt":"2025-06-15T18:00:00Z"}]`,
		"create-api-key":      `{"name":"x","role":"viewer"}`,

		// A second rotation must not find the first one's overlap.
		"rotate-client-secret":       `{"overlap":"0s"}`,
		"rotate-subscription-secret": `{"overlap":"0s"}`,
	}[operation]
}

// target is the URL of a route on what is of a client.
func (w *world) target(r *route, client webhook.ClientID) string {
	w.t.Helper()
	id := ""
	if strings.Contains(r.path, "{id}") {
		id = w.resource(r.whose, client)
	}
	slug := "shop.product.redemption"
	if r.method == put {
		slug = "matrix.test"
	}
	path := strings.NewReplacer("{client_id}", string(client), "{id}", id, "{slug}", slug, "{name}", "vendas", "{dataset}", "ingressos", "{profile}", "goroutine").Replace(r.path)
	if r.id == "put-records" || r.whose == ofQuery {
		path += "?client_id=" + string(client)
	}
	return path
}

// want is what a route must answer to a key on what is of a client: a status
// and a code of a problem, or 0 when it must do what it is there for.
func want(r *route, who holder, client webhook.ClientID) (status int, code string) {
	switch {
	case r.who == public:
		return 0, ""
	case who.bad:
		return 401, ""
	case !slices.Contains(r.who.roles(), who.role):
		return 403, "role_needed"
	case who.client != "" && (r.whose == ofPlatform || r.whose == ofProcess):
		return 403, "key_is_bound"
	case who.client == "" || who.client == client || r.whose == ofNobody:
		return 0, ""
	}
	switch r.whose {
	case ofQuery:
		return 403, "other_client"
	case ofInput, ofIntake:
		if r.method != get { // a list, which is filtered
			return 403, "other_client"
		}
		return 0, ""
	}
	return 404, "not_found"
}

// as sends a request with a key, from an address of its own.
func (w *world) as(who holder, method, target, body string) *answer {
	w.t.Helper()
	w.n++
	var headers []string
	if who.key != "" {
		headers = append(headers, "Authorization: Bearer "+who.key)
	}
	from := fmt.Sprintf("10.%d.%d.%d:1", w.n>>16&255, w.n>>8&255, w.n&255)
	return askFrom(w.t, from, w.handler, httptest.NewRequest(method, target, strings.NewReader(body)), headers...)
}

func TestRoutesByRolesByClients(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		a, err := newAPI(h.options())
		must(t, err)
		w := &world{house: h}
		holders := h.holders()
		h.expire()
		for _, client := range []webhook.ClientID{clientA, clientB} {
			for _, kind := range []whose{ofDelivery, ofVerification, ofRun} {
				w.resource(kind, client)
			}
			h.do("PUT", "/v1/clients/"+string(client), w.body("put-client", client))
		}
		for _, r := range a.routes() {
			for _, who := range holders {
				for _, client := range []webhook.ClientID{clientA, clientB} {
					w.checkCell(t, &r, who, client)
				}
				if r.whose == ofQuery { // and without saying for whom
					w.checkCell(t, &r, who, "")
				}
			}
		}
	})
}

func (w *world) checkCell(t *testing.T, r *route, who holder, client webhook.ClientID) {
	t.Helper()
	status, code := want(r, who, client)
	target := w.target(r, client)
	if client == "" {
		target = strings.TrimSuffix(target, "?client_id=")
		status, code = want(r, who, who.client)
	}
	cell := fmt.Sprintf("%s for %s on %q of %q", r.id, who.name, target, client)
	got := w.as(who, r.method, target, w.body(r.id, client))
	switch {
	case status == 0 && got.status/100 != 2:
		t.Errorf("%s: %d, want success: %s", cell, got.status, got.body)
	case status != 0 && got.status != status:
		t.Errorf("%s: %d, want %d: %s", cell, got.status, status, got.body)
	case code != "" && got.text("code") != code:
		t.Errorf("%s: %s, want the code %s", cell, got.body, code)
	}
	other := map[webhook.ClientID]webhook.ClientID{clientA: clientB, clientB: clientA}[who.client]
	if other == "" {
		return
	}
	if strings.Contains(got.body, canary(other)) {
		t.Errorf("%s shows what is of %s: %s", cell, other, got.body)
	}
	if got.status == http.StatusOK && strings.Contains(got.header.Get("Content-Type"), "json") && r.id != "get-openapi" {
		var v any
		got.into(&v)
		if strangers(v, string(who.client)) {
			t.Errorf("%s shows another client: %s", cell, got.body)
		}
	}
}

// strangers tells whether a value names another client anywhere.
func strangers(v any, client string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return strangers(e, client) })
	case map[string]any:
		for name, e := range v {
			if s, ok := e.(string); name == "client_id" && ok && s != client || strangers(e, client) {
				return true
			}
		}
	}
	return false
}

// TestTheMatrixCanFail lets the canary through: what the matrix looks for is
// there when nobody is kept away.
func TestTheMatrixCanFail(t *testing.T) {
	w := &world{house: newHouse(t, 0)}
	w.resource(ofDelivery, clientA)
	w.resource(ofDelivery, clientB)
	got := w.do("GET", "/v1/subscriptions", "").want(200)
	var v any
	got.into(&v)
	if !strings.Contains(got.body, canary(clientB)) || !strangers(v, string(clientA)) {
		t.Errorf("an admin does not see another client: %s", got.body)
	}
}
