package api

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// seedData is the data of the contract's example (redemption-event.md).
const seedData = `{"user":{"id":"123","name":"Aluno","email":"aluno@toolzz.me",
   "address":{"cep":"12345-123","uf":"SP","cidade":"Nome da cidade","bairro":"Nome do bairro","logradouro":"endereço","numero":"01","complemento":"Ao lado da casa X","referencia":"Ref"}},
  "exchange":{"id":"321","exchange_date":"2023-06-20 14:52:59","quantity":"1","total_payment":"39",
   "institution":{"id":"123456","name":"Nome da instituicao"},"school":{"id":"654","name":"Nome da escola"},
   "product":{"id":"213","name":"Nome do produto","type":"price","price":"39","stock_left":"49"}}}`

func TestARedemptionArrivesAsTheContractSays(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 8)
	sub := h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["shop.*"]}`).want(201)
	posted := h.do("POST", "/v1/events", event(seedData)).want(202)
	got := <-came
	created, err := time.Parse(time.RFC3339Nano, posted.text("created_at"))
	must(t, err)
	want := `{"event":{"name":"Resgate do Produto","slug":"shop.product.redemption","send_at":"` +
		created.In(time.FixedZone("GMT-3", -3*60*60)).Format("2006-01-02 15:04:05") + `"},"data":` + seedData + `}`
	if diff := cmp.Diff(want, string(got.body)); diff != "" {
		t.Errorf("on the wire (-want +got):\n%s", diff)
	}
	verifier, err := standardwebhooks.NewWebhook(sub.text("secret"))
	must(t, err)
	if err := verifier.Verify(got.body, got.header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	if id := got.header.Get("Webhook-Id"); id != posted.text("id") {
		t.Errorf("webhook-id %q", id)
	}
	if ob := h.next(); ob.State != webhook.StateSucceeded {
		t.Errorf("the delivery is %s", ob.State)
	}
	delivery := h.do("GET", "/v1/deliveries/"+posted.text("deliveries", 0, "id"), "").want(200)
	if delivery.text("state") != "succeeded" || delivery.at("attempts", 0, "status") != 200.0 || delivery.at("attempts", 0, "error") != nil {
		t.Error(delivery.body)
	}
}

// oddData are values that a reader which decodes and encodes again would change.
var oddData = []string{
	`{"n":12345678901234567890123456789.000000000000000000001,"e":1E400,"z":-0.0,"i":1.0}`,
	"{ \"z\" : 1 ,\n\t\"a\":\r\n[ 1,  2 ] }",
	`{"a":"caf\u00e9 é 😀 \ud83d\ude00 \/ \u003c<>&\u2028 ","half":"\ud83d"}`,
	`{"":"","\u0000":"\u0000"}`,
	`[]`, `"text"`, `0`, `null`, `true`, ` {"lead":1} `,
}

func TestDataStaysByteForByte(t *testing.T) {
	url, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	h.do("PUT", "/v1/event-types/plain", `{"name":"Plain","envelope":"none"}`).want(201)
	h.do("PUT", "/v1/event-types/wrapped", `{"name":"<é & \"x\">"}`).want(201)
	h.subscribe(url)
	for _, data := range oddData {
		stripped := strings.TrimSpace(data)
		for _, slug := range []string{"plain", "wrapped"} {
			posted := h.do("POST", "/v1/events", `{"client_id":"acme","data":`+data+`,"type":"`+slug+`"}`).want(202)
			m, err := h.store.Message(context.Background(), webhook.MessageID(posted.text("id")))
			must(t, err)
			body := (<-came).body
			payload := h.do("GET", "/v1/deliveries/"+posted.text("deliveries", 0, "id")+"/payload", "").want(200)
			if ct := payload.header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type %q", ct)
			}
			want := stripped
			if slug == "wrapped" {
				head, _, _ := strings.Cut(string(body), `"send_at":`)
				if head != `{"event":{"name":"<é & \"x\">","slug":"wrapped",` {
					t.Errorf("the envelope: %s", body)
				}
				want = string(body[:len(body)-len(stripped)-1]) + stripped + "}"
			}
			for place, got := range map[string]string{"the wire": string(body), "the database": string(m.Body), "the payload route": payload.body} {
				if got != want {
					t.Errorf("%s has %q, want %q", place, got, want)
				}
			}
			if got := string(m.Data()); got != stripped {
				t.Errorf("data is %q", got)
			}
			if detail := h.do("GET", "/v1/events/"+posted.text("id"), "").want(200); !strings.Contains(detail.body, `"data":`+stripped+`,"deliveries":[{`) {
				t.Errorf("the event shows %s", detail.body)
			}
			h.next()
		}
	}
}

func TestABatchIsAllOrNothing(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("http://127.0.0.1:9")
	h.do("POST", "/v1/events/batch", `{"events":[`+event(redemption)+`,{"type":"none","client_id":"acme","data":1}]}`).want(422)
	if got := h.do("GET", "/v1/events", "").want(200).body; got != `{"data":[],"next_cursor":null}` {
		t.Errorf("after a refused batch: %s", got)
	}
	got := h.do("POST", "/v1/events/batch", `{"events":[`+event(redemption)+`,{"type":"shop.product.redemption","client_id":"nobody","data":`+redemption+`}]}`).want(202)
	if got.text("events", 0, "deliveries", 0, "id") == "" || len(got.at("events", 1, "deliveries").([]any)) != 0 {
		t.Error(got.body)
	}
}

func TestOccurredAtAndTarget(t *testing.T) {
	h := newHouse(t, 0)
	first, second := h.subscribe("http://127.0.0.1:9/1"), h.subscribe("http://127.0.0.1:9/2")
	body := strings.Replace(event(redemption), `{"type"`, `{"occurred_at":"2025-06-15T00:30:00.5-03:00","subscription_id":"`+second+`","type"`, 1)
	posted := h.do("POST", "/v1/events", body).want(202)
	if ds := posted.at("deliveries").([]any); len(ds) != 1 || posted.text("deliveries", 0, "subscription_id") != second {
		t.Errorf("%s, not only to %s (and not %s)", posted.body, second, first)
	}
	got := h.do("GET", "/v1/events/"+posted.text("id"), "").want(200)
	if got.text("occurred_at") != "2025-06-15T03:30:00.5Z" || got.text("subscription_id") != second || got.at("more_deliveries") != false {
		t.Error(got.body)
	}
	var v any
	if err := json.Unmarshal([]byte(got.body), &v); err != nil {
		t.Error(err)
	}
}

func TestCurlLine(t *testing.T) {
	h := newHouse(t, 0)
	h.do("PUT", "/v1/event-types/plain", `{"name":"Plain","envelope":"none"}`).want(201)
	sub := h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9/a?b=$(id)&c='x'","event_types":["*"],"headers":{"X-Key":"se'cret"}}`).want(201)
	data := `"it's $HOME \\ \"q\" é` + " `id` !" + `"`
	long := `"` + strings.Repeat("it's long ", 12_000) + `"`
	for name, data := range map[string]string{"short": data, "long": long} {
		posted := h.do("POST", "/v1/events", `{"type":"plain","client_id":"acme","data":`+data+`}`).want(202)
		got := h.do("GET", "/v1/deliveries/"+posted.text("deliveries", 0, "id")+"/curl", "").want(200)
		if ct := got.header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
			t.Errorf("Content-Type %q", ct)
		}
		if strings.Contains(got.body, "cret") || !strings.HasPrefix(got.body, "# ") {
			t.Errorf("%s: static headers are shown or not mentioned", name)
		}
		body, headers := runCurl(t, got.body)
		if string(body) != data {
			t.Errorf("%s: a shell makes %.200s of it", name, body)
		}
		if headers["url"] != "http://127.0.0.1:9/a?b=$(id)&c='x'" || headers["X-Key"] != webhook.Redacted || headers["Carteiro-Attempt"] != "1" {
			t.Errorf("%s: %v", name, headers)
		}
		verifier, err := standardwebhooks.NewWebhook(sub.text("secret"))
		must(t, err)
		h2 := map[string][]string{}
		for k, v := range headers {
			h2[k] = []string{v}
		}
		if err := verifier.Verify(body, h2); err != nil {
			t.Errorf("%s: the signature: %v", name, err)
		}
	}
	posted := h.do("POST", "/v1/events", `{"type":"plain","client_id":"acme","data":1}`).want(202)
	h.do("DELETE", "/v1/subscriptions/"+sub.text("id"), "").want(204)
	h.do("GET", "/v1/deliveries/"+posted.text("deliveries", 0, "id")+"/curl", "").problem(409, "subscription_gone")
}

// runCurl lets a shell read a line, with a curl that only shows what it gets.
func runCurl(t *testing.T, line string) (body []byte, headers map[string]string) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	cmd := exec.Command(sh)
	cmd.Stdin = strings.NewReader(`curl() { printf '%s\0' "$@"; case "$*" in *--data-binary*) cat;; esac; }` + "\n" + line)
	out, err := cmd.Output()
	must(t, err)
	args := strings.Split(string(out), "\x00")
	headers = map[string]string{}
	for i, arg := range args[:len(args)-1] {
		switch arg {
		case "--url":
			headers["url"] = args[i+1]
		case "--header":
			name, value, _ := strings.Cut(args[i+1], ": ")
			headers[name] = value
		case "--data-raw":
			body = []byte(args[i+1])
		case "--data-binary":
			body = []byte(args[len(args)-1])
		}
	}
	return body, headers
}

// TestCurlWithoutHeaders: `curl -d '{…}'` says that it sends a form; it is
// read as the JSON that it is.
func TestCurlWithoutHeaders(t *testing.T) {
	h := newHouse(t, 0)
	h.do("POST", "/v1/events", event(redemption), "Content-Type: application/x-www-form-urlencoded").want(202)
}
