package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestSubscriptionsToAllAreThePlatforms: only admins touch them, and a client
// does not see the deliveries that its own events make for them.
func TestSubscriptionsToAllAreThePlatforms(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		w := &world{house: h}
		admin := holder{key: testKey}
		_, text := h.key(`{"name":"x","role":"operator"}`)
		operator := holder{key: text}
		_, text = h.key(`{"name":"x","role":"operator","client_id":"acme"}`)
		ofAcme := holder{key: text}
		_, text = h.key(`{"name":"x","role":"viewer"}`)
		viewer := holder{key: text}

		all := w.body("create-subscription", webhook.AllClients)
		got := w.as(operator, "POST", "/v1/subscriptions", all).problem(403, "admin_needed")
		if p := got.paths(); len(p) != 1 || p[0] != "/client_id" {
			t.Errorf("paths %v", p)
		}
		w.as(ofAcme, "POST", "/v1/subscriptions", all).problem(403, "other_client")
		_, text = h.key(`{"name":"x","role":"admin"}`)
		id := w.as(holder{key: text}, "POST", "/v1/subscriptions", all).want(201).text("id")
		own := w.resource(ofSubscription, clientA)
		event := w.as(admin, "POST", "/v1/events", w.body("post-event", clientA)).want(202)
		if n := len(event.at("deliveries").([]any)); n != 2 {
			t.Fatalf("%d deliveries", n)
		}

		a, err := newAPI(h.options())
		must(t, err)
		for _, r := range a.routes() {
			if r.whose != ofSubscription || r.method == del {
				continue
			}
			path := strings.Replace(r.path, "{id}", id, 1)
			w.as(ofAcme, r.method, path, w.body(r.id, clientA)).problem(404, "not_found")
			w.as(admin, r.method, path, w.body(r.id, clientA)).want(200)
			if slices.Contains(r.who.roles(), webhook.RoleViewer) {
				w.as(viewer, r.method, path, "").want(200)
				w.as(operator, r.method, path, "").want(200)
			} else {
				w.as(operator, r.method, path, w.body(r.id, clientA)).problem(403, "admin_needed")
			}
		}
		// With the subscription deleted, it is still the platform's.
		for range 2 {
			listed := w.as(ofAcme, "GET", "/v1/deliveries", "").want(200)
			detail := w.as(ofAcme, "GET", "/v1/events/"+event.text("id"), "").want(200)
			for _, got := range []*answer{listed, detail} {
				if strings.Contains(got.body, canary(webhook.AllClients)) || strings.Contains(got.body, id) || !strings.Contains(got.body, own) {
					t.Errorf("a client's key sees %s", got.body)
				}
			}
			for i := range 2 {
				delivery := event.text("deliveries", i, "id")
				want := map[bool]int{true: 200, false: 404}[event.text("deliveries", i, "subscription_id") == own]
				w.as(ofAcme, "GET", "/v1/deliveries/"+delivery, "").want(want)
				w.as(viewer, "GET", "/v1/deliveries/"+delivery, "").want(200)
			}
			h.do("DELETE", "/v1/subscriptions/"+id, "")
		}
	})
}

// TestABoundKeyNeedNotSayWhose: where a client_id is optional, the key's own
// is taken, and each record may tell it too.
func TestABoundKeyNeedNotSayWhose(t *testing.T) {
	h := newHouse(t, 0)
	w := &world{house: h}
	_, text := h.key(`{"name":"x","role":"producer","client_id":"acme"}`)
	producer := holder{key: text}
	_, text = h.key(`{"name":"x","role":"operator","client_id":"acme"}`)
	operator := holder{key: text}
	w.resource(ofSubscription, clientA)
	if got := w.as(producer, "POST", "/v1/verifications", `{"nationalId":"1","verifications":{}}`).want(201); got.text("client_id") != "acme" {
		t.Error(got.body)
	}
	if got := w.as(operator, "POST", "/v1/exports/vendas/runs", "").want(202); got.text("client_id") != "acme" {
		t.Error(got.body)
	}
	w.as(producer, "PUT", "/v1/records/ingressos", `[{"_id":"1","updatedAt":"2025-06-15T18:00:00Z"}]`).want(200)
	mixed := `{"_id":"2","updatedAt":"2025-06-15T18:00:00Z","of":"acme"}` + "\n" + `{"_id":"3","updatedAt":"2025-06-15T18:00:00Z","of":"beta"}` + "\n"
	got := w.as(producer, "PUT", "/v1/records/ingressos?client_field=of", mixed).want(200)
	if got.at("accepted") != 1.0 || got.at("refused", 0, "line") != 2.0 || !strings.Contains(got.text("refused", 0, "reason"), `bound to client "acme"`) {
		t.Error(got.body)
	}
	// The batch's event that is not the key's is named.
	batch := `{"events":[` + w.body("post-event", clientA) + `,` + w.body("post-event", clientB) + `]}`
	refused := w.as(producer, "POST", "/v1/events/batch", batch).problem(403, "other_client")
	if p := refused.paths(); len(p) != 1 || p[0] != "/events/1/client_id" {
		t.Errorf("paths %v", p)
	}
	if n := h.count("/v1/events"); n != 0 {
		t.Errorf("%d events of a refused batch were kept", n)
	}
}

// TestABoundKeySeesItsPartOfARun makes a run for all clients.
func TestABoundKeySeesItsPartOfARun(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		w := &world{house: h}
		for _, client := range []webhook.ClientID{clientA, clientB} {
			w.resource(ofSubscription, client)
			h.do("PUT", "/v1/records/ingressos?client_id="+string(client), w.body("put-records", client)).want(200)
		}
		h.do("PUT", "/v1/clients/idle", "").want(201)
		id := h.do("POST", "/v1/exports/ingressos/runs", `{"start_date":"2025-06-15","end_date":"2025-06-15"}`).want(202).text("id")
		h.s.Start()
		h.awaitHandedOver("/v1/runs/" + id)
		_, text := h.key(`{"name":"x","role":"viewer","client_id":"acme"}`)
		acme := holder{key: text}
		_, text = h.key(`{"name":"x","role":"viewer","client_id":"idle"}`)
		idle := holder{key: text}
		if got := h.do("GET", "/v1/runs/"+id, "").want(200); len(got.at("clients").([]any)) != 2 || got.at("records") != 2.0 {
			t.Fatal(got.body)
		}
		for _, path := range []string{"/v1/runs/" + id, "/v1/runs/" + id + "/receipt"} {
			got := w.as(acme, "GET", path, "").want(200)
			if len(got.at("clients").([]any)) != 1 || got.at("records") != 1.0 || strings.Contains(got.body, "beta") {
				t.Errorf("%s: %s", path, got.body)
			}
			w.as(acme, "GET", path+"?client_id=beta", "").problem(403, "other_client")
			w.as(idle, "GET", path, "").problem(404, "not_found")
		}
		csv := w.as(acme, "GET", "/v1/runs/"+id+"/receipt?format=csv", "").want(200)
		if strings.Contains(csv.body, "beta") || !strings.Contains(csv.body, "acme") {
			t.Error(csv.body)
		}
		got := w.as(acme, "GET", "/v1/exports/ingressos/runs", "").want(200)
		if len(got.at("data").([]any)) != 1 || got.at("data", 0, "records") != 1.0 {
			t.Error(got.body)
		}
		if got := w.as(idle, "GET", "/v1/exports/ingressos/runs", "").want(200); len(got.at("data").([]any)) != 0 {
			t.Error(got.body)
		}
		preview := w.as(acme, "GET", "/v1/exports/ingressos/preview?start_date=2025-06-15&end_date=2025-06-15", "").want(200)
		var v any
		must(t, json.Unmarshal([]byte(preview.body), &v))
		if strangers(v, "acme") || strings.Contains(preview.body, canary(clientB)) || preview.at("records") != 1.0 {
			t.Error(preview.body)
		}
	})
}
