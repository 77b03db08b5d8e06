package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What is planted, and must be shown to nobody who does not ask for it.
var planted = []string{"52998224725", "maria@example.com", "(11) 98765-4321", "Maria Silva"}

const personal = `{"user":{"id":"1", "name":"Maria Silva","cpf":52998224725}, "exchange":{"id":"2","quantity":"1"},"note":"maria@example.com, (11) 98765-4321"}`

func wantNone(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range planted {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s shows %s: %s", what, secret, text)
		}
	}
	if !strings.Contains(text, redact.Mark) {
		t.Errorf("%s was not looked at: %s", what, text)
	}
}

// keyOf makes a key of a role.
func (h *house) keyOf(role string) string {
	return "Authorization: Bearer " + h.do("POST", "/v1/api-keys", `{"name":"x","role":"`+role+`"}`).want(201).text("key")
}

// personalHouse has rules, and an event, a verification and a record of a
// person, of which the event was delivered to a server that answers in kind.
func personalHouse(t *testing.T) (h *house, looks map[string]string) {
	h = newHouse(t, 4)
	o := h.options()
	o.Redact = redact.New([][]string{{"data", "user", "name"}, {"metadata", "name"}, {"full_name"}})
	handler, err := New(o)
	must(t, err)
	h.handler = holdTo(t, handler)
	var wire []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wire = make([]byte, r.ContentLength)
		_, _ = io.ReadFull(r.Body, wire)
		w.Header().Set("X-Mail", "maria@example.com")
		_, _ = w.Write([]byte(`{"data":` + personal + `}`)) // it shows what it got
	}))
	t.Cleanup(receiver.Close)
	h.do("PUT", "/v1/event-types/person.moved", `{"name":"Moved","envelope":"event_data"}`).want(201)
	h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+receiver.URL+`","event_types":["person.*"]}`).want(201)
	posted := h.do("POST", "/v1/events", `{"type":"person.moved","client_id":"acme","data":`+personal+`}`).want(202)
	h.next()
	if !strings.Contains(string(wire), personal) {
		t.Errorf("the client got %s", wire)
	}
	delivery := "/v1/deliveries/" + posted.text("deliveries", 0, "id")
	ver := h.do("POST", "/v1/verifications", `{"nationalId":"52998224725","verifications":{"type":"full"},
		"callback":{"url":"`+receiver.URL+`/?mail=maria%40example.com","method":"POST"},"metadata":{"name":"Maria Silva","t":"maria@example.com"}}`).want(201)
	h.do("PUT", "/v1/records/vendas?client_id=acme", `[{"_id":"r1","updatedAt":"2025-06-15T18:00:00Z","transaction_date":"2025-06-15T18:00:00Z","full_name":"Maria Silva","cpf":"529.982.247-25"}]`).want(200)
	h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+receiver.URL+`","event_types":["venda_export"]}`).want(201)
	return h, map[string]string{
		"get-event": "/v1/events/" + posted.text("id"), "get-delivery": delivery, "get-delivery-payload": delivery + "/payload",
		"get-delivery-as-curl": delivery + "/curl", "get-verification": "/v1/verifications/" + ver.text("id"),
		"preview-export": "/v1/exports/vendas/preview?start_date=2025-06-01&end_date=2025-06-30&client_id=acme",
	}
}

func TestPersonalDataAreShownToWhoAsksForThem(t *testing.T) {
	h, looks := personalHouse(t)
	operator, producer := h.keyOf("operator"), h.keyOf("producer")
	for operation, path := range looks {
		query := "?"
		if strings.Contains(path, "?") {
			query = "&"
		}
		wantNone(t, operation, h.do("GET", path, "").want(200).body)
		shown := ask(t, h.handler, "GET", path, "", operator).want(200)
		wantNone(t, operation, shown.body)
		refused := ask(t, h.handler, "GET", path+query+"reveal=true", "", operator).problem(403, "reveal_forbidden")
		if !strings.Contains(refused.text("detail"), "operator") || !strings.Contains(refused.text("detail"), "admin") {
			t.Errorf("the refusal says %s", refused.text("detail"))
		}
		if n := len(h.auditLines("&action=" + operation)); n != 0 {
			t.Errorf("%s: %d lines before anybody was shown anything", operation, n)
		}
		all := h.do("GET", path+query+"reveal=true", "").want(200).body
		if !strings.Contains(all, "Maria Silva") || strings.Contains(all, redact.Mark) {
			t.Errorf("%s reveals %s", operation, all)
		}
		lines := h.auditLines("&action=" + operation)
		if len(lines) != 1 || len(lines[0].Fields) != 1 || lines[0].Fields[0] != "personal_data" || lines[0].Resource.ID == "" {
			t.Errorf("%s leaves the lines %+v", operation, lines)
		}
		h.do("GET", path+query+"reveal=maybe", "").problem(422, "invalid_request")
	}
	// A producer polls what the callback gets.
	got := ask(t, h.handler, "GET", looks["get-verification"], "", producer).want(200).body
	if !strings.Contains(got, `"metadata":{"name":"Maria Silva","t":"maria@example.com"}`) {
		t.Errorf("a producer polls %s", got)
	}
	ask(t, h.handler, "GET", looks["get-verification"]+"?reveal=true", "", producer).problem(403, "reveal_forbidden")
	wantNone(t, "the list of verifications", h.do("GET", "/v1/verifications", "").want(200).body)
	if strings.Contains(h.log.String(), "maria") {
		t.Error("it is in the log")
	}
}

// What could not be written down is not shown.
func TestARevealWithoutItsLineIsNone(t *testing.T) {
	h, looks := personalHouse(t)
	ctx := context.WithValue(context.Background(), callKey{}, &call{who: principal{id: "key_x", role: "admin"}})
	a, err := newAPI(h.options())
	must(t, err)
	in := &deliveryPath{Revealing{true}, webhook.DeliveryID(strings.TrimPrefix(looks["get-delivery"], "/v1/deliveries/"))}
	if got, err := a.getDelivery(ctx, in); err == nil || got != nil { // nobody acts in this context
		t.Errorf("shown without a line: %+v, %v", got, err)
	}
}

func TestTheBytesBesideStay(t *testing.T) {
	h, looks := personalHouse(t)
	want := strings.NewReplacer(`"Maria Silva"`, `"[redacted]"`, `52998224725`, `"[redacted]"`,
		"maria@example.com, (11) 98765-4321", "[redacted], [redacted]").Replace(personal)
	if got := h.do("GET", looks["get-event"], "").want(200).body; !strings.Contains(got, `"data":`+want+`,`) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := h.do("GET", looks["get-delivery-payload"], "").want(200).body; !strings.HasSuffix(got, `,"data":`+want+`}`) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := h.do("GET", looks["get-delivery-as-curl"], "").want(200).body; !strings.HasPrefix(got, "# Personal data are redacted") {
		t.Errorf("got %s", got)
	}
	if got := h.do("GET", looks["get-delivery-as-curl"]+"?reveal=true", "").want(200).body; strings.HasPrefix(got, "#") || !strings.Contains(got, personal) {
		t.Errorf("got %s", got)
	}
}

// sweep removes what is over at a time to come.
func (h *house) sweep(t *testing.T, at time.Time, sweeps ...store.Sweep) {
	t.Helper()
	ctx := context.Background()
	hold, ok, err := h.store.TakeSweep(ctx, at, at)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, sweep := range sweeps {
		for more := true; more; {
			out, err := h.store.Sweep(ctx, sweep, store.SweepTerms{Hold: hold, Now: at, Before: at.Add(-time.Hour)})
			must(t, err)
			more = out.More
		}
	}
}

func TestAPayloadThatIsGone(t *testing.T) {
	h, looks := personalHouse(t)
	h.sweep(t, time.Now().Add(2*time.Hour), store.SweepEventPayloads)
	detail := h.do("GET", looks["get-delivery"], "").want(200)
	at := detail.text("payload_gone", "at")
	if detail.text("payload_gone", "why") != "retention" || at == "" || len(detail.at("attempts").([]any)) != 1 || detail.text("state") != "succeeded" {
		t.Errorf("the log's line is %s", detail.body)
	}
	for _, path := range []string{"/payload", "/curl", "/payload?reveal=true"} {
		got := h.do("GET", looks["get-delivery"]+path, "").problem(410, "payload_gone")
		if !strings.Contains(got.text("detail"), "was removed on "+at[:16]) || !strings.Contains(got.text("detail"), "retention") {
			t.Errorf("%s says %s", path, got.text("detail"))
		}
	}
	retry := h.do("POST", looks["get-delivery"]+"/retry", "").problem(409, "payload_gone")
	if !strings.Contains(retry.text("detail"), at[:16]) {
		t.Errorf("the retry says %s", retry.text("detail"))
	}
	event := h.do("GET", looks["get-event"], "").want(200)
	if event.at("data") != nil || event.text("data_gone", "why") != "retention" {
		t.Errorf("the event is %s", event.body)
	}
	if n := len(h.auditLines("&action=get-delivery-payload")); n != 0 {
		t.Errorf("%d looks at nothing are written down", n)
	}
	h.sweep(t, time.Now().Add(4*time.Hour), store.SweepAttempts)
	detail = h.do("GET", looks["get-delivery"], "").want(200)
	if detail.at("attempts_removed") != 1.0 || len(detail.at("attempts").([]any)) != 0 || detail.at("attempt_count") != 1.0 {
		t.Errorf("without its attempt: %s", detail.body)
	}
}

func TestErasureOverTheAPI(t *testing.T) {
	h, looks := personalHouse(t)
	operator := h.keyOf("operator")
	const path = "/v1/clients/acme/personal-data"
	h.do("GET", path, "").problem(404, "not_found")
	ask(t, h.handler, "DELETE", path, "", operator).want(403)
	h.do("DELETE", "/v1/clients/a%20b/personal-data", "").problem(404, "not_found")
	asked := h.do("DELETE", path, "").want(202)
	if asked.at("finished_at") != nil || asked.text("client_id") != "acme" || asked.header.Get("Location") != path {
		t.Errorf("asked: %s", asked.body)
	}
	if again := h.do("DELETE", path, "").want(202); again.text("requested_at") != asked.text("requested_at") {
		t.Errorf("asked again: %s", again.body)
	}
	at := time.Now().Add(time.Hour)
	hold, ok, err := h.store.TakeSweep(context.Background(), at, at)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for range 100 {
		e, err := h.store.Erase(context.Background(), hold, "acme")
		must(t, err)
		if e.FinishedAt != nil {
			break
		}
	}
	done := ask(t, h.handler, "GET", path, "", operator).want(200)
	if done.at("finished_at") == nil || done.text("step") != "done" || done.at("erased", "payloads") != 1.0 || done.at("erased", "records") != 1.0 {
		t.Errorf("done: %s", done.body)
	}
	gone := h.do("GET", looks["get-delivery"]+"/payload", "").problem(410, "payload_gone")
	if !strings.Contains(gone.text("detail"), "erased") {
		t.Errorf("the payload's problem says %s", gone.text("detail"))
	}
	all := h.do("GET", looks["get-delivery"]+"?reveal=true", "").want(200).body
	for _, secret := range planted {
		if strings.Contains(all, secret) {
			t.Errorf("%s is still shown: %s", secret, all)
		}
	}
	h.do("GET", "/v1/subscriptions?client_id=acme", "").want(200).text("data", 0, "id") // they stay
}

func TestTheKeyOfARefusedRecordMayBePersonal(t *testing.T) {
	h := newHouse(t, 0)
	ctx, now := context.Background(), time.Now().UTC()
	run := webhook.Run{
		ID: webhook.NewRunID(), Export: "vendas", Event: "venda_export", Dataset: webhook.Vendas, Trigger: webhook.RunBackfill,
		Window: webhook.Window{From: now, To: now}, Zone: "-03:00", PageSize: 1, PageBytes: 1, State: webhook.RunPending, CreatedAt: now,
	}
	must(t, h.store.CreateRun(ctx, &run, nil))
	taken, err := h.store.TakeRun(ctx, now, now.Add(time.Minute))
	must(t, err)
	hold := store.Hold{RunID: run.ID, Generation: taken.Generation, LeaseUntil: now.Add(time.Minute)}
	must(t, h.store.PlanRun(ctx, hold, []webhook.RunClient{{ClientID: "acme", Subscriptions: []webhook.SubscriptionID{}}}))
	must(t, h.store.BuildPage(ctx, hold, &store.BuiltPage{
		Run: taken, ClientID: "acme", Position: "x", Refused: []store.Refusal{{Key: "maria@example.com", Reason: "too large"}}, RefusedCount: 1,
	}))
	got := h.do("GET", "/v1/runs/"+string(run.ID), "").want(200)
	wantNone(t, "the run", got.body)
	if got.text("clients", 0, "refused_records", 0, "reason") != "too large" {
		t.Errorf("the run is %s", got.body)
	}
}
