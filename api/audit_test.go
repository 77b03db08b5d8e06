package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// auditCase calls one operation so that it succeeds and does something.
type auditCase struct {
	body   string
	fill   map[string]string // for the names in the path
	query  string
	kind   webhook.Resource
	id     func(*answer) string // of the resource
	client webhook.ClientID
	fields []string
}

// auditCases is what each operation that leaves a line has to leave. A new
// route that writes, or that shows what is secret or personal, wants a case.
func (h *house) auditCases() map[string]auditCase {
	receiver, _ := newReceiver(h.t, 200, `{"status":"received"}`)
	sub := func() map[string]string {
		return map[string]string{"id": h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+receiver+`","event_types":["*","shop.product.redemption"]}`).want(201).text("id")}
	}
	waiting := func() map[string]string {
		h.subscribe(receiver)
		return map[string]string{"id": h.do("POST", "/v1/events", event(redemption)).want(202).text("deliveries", 0, "id")}
	}
	answered := func(names ...any) func(*answer) string { return func(a *answer) string { return a.text(names...) } }
	paused := sub()
	h.do("POST", "/v1/subscriptions/"+paused["id"]+"/pause", "").want(200)
	subscription := auditCase{kind: webhook.ResourceSubscription, client: "acme"}
	on := func(fill map[string]string, body string, fields ...string) auditCase {
		c := subscription
		c.fill, c.body, c.fields = fill, body, fields
		c.id = func(*answer) string { return fill["id"] }
		return c
	}
	delivery := func(fill map[string]string) auditCase {
		return auditCase{kind: webhook.ResourceDelivery, client: "acme", fill: fill, id: func(*answer) string { return fill["id"] }}
	}
	fixed := func(s string) func(*answer) string { return func(*answer) string { return s } }
	client := map[string]string{"client_id": "acme"}
	verification := map[string]string{"id": h.do("POST", "/v1/verifications", verification(receiver, `,"client_id":"acme"`)).want(201).text("id")}
	job := map[string]string{"id": h.do("POST", "/v1/replays", `{"filter":{"client_id":"acme"}}`).want(202).text("id")}
	unused := map[string]string{"id": h.do("POST", "/v1/api-keys", `{"name":"planted","role":"producer","client_id":"acme"}`).want(201).text("id")}
	return map[string]auditCase{
		"put-client":           {fill: client, body: `{"name":"Acme"}`, kind: webhook.ResourceClient, id: fixed("acme"), client: "acme", fields: []string{"name"}},
		"get-client-secret":    {fill: client, kind: webhook.ResourceClient, id: fixed("acme"), client: "acme", fields: []string{"secret"}},
		"rotate-client-secret": {fill: client, kind: webhook.ResourceClient, id: fixed("acme"), client: "acme", fields: []string{"secret"}},

		"erase-personal-data": {fill: client, kind: webhook.ResourceClient, id: fixed("acme"), client: "acme"},

		"create-subscription": {
			body: `{"client_id":"acme","url":"` + receiver + `","event_types":["*"],"headers":{"X-Key":"planted"}}`,
			kind: webhook.ResourceSubscription, id: answered("id"), client: "acme",
		},
		"change-subscription":        on(sub(), `{"description":"planted","max_in_flight":3}`, "description", "max_in_flight"),
		"delete-subscription":        on(sub(), ""),
		"pause-subscription":         on(sub(), ""),
		"resume-subscription":        on(paused, ""),
		"rotate-subscription-secret": on(sub(), ""),
		"get-subscription-secret":    on(sub(), "", "secret"),
		"test-subscription":          on(sub(), ""),
		"check-subscription":         on(sub(), ""),

		"put-event-type": {
			fill: map[string]string{"slug": "a.b"}, body: `{"name":"planted","envelope":"none"}`,
			kind: webhook.ResourceEventType, id: fixed("a.b"), fields: []string{"envelope", "name"},
		},
		"post-event":  {body: event(redemption), kind: webhook.ResourceEvent, id: answered("id"), client: "acme"},
		"post-events": {body: `{"events":[` + event(redemption) + `,` + event(redemption) + `]}`, kind: webhook.ResourceEvent, id: fixed(""), client: "acme"},

		"create-verification": {
			body: `{"nationalId":"01234567890","verifications":{},"callback":{"url":"` + receiver + `","method":"PUT"},"client_id":"fresh"}`,
			kind: webhook.ResourceVerification, id: answered("id"), client: "fresh", fields: []string{"secret"}, // its client's first: a secret is made
		},
		"end-verification": {
			fill: verification, body: `{"status":"COMPLETED"}`,
			kind: webhook.ResourceVerification, id: fixed(verification["id"]), client: "acme",
		},

		"retry-delivery":  delivery(waiting()),
		"cancel-delivery": delivery(waiting()),

		"start-replay": {body: `{"filter":{"client_id":"acme"}}`, kind: webhook.ResourceJob, id: answered("id"), client: "acme"},
		"cancel-job":   {fill: job, kind: webhook.ResourceJob, id: fixed(job["id"]), client: "acme"},

		"change-export": {
			fill: map[string]string{"name": "vendas"}, body: `{"page_size":77}`,
			kind: webhook.ResourceExport, id: fixed("vendas"), fields: []string{"page_size"},
		},
		"start-run": {
			fill: map[string]string{"name": "vendas"}, body: `{"start_date":"2025-06-15","end_date":"2025-06-15","client_id":"acme"}`,
			kind: webhook.ResourceRun, id: answered("id"), client: "acme",
		},
		"create-api-key": {
			body: `{"name":"planted","role":"viewer","client_id":"acme"}`,
			kind: webhook.ResourceAPIKey, id: answered("id"), client: "acme",
		},
		"revoke-api-key": {fill: unused, kind: webhook.ResourceAPIKey, id: fixed(unused["id"]), client: "acme"},
		"put-records": {
			fill: map[string]string{"dataset": "ingressos"}, query: "client_id=acme",
			body: `[{"_id":"planted","updatedAt":"2025-06-15T18:00:00Z","checkin":true}]`,
			kind: webhook.ResourceRecords, id: fixed("ingressos"), client: "acme",
		},
	}
}

// showing are the operations that only read, and leave a line.
func showing(operation string) bool {
	return slices.Contains([]string{"get-client-secret", "get-subscription-secret"}, operation)
}

// TestEachWriteLeavesOneLine calls every route that writes.
func TestEachWriteLeavesOneLine(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		a, err := newAPI(h.options())
		must(t, err)
		cases := h.auditCases()
		for _, r := range a.routes() {
			c, there := cases[r.id]
			delete(cases, r.id)
			if r.method == get && !showing(r.id) {
				continue
			}
			if !there {
				t.Errorf("%s %s (%s) is called by no case: who writes must leave a line in the audit log", r.method, r.path, r.id)
				continue
			}
			h.checkAudited(t, r, c)
		}
		for id := range cases {
			t.Errorf("there is a case for %s, but no such route", id)
		}
		if body := h.do("GET", "/v1/audit-log?limit=500", "").want(200).body; strings.Contains(body, "planted") {
			t.Errorf("a value is in the audit log: %s", body)
		}
	})
}

func (h *house) checkAudited(t *testing.T, r route, c auditCase) {
	t.Helper()
	before := h.auditLines("")
	path := r.path
	for name, value := range c.fill {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if c.query != "" {
		path += "?" + c.query
	}
	got := h.do(r.method, path, c.body)
	if got.status >= 300 {
		t.Errorf("%s: %d %s", r.id, got.status, got.body)
		return
	}
	filter := ""
	if r.id == webhook.ActionPostEvent { // it has its mark on the event
		if after := h.auditLines(""); len(after) != len(before) {
			t.Errorf("%s left a line", r.id)
		}
		before, filter = nil, "&resource="+c.id(got)
	}
	after := h.auditLines(filter)
	if len(after) != len(before)+1 {
		t.Errorf("%s left %d lines", r.id, len(after)-len(before))
		return
	}
	line := after[0]
	want := auditView{
		ID: line.ID, At: line.At, Action: r.id, Actor: auditActor{adminPrincipal, "admin", string(admin)},
		Resource: auditResource{c.kind, c.id(got), c.client}, Fields: c.fields, Counts: line.Counts,
		From: auditFrom{"192.0.2.1", got.header.Get("X-Request-Id")}, // httptest's address
	}
	if r.id == webhook.ActionPostEvent {
		want.Actor, want.From.RequestID = auditActor{KeyID: adminPrincipal}, ""
	}
	if diff := cmp.Diff(want, line); diff != "" || line.At.IsZero() {
		t.Errorf("%s (-want +got):\n%s", r.id, diff)
	}
}

// auditLines is the audit log, newest first, with some more query.
func (h *house) auditLines(more string) []auditView {
	h.t.Helper()
	var l list[auditView]
	h.do("GET", "/v1/audit-log?limit=500"+more, "").want(200).into(&l)
	return l.Data
}

func TestNoLineWithoutAWrite(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("http://127.0.0.1:9")
	h.do("POST", "/v1/subscriptions/"+sub+"/pause", "").want(200)
	before := len(h.auditLines(""))
	h.do("POST", "/v1/subscriptions/"+sub+"/pause", "").want(200) // it is paused
	h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"ftp://x","event_types":["*"]}`).want(422)
	h.do("DELETE", "/v1/subscriptions/"+string(webhook.NewSubscriptionID()), "").want(404)
	h.do("GET", "/v1/subscriptions/"+sub, "").want(200)
	h.do("PUT", "/v1/records/ingressos?client_id=acme", `[{"_id":""}]`).want(200) // refused
	ask(t, h.handler, "PUT", "/v1/clients/acme", `{}`).want(401)
	if after := len(h.auditLines("")); after != before {
		t.Errorf("%d lines were left", after-before)
	}
	for range 2 { // the second is answered from what the first left
		h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"]}`, "Idempotency-Key: k").want(201)
	}
	if after := len(h.auditLines("")); after != before+1 {
		t.Errorf("%d lines were left by a request and its repeat", after-before)
	}
}

// TestALongUploadLeavesOneLine puts records that take several transactions.
func TestALongUploadLeavesOneLine(t *testing.T) {
	h := newHouse(t, 0)
	var b strings.Builder
	for i := range 1200 {
		n := strconv.Itoa(i)
		b.WriteString(`{"_id":"` + n + `","updatedAt":"2025-06-15T18:00:00Z","client":"c` + strconv.Itoa(i/700) + `"}` + "\n")
	}
	h.do("PUT", "/v1/records/ingressos?client_field=client", b.String()).want(200)
	lines := h.auditLines("")
	if len(lines) != 1 || lines[0].Counts["accepted"] != 1200 || lines[0].Resource != (auditResource{Kind: webhook.ResourceRecords, ID: "ingressos"}) {
		t.Errorf("%+v", lines)
	}
}

func TestTheAuditLogIsFiltered(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("http://127.0.0.1:9")
	h.do("PUT", "/v1/clients/b", `{}`).want(201)
	h.do("PUT", "/v1/clients/b", `{"name":"B"}`).want(200)
	h.do("POST", "/v1/subscriptions/"+sub+"/pause", "").want(200)
	all := h.auditLines("")
	if len(all) != 4 || all[0].Action != "pause-subscription" || all[3].Action != "create-subscription" {
		t.Fatalf("%+v", all)
	}
	for query, want := range map[string][]int{
		"resource=subscription":                      {0, 3},
		"resource=" + sub:                            {0, 3},
		"resource=client:b":                          {1, 2},
		"resource=b":                                 {1, 2},
		"resource=client:acme":                       {},
		"client_id=acme":                             {0, 3},
		"client_id=b&action=put-client":              {1, 2},
		"action=pause-subscription":                  {0},
		"actor=key_admin":                            {0, 1, 2, 3},
		"actor=key_other":                            {},
		"until=" + all[2].At.Format(timeLayout):      {3},
		"since=" + all[1].At.Format(timeLayout):      {0, 1},
		"since=2000-01-01T00:00:00Z&resource=client": {1, 2},
	} {
		ids := []webhook.AuditID{}
		for _, i := range want {
			ids = append(ids, all[i].ID)
		}
		// One at a time: the cursor must lead through all.
		got, next := []webhook.AuditID{}, ""
		for {
			var l list[auditView]
			h.do("GET", "/v1/audit-log?limit=1&"+query+"&cursor="+url.QueryEscape(next), "").want(200).into(&l)
			for i := range l.Data {
				got = append(got, l.Data[i].ID)
			}
			if l.NextCursor == nil {
				break
			}
			next = *l.NextCursor
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for query, name := range map[string]string{
		"resource=nothing:x": "resource", "actor=%00": "actor", "action=" + strings.Repeat("a", 201): "action", "since=now": "since", "client_id=a/b": "client_id",
	} {
		got := h.do("GET", "/v1/audit-log?"+query, "").want(http.StatusUnprocessableEntity)
		if diff := cmp.Diff([]string{name}, got.paths()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

const timeLayout = "2006-01-02T15:04:05.999999999Z"
