package api

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// verifies tells whether a receiver with this key or secret, as the API showed
// it, accepts a request.
func verifies(t *testing.T, shown string, got seen) bool {
	t.Helper()
	text, public := strings.CutPrefix(shown, "whpk_")
	if !public {
		judge, err := standardwebhooks.NewWebhook(shown)
		must(t, err)
		return judge.Verify(got.body, got.header) == nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	message := got.header.Get("webhook-id") + "." + got.header.Get("webhook-timestamp") + "." + string(got.body)
	for part := range strings.SplitSeq(got.header.Get("webhook-signature"), " ") {
		signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(part, "v1a,"))
		if err == nil && ed25519.Verify(key, []byte(message), signature) {
			return true
		}
	}
	return false
}

// TestEd25519Subscription: the public key is all that is ever shown, and it
// verifies what comes; a rotation may change the kind.
func TestEd25519Subscription(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	created := h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["*"],"signing":"ed25519"}`, "Idempotency-Key: k").want(201)
	path, public := "/v1/subscriptions/"+created.text("id"), created.text("public_key")
	if !strings.HasPrefix(public, "whpk_") || created.text("signing") != "ed25519" || created.at("secret") != nil {
		t.Fatal(created.body)
	}
	if got := h.do("GET", path+"/secret", "").want(200).body; got != `{"public_key":"`+public+`"}` {
		t.Error(got)
	}
	h.do("POST", "/v1/events", event(redemption)).want(202)
	if !verifies(t, public, <-came) {
		t.Error("the public key does not verify")
	}
	h.next()

	rotated := h.do("POST", path+"/rotate-secret", `{"signing":"hmac"}`).want(200)
	secret := rotated.text("secret")
	if rotated.text("previous_public_key") != public || rotated.text("signing") != "hmac" || !strings.HasPrefix(secret, "whsec_") {
		t.Error(rotated.body)
	}
	if got := h.do("GET", path, "").text("signing"); got != "hmac" {
		t.Errorf("signing %q", got)
	}
	h.do("POST", "/v1/events", event(redemption)).want(202)
	both := <-came
	if !verifies(t, public, both) || !verifies(t, secret, both) {
		t.Error("within the overlap one of the two does not verify")
	}
	h.next()
	h.do("POST", path+"/rotate-secret", `{"signing":"ed25519"}`).problem(409, "rotation_overlaps")
	last := h.do("POST", path+"/rotate-secret", `{"signing":"ed25519","overlap":"0s"}`).want(200)
	if last.at("previous_secret") != nil || last.at("secret") != nil || last.text("public_key") == public {
		t.Error(last.body)
	}
	for _, a := range []*answer{
		created, rotated, last, h.do("GET", path, ""), h.do("GET", "/v1/subscriptions", ""), h.do("GET", path+"/secret", ""),
		h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["*"],"signing":"ed25519"}`, "Idempotency-Key: k"),
	} {
		if strings.Contains(a.body, "whsk_") || a.status >= 300 {
			t.Errorf("%d: a private key is shown: %s", a.status, a.body)
		}
	}
}

// TestClientsSignWithEd25519: the secret of a client's verification callbacks
// rotates to the other kind too.
func TestClientsSignWithEd25519(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	h.do("PUT", "/v1/clients/acme", "").want(201)
	secret := h.do("GET", "/v1/clients/acme/secret", "").want(200).text("secret")
	rotated := h.do("POST", "/v1/clients/acme/rotate-secret", `{"signing":"ed25519","overlap":"1h"}`).want(200)
	if rotated.text("previous_secret") != secret || strings.Contains(rotated.body, "whsk_") {
		t.Error(rotated.body)
	}
	h.do("POST", "/v1/clients/acme/rotate-secret", "").problem(409, "rotation_overlaps")
	id := h.do("POST", "/v1/verifications", `{"nationalId":"012345678900","verifications":{},"client_id":"acme","callback":{"url":"`+url+`","method":"POST"}}`).want(201).text("id")
	h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"COMPLETED"}`).want(200)
	got := <-came
	if !verifies(t, rotated.text("public_key"), got) || !verifies(t, secret, got) {
		t.Errorf("signature %q", got.header.Get("webhook-signature"))
	}
	h.next()
}

func TestSigningFaults(t *testing.T) {
	h := newHouse(t, 0)
	path := "/v1/subscriptions/" + h.subscribe("http://127.0.0.1:9")
	for _, tc := range []struct{ method, target, body string }{
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"signing":"rsa"}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"signing":""}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"signing":1}`},
		{"POST", path + "/rotate-secret", `{"signing":"HMAC"}`},
		{"POST", "/v1/clients/acme/rotate-secret", `{"signing":"v1a"}`},
		{"PATCH", path, `{"signing":"ed25519"}`},
		{"PATCH", path, `{"signing":null}`},
	} {
		got := h.do(tc.method, tc.target, tc.body).problem(422, "invalid_request")
		if diff := cmp.Diff([]string{"/signing"}, got.paths()); diff != "" {
			t.Errorf("%s: %s", tc.body, diff)
		}
	}
	h.do("PATCH", path, `{"signing":"hmac"}`).want(200) // as it is: what a GET showed can be sent back
}

// TestCredentialsOfASubscription: sent to the receiver, by tests too; never
// shown; changed as a merge patch.
func TestCredentialsOfASubscription(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	created := h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["shop.product.redemption"],
		"auth":{"type":"basic","username":"acme","password":"canary-1"}}`, "Idempotency-Key: k").want(201)
	path := "/v1/subscriptions/" + created.text("id")
	answers := []*answer{created, h.do("GET", "/v1/subscriptions", "")}
	for _, tc := range []struct{ patch, shown, sent string }{
		{`{}`, `{"type":"basic","username":"acme","password":"[redacted]"}`, "Basic YWNtZTpjYW5hcnktMQ=="},
		{`{"auth":{"username":"u"}}`, `{"type":"basic","username":"u","password":"[redacted]"}`, "Basic dTpjYW5hcnktMQ=="},
		{`{"auth":{"type":"basic","username":"v","password":"[redacted]"}}`, `{"type":"basic","username":"v","password":"[redacted]"}`, "Basic djpjYW5hcnktMQ=="},
		{`{"auth":{"password":"canary-2"}}`, `{"type":"basic","username":"v","password":"[redacted]"}`, "Basic djpjYW5hcnktMg=="},
		{`{"auth":{"password":""}}`, `{"type":"basic","username":"v"}`, "Basic djo="},
		{`{"auth":{"type":"bearer","token":"canary-3"}}`, `{"type":"bearer","token":"[redacted]"}`, "Bearer canary-3"},
		{`{"auth":{"token":"[redacted]"}}`, `{"type":"bearer","token":"[redacted]"}`, "Bearer canary-3"},
		{`{"auth":null,"headers":{"Authorization":"ApiKey canary-4"}}`, `null`, "ApiKey canary-4"},
		{`{"auth":{"type":"bearer","token":"canary-5"},"headers":null}`, `{"type":"bearer","token":"[redacted]"}`, "Bearer canary-5"},
	} {
		got := h.do("PATCH", path, tc.patch).want(200)
		if !strings.Contains(got.body, `"auth":`+tc.shown+`,"signing"`) || h.do("GET", path, "").body != got.body {
			t.Errorf("%s: %s", tc.patch, got.body)
		}
		probe := h.do("POST", path+"/test", "").want(200)
		if sent := (<-came).header.Get("Authorization"); sent != tc.sent {
			t.Errorf("%s: a test sent %q", tc.patch, sent)
		}
		h.do("POST", "/v1/events", event(redemption)).want(202)
		if sent := (<-came).header.Get("Authorization"); sent != tc.sent {
			t.Errorf("%s: a delivery sent %q", tc.patch, sent)
		}
		id := string(h.next().DeliveryID)
		curl := h.do("GET", "/v1/deliveries/"+id+"/curl", "").want(200)
		if !strings.Contains(curl.body, "'Authorization: [redacted]'") {
			t.Error(curl.body)
		}
		for _, a := range []*answer{got, probe, curl, h.do("GET", "/v1/deliveries/"+id, "")} {
			if answers = append(answers, a); strings.Contains(a.body, tc.sent) {
				t.Errorf("%s: the header is shown: %s", tc.patch, a.body)
			}
		}
	}
	for _, a := range answers {
		if strings.Contains(a.body, "canary") || strings.Contains(a.body, "Y2FuYXJ5") {
			t.Errorf("credentials are shown: %s", a.body)
		}
	}
	if log := h.log.String(); strings.Contains(log, "canary") {
		t.Errorf("credentials are logged: %s", log)
	}
}

func TestCredentialFaults(t *testing.T) {
	h := newHouse(t, 0)
	register := func(auth string) *answer {
		return h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"headers":{"X-A":"1"},"auth":`+auth+`}`)
	}
	register(`null`).want(201)
	bare := "/v1/subscriptions/" + h.subscribe("http://127.0.0.1:9")
	basic := "/v1/subscriptions/" + register(`{"type":"basic","username":"u","password":"canary"}`).want(201).text("id")
	for _, tc := range []struct {
		path, auth string // path "": registered anew
		faults     []string
	}{
		{"", `{}`, []string{"/auth/type"}},
		{"", `"basic"`, []string{"/auth"}},
		{"", `{"type":"digest"}`, []string{"/auth/type"}},
		{"", `{"type":7,"token":8}`, []string{"/auth/type", "/auth/token"}},
		{"", `{"type":"basic"}`, []string{"/auth/username", "/auth/password"}},
		{"", `{"type":"basic","username":null,"password":""}`, []string{"/auth/username"}},
		{"", `{"type":"basic","username":"a:b","password":"canary"}`, []string{"/auth/username"}},
		{"", `{"type":"basic","username":"a","password":"[redacted]"}`, []string{"/auth/password"}},
		{"", `{"type":"basic","username":"a","password":"canary","token":"canary"}`, []string{"/auth/token"}},
		{"", `{"type":"bearer"}`, []string{"/auth/token"}},
		{"", `{"type":"bearer","token":""}`, []string{"/auth/token"}},
		{"", `{"type":"bearer","token":"[redacted]"}`, []string{"/auth/token"}},
		{"", `{"type":"bearer","token":"can ary"}`, []string{"/auth/token"}},
		{"", `{"type":"bearer","token":"x","realm":"y"}`, []string{"/auth/realm"}},
		{bare, `{"password":"canary"}`, []string{"/auth/type"}},
		{bare, `{"type":"bearer","token":"[redacted]"}`, []string{"/auth/token"}},
		{basic, `{"password":null}`, []string{"/auth/password"}},
		{basic, `{"username":""}`, []string{"/auth/username"}},
		{basic, `{"token":"x"}`, []string{"/auth/token"}},
		{basic, `{"type":"bearer"}`, []string{"/auth/token"}},
		{basic, `{"type":""}`, []string{"/auth/type"}},
	} {
		var got *answer
		if tc.path == "" {
			got = register(tc.auth)
		} else {
			got = h.do("PATCH", tc.path, `{"auth":`+tc.auth+`}`)
		}
		got.problem(422, "invalid_request")
		if diff := cmp.Diff(tc.faults, got.paths()); diff != "" || strings.Contains(got.body, "canary") {
			t.Errorf("%s %s: -want +got:\n%s%s", tc.path, tc.auth, diff, got.body)
		}
	}
	got := h.do("PATCH", basic, `{"headers":{"authorization":"canary"}}`).problem(422, "invalid_request")
	if diff := cmp.Diff([]string{"/auth"}, got.paths()); diff != "" {
		t.Errorf("a static header beside credentials: %s", got.body)
	}
}
