package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// eachDatabase runs a test on a house with each of them.
func eachDatabase(t *testing.T, workers int, test func(*testing.T, *house)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, newHouseAt(t, workers, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db")))
	})
	t.Run("postgres", func(t *testing.T) { test(t, newHouseAt(t, workers, testserver.Postgres(t))) })
}

// seed reads a text of the contract, with another callback URL.
func seed(t testing.TB, name, url string) string {
	t.Helper()
	text, err := os.ReadFile("../webhook/testdata/" + name)
	must(t, err)
	return strings.Replace(string(text), "https://your-domain.com/webhook-endpoint", url, 1)
}

// verification is a request with a callback and some more fields.
func verification(url, more string) string {
	return `{"nationalId":"012345678900","verifications":{"type":"full"},"callback":{"url":"` + url + `","method":"PUT"}` + more + `}`
}

// TestTheSeedsVerification goes from the client's request, word for word, to
// the callback that the contract shows.
func TestTheSeedsVerification(t *testing.T) {
	eachDatabase(t, 4, func(t *testing.T, h *house) {
		target, came := newReceiver(t, 200, "OK")
		created := h.do("POST", "/v1/verifications", seed(t, "verification-request.json", target)).want(201)
		id := created.text("id")
		if created.header.Get("Location") != "/v1/verifications/"+id || created.text("status") != "PENDING" ||
			created.text("client_id") != "default" || created.text("national_id_masked") != "***00" || created.at("delivery_id") != nil {
			t.Error(created.header, created.body)
		}
		if got := h.do("GET", "/v1/verifications/"+id, "").want(200); got.body != created.body {
			t.Errorf("GET answers %s, POST answered %s", got.body, created.body)
		}
		secret := h.do("GET", "/v1/clients/default/secret", "").want(200).text("secret")
		ended := h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"COMPLETED"}`).want(200)
		delivery := ended.text("delivery_id")
		h.next()
		req := <-came
		var want bytes.Buffer
		must(t, json.Compact(&want, []byte(seed(t, "verification-callback.json", ""))))
		shape := strings.Replace(string(req.body), id, "verification-id", 1)
		// The request's metadata is spread over lines in the seed, and comes back so.
		if !strings.HasPrefix(shape, `{"id":"verification-id","status":"COMPLETED","metadata":{`) || compact(t, shape) != want.String() ||
			!strings.Contains(shape, "{\n    \"key\": \"value\"\n  }") {
			t.Errorf("body %s\nwant %s", req.body, want.String())
		}
		judge, err := standardwebhooks.NewWebhook(secret)
		must(t, err)
		if err := judge.Verify(req.body, req.header); err != nil {
			t.Error(err)
		}
		// The same report again, and another one.
		if again := h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"COMPLETED"}`).want(200); again.body != ended.body {
			t.Errorf("again: %s, first %s", again.body, ended.body)
		}
		h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"FAILED"}`).problem(409, "verification_ended")
		// The views of all deliveries have it.
		d := h.do("GET", "/v1/deliveries/"+delivery, "").want(200)
		if d.text("event_type") != "verification.completed" || d.text("state") != "succeeded" || d.text("subscription_id") != "" || d.at("event_id") != nil {
			t.Error(d.body)
		}
		if p := h.do("GET", "/v1/deliveries/"+delivery+"/payload", "").want(200); p.body != string(req.body) {
			t.Errorf("payload %s", p.body)
		}
		if c := h.do("GET", "/v1/deliveries/"+delivery+"/curl", "").want(200); !strings.Contains(strings.ToLower(c.body), "webhook-signature: v1,") {
			t.Error(c.body)
		}
		if n := h.count("/v1/deliveries?event_type=verification.completed"); n != 1 {
			t.Errorf("%d in the list", n)
		}
		h.do("POST", "/v1/deliveries/"+delivery+"/retry", "").want(202)
		if ob := h.next(); ob.Attempt.Number != 2 {
			t.Errorf("the retry was attempt %d", ob.Attempt.Number)
		}
	})
}

func compact(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	must(t, json.Compact(&b, []byte(text)))
	return b.String()
}

// TestBytesSurviveBothDatabases: metadata of a verification and data of an
// event come out as they went in, at the receiver and in the views.
func TestBytesSurviveBothDatabases(t *testing.T) {
	const odd = "{ \"z\":1.10, \"a\":12345678901234567890123,\"e\":1E+2 ,\"neg\":-0.0,\n\t\"u\":\"\\u00e9é\\/\\ud83d\\ude00😀\\u0000\\\"\",\"<&>\":[ ],\"\":null,\"a \":{\"b\":[1 ,2]} }"
	eachDatabase(t, 4, func(t *testing.T, h *house) {
		target, came := newReceiver(t, 200, "OK")
		h.do("PUT", "/v1/event-types/any", `{"name":"Any","envelope":"none","schema":{"type":"object"}}`).want(201)
		h.subscribe(target)
		id := h.do("POST", "/v1/verifications", verification(target, `,"metadata": `+odd+` ,"client_id":"acme"`)).want(201).text("id")
		h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"FAILED"}`).want(200)
		h.next()
		if req := <-came; string(req.body) != `{"id":"`+id+`","status":"FAILED","metadata":`+odd+`}` {
			t.Errorf("callback %s", req.body)
		}
		if got := h.do("GET", "/v1/verifications/"+id, "").want(200); !strings.Contains(got.body, `,"metadata":`+odd+`,"client_id":"acme"`) {
			t.Errorf("GET %s", got.body)
		}
		event := h.do("POST", "/v1/events", `{"type":"any","client_id":"acme","data":  `+odd+` }`).want(202)
		h.next()
		if req := <-came; string(req.body) != odd {
			t.Errorf("event %s", req.body)
		}
		if got := h.do("GET", "/v1/events/"+event.text("id"), "").want(200); !strings.Contains(got.body, `"data":`+odd+`,`) {
			t.Errorf("GET %s", got.body)
		}
	})
}

// TestAVerificationWithoutACallback is only polled; what is null is not given.
func TestAVerificationWithoutACallback(t *testing.T) {
	h := newHouse(t, 0)
	for _, body := range []string{
		`{"nationalId":"1","verifications":{}}`, `{"nationalId":"1","verifications":{"type":5},"callback":null,"metadata":null,"client_id":null}`,
	} {
		created := h.do("POST", "/v1/verifications", body).want(201)
		if created.at("callback") != nil || strings.Contains(created.body, `"metadata"`) || strings.Contains(created.body, `"type"`) {
			t.Error(created.body)
		}
		ended := h.do("POST", "/v1/verifications/"+created.text("id")+"/status", `{"status":"COMPLETED"}`).want(200)
		if ended.text("status") != "COMPLETED" || ended.at("delivery_id") != nil {
			t.Error(ended.body)
		}
	}
	if n := h.count("/v1/deliveries"); n != 0 {
		t.Errorf("%d deliveries", n)
	}
}

func TestVerificationIdempotency(t *testing.T) {
	h := newHouse(t, 0)
	body := verification("http://127.0.0.1:9/x", `,"metadata":{"a": 1}`)
	first := h.do("POST", "/v1/verifications", body, "Idempotency-Key: k").want(201)
	again := h.do("POST", "/v1/verifications", body, "Idempotency-Key: k").want(201)
	if again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("%v %s, first %s", again.header, again.body, first.body)
	}
	h.do("POST", "/v1/verifications", strings.Replace(body, "8900", "8901", 1), "Idempotency-Key: k").problem(409, "idempotency_key_reused")
	if n := h.count("/v1/verifications"); n != 1 {
		t.Errorf("%d verifications", n)
	}
}

func TestClientSecretRoutes(t *testing.T) {
	h := newHouse(t, 0)
	h.do("PUT", "/v1/clients/acme", `{}`).want(201)
	first := h.do("GET", "/v1/clients/acme/secret", "").want(200).text("secret")
	if again := h.do("GET", "/v1/clients/acme/secret", "").want(200).text("secret"); again != first {
		t.Error("the secret is made at each look")
	}
	rotated := h.do("POST", "/v1/clients/acme/rotate-secret", `{"overlap":"1h"}`).want(200)
	if rotated.text("secret") == first || rotated.text("previous_secret") != first || rotated.at("previous_until") == nil {
		t.Error("not rotated with an overlap")
	}
	if got := h.do("POST", "/v1/clients/acme/rotate-secret", `{"overlap":"0s"}`).want(200); got.at("previous_secret") != nil {
		t.Error("without an overlap the old secret is still there")
	}
	for _, path := range []string{"/v1/clients/nobody/rotate-secret", "/v1/clients/a%20b/rotate-secret"} {
		h.do("POST", path, "").problem(404, "not_found")
	}
	if strings.Contains(h.do("GET", "/v1/clients", "").body+h.log.String(), "whsec_") {
		t.Error("a secret is in the list or in the log")
	}
}

func TestVerificationsAreListedAndCounted(t *testing.T) {
	h := newHouse(t, 0)
	for i, client := range []string{"a", "a", "b"} {
		id := h.do("POST", "/v1/verifications", verification("http://127.0.0.1:9/", `,"client_id":"`+client+`","metadata":{"k":"canary"}`)).want(201).text("id")
		if i == 0 {
			h.do("POST", "/v1/verifications/"+id+"/status", `{"status":"FAILED"}`).want(200)
		}
	}
	for query, want := range map[string]int{"": 3, "?client_id=a": 2, "?status=PENDING": 2, "?status=FAILED&client_id=a": 1, "?status=EXPIRED": 0} {
		if n := h.count("/v1/verifications" + query); n != want {
			t.Errorf("%s: %d", query, n)
		}
	}
	h.do("GET", "/v1/verifications?status=DONE", "").problem(422, "invalid_request")
	if list := h.do("GET", "/v1/verifications", "").want(200); strings.Contains(list.body, "canary") || strings.Contains(list.body, "0123") {
		t.Error("the list shows metadata or more of the nationalId")
	}
	stats := h.do("GET", "/v1/stats", "").want(200)
	for name, want := range map[string]float64{"pending": 2, "completed": 0, "failed": 1, "expired": 0} {
		if got := stats.at("verifications", name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if stats.at("verifications", "next_expires_at") == nil {
		t.Error(stats.body)
	}
	h.do("GET", "/v1/stats?since=2999-01-01", "").problem(422, "invalid_request")
}

func TestSubscriptionTestRoute(t *testing.T) {
	target, came := newReceiver(t, 503, "down")
	h := newHouse(t, 0)
	id := h.subscribe(target)
	got := h.do("POST", "/v1/subscriptions/"+id+"/test", `{"event_type":"shop.product.redemption"}`).want(200)
	req := <-came
	if got.at("status") != float64(503) || got.text("trigger") != "test" || got.text("error", "code") != "status" || got.at("acknowledged") != false ||
		got.text("state") != "failed" || got.text("response_body") != "down" || got.text("message_id") != req.header.Get("Webhook-Id") {
		t.Error(got.body)
	}
	if d := h.do("GET", "/v1/deliveries/"+got.text("delivery_id"), "").want(200); d.at("test") != true || d.text("state") != "failed" {
		t.Error(d.body)
	}
	if n := h.count("/v1/deliveries?subscription_id=" + id); n != 1 {
		t.Errorf("%d in the list", n)
	}
	h.do("POST", "/v1/subscriptions/"+id+"/test", "").problem(422, "invalid_request")
	h.do("POST", "/v1/subscriptions/x/test", "").problem(404, "not_found")
	if len(came) != 0 {
		t.Error("a test that was refused was sent")
	}
}

func TestEventTypeDryRun(t *testing.T) {
	h := newHouse(t, 0)
	h.do("PUT", "/v1/event-types/a.b?dry_run=true", `{"name":"x","schema":{"type":"object"},"example":{}}`).want(200)
	h.do("GET", "/v1/event-types/a.b", "").want(404)
	h.do("PUT", "/v1/event-types/a.b?dry_run=true", `{"name":"x","schema":{"type":"object"},"example":[]}`).problem(422, "invalid_request")
	h.do("PUT", "/v1/event-types/a.b?dry_run=yes", `{"name":"x"}`).problem(422, "invalid_request")
	list := h.do("GET", "/v1/event-types?limit=500", "").want(200)
	reserved := 0
	for i := range list.at("data").([]any) {
		if list.at("data", i, "reserved") == true {
			reserved++
			slug := list.text("data", i, "slug")
			h.do("POST", "/v1/events", `{"type":"`+slug+`","client_id":"acme","data":{}}`).problem(422, "invalid_request")
		}
	}
	if reserved != 6 {
		t.Errorf("%d types are reserved", reserved)
	}
}

// FuzzVerification registers anything. Whatever is taken comes back with its
// metadata byte for byte, and shows no more of the nationalId than the mask.
func FuzzVerification(f *testing.F) {
	h := newHouse(f, 0)
	f.Add([]byte(seed(f, "verification-request.json", "http://127.0.0.1:9/")))
	f.Add([]byte(`{"nationalId":"\u0031","verifications":{"type":"\ud83d\ude00"},"metadata": { "a" : [1e5 , "é"] } }`))
	f.Add([]byte(`{"nationalId":"1","verifications":{"type":"a","type":"b"},"callback":{"url":"http://127.0.0.1:9","method":"PUT","x":{}}}`))
	f.Add([]byte(`{"nationalId":null,"verifications":{"t\u0079pe":1},"client_id":"*"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		h.t = t
		a := h.do("POST", "/v1/verifications", string(body))
		if a.status >= 500 || !json.Valid([]byte(a.body)) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a.status != http.StatusCreated {
			return
		}
		var in struct {
			NationalID string `json:"nationalId"`
			Metadata   json.RawMessage
		}
		must(t, json.Unmarshal(body, &in))
		got := h.do("GET", "/v1/verifications/"+a.text("id"), "").want(200)
		has := len(in.Metadata) > 0 && string(in.Metadata) != "null"
		if has != strings.Contains(got.body, `"metadata":`) || (has && !bytes.Contains([]byte(got.body), append([]byte(`"metadata":`), in.Metadata...))) {
			t.Fatalf("%s became %s", body, got.body)
		}
		if masked := got.text("national_id_masked"); len([]rune(masked)) > 5 || !strings.HasPrefix(masked, "***") {
			t.Fatalf("masked as %q", masked)
		}
	})
}
