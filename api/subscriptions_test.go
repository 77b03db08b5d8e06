package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestClients(t *testing.T) {
	h := newHouse(t, 0)
	got := h.do("PUT", "/v1/clients/acme", `{"name":"Acme & Filhos <é>"}`).want(201)
	if !strings.Contains(got.body, `{"id":"acme","name":"Acme & Filhos <é>","created_at":"`) {
		t.Error(got.body)
	}
	h.do("PUT", "/v1/clients/acme", `{"name":"Acme"}`).want(200)
	if name := h.do("GET", "/v1/clients/acme", "").want(200).text("name"); name != "Acme" {
		t.Errorf("name %q", name)
	}
	for _, body := range []string{"", "{}", `{"name":null}`} {
		if name := h.do("PUT", "/v1/clients/a.b_c-D", body).text("name"); name != "a.b_c-D" {
			t.Errorf("%s: name %q", body, name)
		}
	}
	h.do("PUT", "/v1/clients/acme", `{"name":"`+strings.Repeat("x", 201)+`"}`).problem(422, "invalid_request")
	for _, id := range []string{"*", "a%20b", "%C3%A9", "..%2F", strings.Repeat("x", 65)} {
		if got := h.do("PUT", "/v1/clients/"+id, "{}"); got.status != 422 && got.status != 404 {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
		h.do("GET", "/v1/clients/"+id, "").want(404)
	}
	h.subscribe("http://127.0.0.1:9") // makes no second acme
	if n := h.count("/v1/clients"); n != 2 {
		t.Errorf("%d clients", n)
	}
}

func TestEventTypes(t *testing.T) {
	h := newHouse(t, 0)
	body := `{"name":"Compra","description":"d","envelope":"none","schema":{"type":"object","required":["n"]},"example":{"n":1.0},"deprecated":true}`
	h.do("PUT", "/v1/event-types/shop.purchase", body).want(201)
	got := h.do("GET", "/v1/event-types/shop.purchase", "").want(200)
	if !strings.HasPrefix(got.body, `{"slug":"shop.purchase",`+body[1:len(body)-1]+`,"created_at":`) &&
		!strings.Contains(got.body, `"schema":{"type":"object","required":["n"]},"example":{"n":1.0},"deprecated":true`) {
		t.Error(got.body)
	}
	h.do("POST", "/v1/events", `{"type":"shop.purchase","client_id":"acme","data":{}}`).problem(422, "invalid_request")
	h.do("PUT", "/v1/event-types/shop.purchase", `{"name":"Compra","schema":null}`).want(200)
	h.do("POST", "/v1/events", `{"type":"shop.purchase","client_id":"acme","data":{}}`).want(202)
	if got := h.do("GET", "/v1/event-types/shop.purchase", ""); got.at("deprecated") != false || got.at("envelope") != "event_data" || got.at("schema") != nil {
		t.Errorf("a PUT replaces: %s", got.body)
	}
	if n, shipped := h.count("/v1/event-types"), len(webhook.BuiltinEventTypes()); n != shipped+1 {
		t.Errorf("%d event types", n)
	}
	h.do("PUT", "/v1/event-types/Shop", `{"name":"x"}`).problem(422, "invalid_request")
}

func TestASubscriptionsLife(t *testing.T) {
	h := newHouse(t, 0)
	created := h.do("POST", "/v1/subscriptions", `{"client_id":"new","url":"http://127.0.0.1:9/x?a=1&b=2","event_types":["shop.*","x"],
		"description":"d","method":"PUT","headers":{"X-Key":"canary-1","X-Other":"canary-2"},"auth":{"type":"basic","username":"u","password":"canary-3"},
		"ack":{"status":"2xx","body":{"ok":true},"require_body":true},"timeout":"2s","rate_limit":5,"max_in_flight":3,"send_empty_exports":true}`).want(201)
	id, secret := created.text("id"), created.text("secret")
	if created.header.Get("Location") != "/v1/subscriptions/"+id || !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("Location %q, %s", created.header.Get("Location"), created.body)
	}
	h.do("GET", "/v1/clients/new", "").want(200)
	path := "/v1/subscriptions/" + id
	got := h.do("GET", path, "").want(200)
	want := `"client_id":"new","url":"http://127.0.0.1:9/x?a=1&b=2","event_types":["shop.*","x"],"description":"d","method":"PUT",` +
		`"headers":{"X-Key":"[redacted]","X-Other":"[redacted]"},"auth":{"type":"basic","username":"u","password":"[redacted]"},"signing":"hmac","ack":{"status":"2xx","body":{"ok":true},"require_body":true},` +
		`"timeout":"2s","rate_limit":5,"max_in_flight":3,"send_empty_exports":true,"state":"active",`
	if !strings.HasPrefix(got.body, `{"id":"`+id+`",`+want) {
		t.Errorf("%s", got.body)
	}
	if got := h.do("POST", path+"/pause", "").want(200).text("state"); got != "paused" {
		t.Errorf("state %q", got)
	}
	if n := h.count("/v1/subscriptions?state=paused&client_id=new&event_type=shop.a.b"); n != 1 {
		t.Errorf("%d are paused", n)
	}
	if got := h.do("POST", path+"/resume", "{}").want(200).text("state"); got != "active" {
		t.Errorf("state %q", got)
	}
	if got := h.do("GET", path+"/secret", "").want(200).body; got != `{"secret":"`+secret+`"}` {
		t.Errorf("secret: %s", got)
	}
	for _, answer := range []*answer{got, h.do("GET", "/v1/subscriptions", ""), h.do("POST", path+"/pause", ""), h.do("PATCH", path, "{}"), created} {
		if strings.Contains(answer.body, "canary") || (answer != created && strings.Contains(answer.body, "whsec_")) {
			t.Errorf("a secret is shown: %s", answer.body)
		}
	}
	h.do("DELETE", path, "").want(204)
	for _, r := range [][2]string{{"GET", path}, {"DELETE", path}, {"POST", path + "/pause"}, {"POST", path + "/resume"}, {"POST", path + "/rotate-secret"}, {"GET", path + "/secret"}} {
		h.do(r[0], r[1], "").problem(404, "not_found")
	}
}

func TestSecretsRotate(t *testing.T) {
	h := newHouse(t, 0)
	path := "/v1/subscriptions/" + h.subscribe("http://127.0.0.1:9")
	first := h.do("GET", path+"/secret", "").text("secret")
	rotated := h.do("POST", path+"/rotate-secret", `{"overlap":"1h"}`).want(200)
	second := rotated.text("secret")
	until, err := time.Parse(time.RFC3339Nano, rotated.text("previous_until"))
	must(t, err)
	if wait := time.Until(until); second == first || rotated.text("previous_secret") != first || wait < 59*time.Minute || wait > time.Hour {
		t.Errorf("%s after %s (%s)", rotated.body, first, wait)
	}
	if got := h.do("GET", path+"/secret", ""); got.text("secret") != second || got.text("previous_secret") != first {
		t.Error(got.body)
	}
	if got := h.do("POST", path+"/rotate-secret", `{"overlap":"0s"}`).want(200); strings.Contains(got.body, "previous") {
		t.Error(got.body)
	}
	if wait := h.do("POST", path+"/rotate-secret", "").want(200).text("previous_until"); wait == "" {
		t.Error("no overlap without a body")
	}
	for _, overlap := range []string{`"-1s"`, `"169h"`, `"1"`, `1`, `"x"`} {
		got := h.do("POST", path+"/rotate-secret", `{"overlap":`+overlap+`}`).problem(422, "invalid_request")
		if diff := cmp.Diff([]string{"/overlap"}, got.paths()); diff != "" {
			t.Errorf("%s: %s", overlap, diff)
		}
	}
}

func TestPatches(t *testing.T) {
	h := newHouse(t, 0)
	path := "/v1/subscriptions/" + h.do("POST", "/v1/subscriptions",
		`{"client_id":"acme","url":"http://127.0.0.1:9/x","event_types":["*"],"headers":{"X-A":"1","X-B":"2"},"timeout":"5s","max_in_flight":7,"ack":{"status":"2xx","body":[1]}}`).want(201).text("id")
	for _, tc := range []struct{ patch, want string }{
		{`{}`, `"headers":{"X-A":"[redacted]","X-B":"[redacted]"}`},
		{`{"url":"http://127.0.0.1:9/y"}`, `"url":"http://127.0.0.1:9/y"`},
		{`{"client_id":"acme"}`, `"client_id":"acme"`},
		{`{"headers":{"x-a":null,"X-C":"3","X-B":"[redacted]"}}`, `"headers":{"X-B":"[redacted]","X-C":"[redacted]"}`},
		{`{"ack":{"status":null}}`, `"ack":{"status":"200","body":[1],"require_body":false}`},
		{`{"ack":{"body":{"a":1.0},"require_body":true}}`, `"ack":{"status":"200","body":{"a":1.0},"require_body":true}`},
		{`{"ack":null}`, `"ack":{"status":"200","require_body":false}`},
		{`{"timeout":null,"max_in_flight":null,"send_empty_exports":true}`, `"timeout":"0s","rate_limit":0,"max_in_flight":64,"send_empty_exports":true`},
		{`{"send_empty_exports":false,"method":"PUT","description":"ü"}`, `"description":"ü","method":"PUT"`},
		{`{"headers":null,"method":null}`, `"method":"POST","headers":{}`},
		{`{"headers":{"X-D":""}}`, `"headers":{"X-D":"[redacted]"}`},
	} {
		got := h.do("PATCH", path, tc.patch).want(200)
		if !strings.Contains(got.body, tc.want) {
			t.Errorf("%s: %s", tc.patch, got.body)
		}
		if again := h.do("GET", path, "").body; again != got.body {
			t.Errorf("%s: answered %s, stored %s", tc.patch, got.body, again)
		}
	}
	for _, tc := range []struct {
		patch string
		paths []string
	}{
		{`{"client_id":"other"}`, []string{"/client_id"}},
		{`{"client_id":null}`, []string{"/client_id"}},
		{`{"id":"x","state":"paused","secret":"x","created_at":1}`, []string{"/id", "/state", "/secret", "/created_at"}},
		{`{"url":null,"event_types":null}`, []string{"/event_types", "/url"}},
		{`{"headers":{"X-New":"[redacted]"}}`, []string{"/headers/X-New"}},
		{`{"headers":{"X-D":1,"X-E":{}}}`, []string{"/headers/X-D", "/headers/X-E"}},
		{`{"max_in_flight":1.5,"rate_limit":99999999999}`, []string{"/rate_limit", "/max_in_flight"}},
		{`{"ack":{"status":""},"method":""}`, []string{"/method", "/ack/status"}},
		{`[]`, []string{""}},
	} {
		got := h.do("PATCH", path, tc.patch).problem(422, "invalid_request")
		if diff := cmp.Diff(tc.paths, got.paths()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tc.patch, diff)
		}
	}
}

func TestARedactedHeaderKeepsItsValue(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	id := h.do("POST", "/v1/subscriptions", `{"client_id":"*","url":"`+url+`","event_types":["*"],"headers":{"X-Key":"kept"}}`).want(201).text("id")
	h.do("PATCH", "/v1/subscriptions/"+id, `{"headers":{"x-key":"[redacted]","X-More":"new"}}`).want(200)
	h.do("POST", "/v1/events", event(redemption)).want(202)
	got := <-came
	if got.header.Get("X-Key") != "kept" || got.header.Get("X-More") != "new" {
		t.Errorf("headers %v", got.header)
	}
	h.next()
}

func TestSubscriptionFilters(t *testing.T) {
	h := newHouse(t, 0)
	for _, client := range []string{"a", "b", "*"} {
		h.do("POST", "/v1/subscriptions", `{"client_id":"`+client+`","url":"http://127.0.0.1:9","event_types":["shop.*"]}`).want(201)
	}
	for query, want := range map[string]int{
		"": 3, "?client_id=a": 1, "?client_id=*": 1, "?client_id=c": 0, "?event_type=shop.x": 3, "?event_type=shops": 0,
		"?state=active": 3, "?state=paused": 0, "?cursor=": 3, "?limit=2": 2,
	} {
		if n := h.count("/v1/subscriptions" + query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	for _, query := range []string{"client_id=a%20b", "event_type=A", "state=gone", "limit=0", "limit=501", "limit=-1", "x=1", "client_id=", "state=", "event_type=", "limit="} {
		h.do("GET", "/v1/subscriptions?"+query, "").problem(422, "invalid_request")
	}
}
