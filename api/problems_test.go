package api

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const subscriptionJSON = `{"client_id":"acme","url":"http://127.0.0.1:9/x","event_types":["shop.*"]}`

// problemCases are requests that are refused. Ids in them do not exist.
var problemCases = []struct {
	name, method, target, body string
	headers                    []string
}{
	{"no such route", "GET", "/v2/events", "", nil},
	{"a slash at the end", "POST", "/v1/events/", event(redemption), nil},
	{"no such method", "PATCH", "/v1/events", "{}", nil},
	{"empty body", "POST", "/v1/events", "", nil},
	{"broken in line 3", "POST", "/v1/events", "{\n  \"type\": \"é\",\n  \"client_id\": tru}", nil},
	{"not UTF-8", "POST", "/v1/events", "{\"type\":\"\xff\"}", nil},
	{"more after the end", "POST", "/v1/events", "{} {}", nil},
	{"not an object", "POST", "/v1/events", "[1]", nil},
	{"wrong types", "POST", "/v1/events", `{"type":1,"client_id":null,"data":{},"occurred_at":"yesterday","subscription_id":""}`, nil},
	{"unknown and missing fields", "POST", "/v1/events", `{"Type":"a","a/b~c":1}`, nil},
	{"doubled names", "POST", "/v1/events", `{"type":"x","type":"y","client_id":"acme","data":{"a":[{"b":1,"\u0062":2}]}}`, nil},
	{"too deep", "POST", "/v1/events", `{"data":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`, nil},
	{"unknown event type", "POST", "/v1/events", `{"type":"no.such.type","client_id":"acme","data":{}}`, nil},
	{"data against its schema", "POST", "/v1/events", event(`{"user":{"id":1,"nick":"x"}}`), nil},
	{"no such subscription", "POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"acme","subscription_id":"sub_0","data":` + redemption + `}`, nil},
	{"every client as a client", "POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"*","data":` + redemption + `}`, nil},
	{"a batch with a fault in its second", "POST", "/v1/events/batch", `{"events":[` + event(redemption) + `,{"type":"x","data":1,"z":0}]}`, nil},
	{"an empty batch", "POST", "/v1/events/batch", `{"events":[]}`, nil},
	{"a batch of 1001", "POST", "/v1/events/batch", `{"events":[` + strings.Repeat("{},", 1000) + `{}]}`, nil},
	{"wrong content type", "POST", "/v1/events", event(redemption), []string{"Content-Type: text/xml"}},
	{"wrong content type of records", "PUT", "/v1/records/vendas?client_id=acme", "{}", []string{"Content-Type: text/plain"}},
	{"wrong content type of a change", "PATCH", "/v1/exports/vendas", "{}", []string{"Content-Type: text/plain"}},
	{"wrong charset", "POST", "/v1/events", event(redemption), []string{"Content-Type: application/json; charset=iso-8859-1"}},
	{"compressed", "POST", "/v1/events", event(redemption), []string{"Content-Encoding: gzip"}},
	{"key with a space of another kind", "POST", "/v1/events", event(redemption), []string{"Idempotency-Key: a\u00a0b"}},
	{"two keys and a wrong field", "POST", "/v1/events", `{"x":1}`, []string{"Idempotency-Key: a", "Idempotency-Key: b"}},
	{"limit and times", "GET", "/v1/events?limit=501&since=2025-06-15&until=2025-06-15T00:00:00+03:00&type=A&client_id=*", "", nil},
	{"limit that is no number", "GET", "/v1/events?limit=ten", "", nil},
	{"unknown and doubled parameters", "GET", "/v1/deliveries?stat=failed&state=failed&state=held", "", nil},
	{"ids of the wrong kind", "GET", "/v1/deliveries?subscription_id=dlv_1&event_id=1&run_id=x&state=done", "", nil},
	{"empty parameters", "GET", "/v1/deliveries?client_id=&state=&limit=&cursor=", "", nil},
	{"times the wrong way round", "GET", "/v1/deliveries?since=2025-06-16T00:00:00Z&until=2025-06-15T00:00:00Z", "", nil},
	{"broken query", "GET", "/v1/deliveries?a=%zz", "", nil},
	{"bad cursor", "GET", "/v1/clients?cursor=abc", "", nil},
	{"no such client", "GET", "/v1/clients/nobody", "", nil},
	{"no such event type", "GET", "/v1/event-types/nobody", "", nil},
	{"no such event", "GET", "/v1/events/evt_00000000000000000000000000", "", nil},
	{"no such delivery", "GET", "/v1/deliveries/dlv_00000000000000000000000000", "", nil},
	{"malformed id", "GET", "/v1/deliveries/%00", "", nil},
	{"no such subscription to change", "PATCH", "/v1/subscriptions/sub_00000000000000000000000000", `{}`, nil},
	{"bad client id", "PUT", "/v1/clients/a%20b", `{"name":5}`, nil},
	{"long name with NUL", "PUT", "/v1/clients/acme", `{"name":"a\u0000b"}`, nil},
	{"event type without a name", "PUT", "/v1/event-types/x.y", `{"envelope":"soap"}`, nil},
	{"event type of an export", "PUT", "/v1/event-types/venda_export", `{"name":"x"}`, nil},
	{"event type with a broken schema", "PUT", "/v1/event-types/x.y", `{"name":"x","schema":{"type":"objet"}}`, nil},
	{"event of a type that is reserved", "POST", "/v1/events", `{"type":"verification.completed","client_id":"acme","data":{}}`, nil},
	{"verification without anything", "POST", "/v1/verifications", `{}`, nil},
	{"verification with many faults", "POST", "/v1/verifications", `{"nationalId":5,"verifications":[],"callback":{"url":1,"secret":"s"},"metadata":[1],"client_id":"","nationalID":"012345678900"}`, nil},
	{"verification whose values are wrong", "POST", "/v1/verifications", `{"nationalId":"000000000000000000000000000000000","verifications":{},"callback":{"url":"https://10.0.0.1/x","method":"PATCH"},"client_id":"a b"}`, nil},
	{"verification whose callback lacks its parts", "POST", "/v1/verifications", `{"nationalId":"1","verifications":{},"callback":{}}`, nil},
	{"no such verification", "GET", "/v1/verifications/ver_00000000000000000000000000", "", nil},
	{"end of no such verification", "POST", "/v1/verifications/ver_00000000000000000000000000/status", `{"status":"COMPLETED"}`, nil},
	{"status that cannot be reported", "POST", "/v1/verifications/ver_00000000000000000000000000/status", `{"status":"EXPIRED"}`, nil},
	{"secret of nobody", "GET", "/v1/clients/nobody/secret", "", nil},
	{"overlap too long", "POST", "/v1/clients/default/rotate-secret", `{"overlap":"200h"}`, nil},
	{"test of no such subscription", "POST", "/v1/subscriptions/sub_00000000000000000000000000/test", `{"event_type":"shop.product.redemption"}`, nil},
	{"event type whose example does not fit", "PUT", "/v1/event-types/x.y", `{"name":"x","schema":{"type":"object"},"example":[1]}`, nil},
	{
		"subscription with many faults", "POST", "/v1/subscriptions",
		`{"client_id":"a b","url":"ftp://x","event_types":["ok.*",1,"Not*"],"method":"GET","headers":{"Host":"x","X-A":1,"X-B":"[redacted]"},"ack":{"status":"201","x":1},"timeout":15,"rate_limit":-1,"max_in_flight":0,"send_empty_exports":"yes"}`, nil,
	},
	{"subscription that is valid JSON but not valid", "POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://10.0.0.1/","event_types":["Not*"],"method":"GET"}`, nil},
	{"a body where none belongs", "POST", "/v1/deliveries/dlv_00000000000000000000000000/retry", `{"now":true}`, nil},
}

var requestID = regexp.MustCompile(`req_[0-9a-z]{26}`)

func TestProblems(t *testing.T) {
	h := newHouse(t, 0)
	var b strings.Builder
	for _, c := range problemCases {
		a := h.do(c.method, c.target, c.body, c.headers...)
		if a.status < 400 || a.status >= 500 {
			t.Errorf("%s: status %d: %s", c.name, a.status, a.body)
		}
		if ct := a.header.Get("Content-Type"); ct != contentProblem {
			t.Errorf("%s: Content-Type %q", c.name, ct)
		}
		b.WriteString("# " + c.name + "\n" + strings.ReplaceAll(a.body, `"errors":[`, "\"errors\":[\n  ") + "\n\n")
	}
	got := requestID.ReplaceAllString(strings.ReplaceAll(b.String(), "},{\"path\"", "},\n  {\"path\""), "req_x")
	const golden = "testdata/problems.txt"
	if *update {
		must(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSizes(t *testing.T) {
	h := newHouse(t, 0)
	must1MiB := event(`{"user":{"id":"1","name":""},"exchange":{"id":"1"}}`)
	fill := strings.Repeat("x", maxBody-len(must1MiB))
	h.do("POST", "/v1/events", strings.Replace(must1MiB, `"name":""`, `"name":"`+fill+`"`, 1)).want(202)
	over := strings.Replace(must1MiB, `"name":""`, `"name":"x`+fill+`"`, 1)
	h.do("POST", "/v1/events", over).problem(413, "body_too_large")
	h.do("POST", "/v1/events/batch", `{"events":[`+over+`]}`).want(202)
	h.do("POST", "/v1/events/batch", strings.Repeat(" ", maxBatch)+"{}").problem(413, "body_too_large")
}

// TestABatchOfAThousand: so many events are one request.
func TestABatchOfAThousand(t *testing.T) {
	h := newHouse(t, 0)
	all := `{"events":[` + strings.Repeat(event(redemption)+",", 999) + event(redemption) + `]}`
	got := h.do("POST", "/v1/events/batch", all).want(202)
	if events, ok := got.at("events").([]any); !ok || len(events) != 1000 {
		t.Error("the answer has not 1000 events")
	}
}

func TestManyFaultsAreCut(t *testing.T) {
	h := newHouse(t, 0)
	got := h.do("POST", "/v1/events/batch", `{"events":[`+strings.Repeat("{},", 999)+`{}]}`).problem(422, "invalid_request")
	if n := len(got.paths()); n != maxFaults {
		t.Errorf("%d faults", n)
	}
}

func TestContentTypes(t *testing.T) {
	h := newHouse(t, 0)
	for _, ct := range []string{"", "application/json", "application/json; charset=utf-8", `Application/JSON;charset="UTF-8"`} {
		h.do("POST", "/v1/events", event(redemption), "Content-Type: "+ct).want(202)
	}
	id := h.subscribe("http://127.0.0.1:9")
	h.do("PATCH", "/v1/subscriptions/"+id, `{}`, "Content-Type: application/merge-patch+json").want(200)
	h.do("POST", "/v1/events", event(redemption), "Content-Type: application/merge-patch+json").problem(415, "unsupported_media_type")
	h.do("POST", "/v1/events", event(redemption), "Content-Type: ;;").problem(415, "unsupported_media_type")
}
