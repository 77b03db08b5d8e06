package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
)

// failingBody fails a test when somebody reads it.
type failingBody struct{ t *testing.T }

func (f failingBody) Read([]byte) (int, error) {
	f.t.Error("the body was read before the key was checked")
	return 0, io.EOF
}

func TestEveryRouteWantsTheKey(t *testing.T) {
	h := newHouse(t, 0)
	a, err := newAPI(h.options())
	must(t, err)
	routes := append(a.routes(),
		route{method: "GET", path: "/"}, route{method: "GET", path: "/v1/nothing"}, route{method: "POST", path: "/healthz/"},
		route{method: "DELETE", path: "/v1/events"}, route{method: "POST", path: "/readyz"})
	for i, r := range routes {
		from := "192.0.2." + strconv.Itoa(i) + ":999" // one address must not send too many wrong keys
		path := strings.NewReplacer("{", "", "}", "").Replace(r.path)
		for _, headers := range [][]string{
			nil,
			{"Authorization: Bearer "},
			{"Authorization: Bearer wrong-" + testKey},
			{"Authorization: Basic " + testKey},
			{"Authorization: " + testKey},
			{"Authorization: Bearer " + testKey, "Authorization: Bearer " + testKey},
		} {
			got := askFrom(t, from, h.handler, httptest.NewRequest(r.method, path, nil), headers...)
			if r.who == public {
				got.want(http.StatusOK)
				continue
			}
			got.problem(http.StatusUnauthorized, "unauthorized")
			if w := got.header.Get("WWW-Authenticate"); !strings.HasPrefix(w, "Bearer") {
				t.Errorf("%s %s: WWW-Authenticate %q", r.method, r.path, w)
			}
		}
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		ask(t, h.handler, "GET", "/v1/clients", "", "Authorization: "+scheme+" "+testKey).want(200)
	}
}

func TestTheKeyComesBeforeTheBody(t *testing.T) {
	h := newHouse(t, 0)
	r, err := http.NewRequest("POST", "/v1/events", failingBody{t})
	must(t, err)
	w := newRecorder()
	h.handler.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}

func TestTheDocumentHasEveryRoute(t *testing.T) {
	h := newHouse(t, 0)
	engine, ok := h.engine.(*gin.Engine)
	if !ok {
		t.Fatalf("the handler is a %T", h.engine)
	}
	var served []string
	for _, r := range engine.Routes() {
		if r.Method == http.MethodHead || r.Path == "/docs/style.css" { // GET is described; a part of a page is not
			continue
		}
		served = append(served, r.Method+" "+humaPattern(r.Path))
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string   `json:"operationId"`
			Roles       []string `json:"x-roles"`
			Responses   map[string]any
			RequestBody map[string]any `json:"requestBody"`
			Security    *[]any
		}
	}
	got := h.do("GET", "/openapi.json", "").want(200)
	got.into(&doc)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", doc.OpenAPI)
	}
	var described []string
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			described = append(described, name)
			if ids[op.OperationID] || op.OperationID == "" {
				t.Errorf("%s: operationId %q is empty or there twice", name, op.OperationID)
			}
			ids[op.OperationID] = true
			isPublic := op.Security != nil && len(*op.Security) == 0
			if isPublic != (len(op.Roles) == 0) || isPublic != slices.Contains([]string{"/healthz", "/readyz", "/docs", "/openapi.json"}, path) {
				t.Errorf("%s: public %v, roles %v", name, isPublic, op.Roles)
			}
			for _, status := range []string{"401", "429"} {
				if _, refused := op.Responses[status]; isPublic == refused {
					t.Errorf("%s: roles %v, %s described: %v", name, op.Roles, status, refused)
				}
			}
			if wants := method == "post" || method == "put" || method == "patch"; wants != (op.RequestBody != nil) {
				t.Errorf("%s: a body is described: %v", name, op.RequestBody != nil)
			}
			if op.Responses["default"] != nil {
				t.Errorf("%s has only a default answer", name)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("served and described differ (-served +described):\n%s", diff)
	}
	for _, word := range []string{"$schema", "unpkg", "cdn"} {
		if strings.Contains(got.body, word) {
			t.Errorf("the document mentions %q", word)
		}
	}
}

func TestTheDocumentTellsShapes(t *testing.T) {
	doc := newHouse(t, 0).do("GET", "/openapi.json", "").want(200)
	for _, path := range [][]any{
		{"components", "schemas", "EventDetail", "properties", "data"},
		{"components", "schemas", "EventDetail", "properties", "occurred_at"},
		{"components", "schemas", "DeliveryDetail", "properties", "attempts"},
		{"components", "schemas", "DeliveryDetail", "properties", "next_attempt_at"},
		{"components", "schemas", "SubscriptionView", "properties", "secret"},
		{"components", "schemas", "SubscriptionView", "properties", "event_types"},
		{"components", "schemas", "Problem", "properties", "code"},
		{"components", "schemas", "NewSubscription", "properties", "client_id"},
		{"components", "schemas", "ListDelivery", "properties", "next_cursor"},
		{"paths", "/v1/events", "post", "responses", "202"},
		{"paths", "/v1/events", "post", "responses", "422", "content", contentProblem},
		{"paths", "/v1/clients/{client_id}", "put", "responses", "201"},
	} {
		if doc.at(path...) == nil {
			t.Errorf("%v is not described", path)
		}
	}
	var names []string
	params, ok := doc.at("paths", "/v1/deliveries", "get", "parameters").([]any)
	if !ok {
		t.Fatal("the list of deliveries has no parameters")
	}
	for _, p := range params {
		if m, ok := p.(map[string]any); ok {
			names = append(names, m["name"].(string))
		}
	}
	slices.Sort(names)
	want := []string{"client_id", "cursor", "event_id", "event_type", "hold_reason", "job_id", "limit", "run_id", "since", "state", "subscription_id", "until"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestARouteMustBeDeclaredWhole(t *testing.T) {
	h := newHouse(t, 0)
	a, err := newAPI(h.options())
	must(t, err)
	whole := handle(a.getHealth, 200)
	for _, r := range []route{
		{get, "/x", "", ofNobody, "x", whole},
		{get, "/x", "guest", ofNobody, "x", whole},
		{get, "/x", viewer, ofNobody, "", whole},
		{get, "/x", viewer, ofNobody, "x", nil},
		{get, "/x", viewer, "", "x", whole},
		{get, "/x", viewer, "somebody", "x", whole},
		// What is declared must go with the path and the input.
		{get, "/x", viewer, ofQuery, "x", whole},
		{get, "/x", viewer, ofPath, "x", whole},
		{get, "/x", viewer, ofInput, "x", whole},
		{get, "/x", viewer, ofDelivery, "x", whole},
		{get, "/x/{client_id}", viewer, ofNobody, "x", whole},
		{get, "/x/{client_id}", viewer, ofPlatform, "x", whole},
		{get, "/x/{id}", viewer, ofNobody, "x", whole},
		{get, "/x/{id}/y", viewer, ofNobody, "x", whole},
		{get, "/x/{id}/y", viewer, ofRun, "x", whole},
		{get, "/x", viewer, ofNobody, "x", handle(a.listEvents, 200)},
		{get, "/x", viewer, ofNobody, "x", handle(a.postEvent, 200)},
		{get, "/x", viewer, ofPlatform, "x", handle(a.postEvent, 200)},
		{get, "/x/{id}", viewer, ofDelivery, "x", handle(a.listEvents, 200)},
	} {
		if _, err := a.engine([]route{r}); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	if _, err := a.engine([]route{{get, "/x", viewer, ofNobody, "x", whole}}); err != nil {
		t.Error(err)
	}
}

func TestOptionsMustBeWhole(t *testing.T) {
	h := newHouse(t, 0)
	for name, change := range map[string]func(*Options){
		"no access":     func(o *Options) { o.Access = nil },
		"no store":      func(o *Options) { o.Store = nil },
		"no keys":       func(o *Options) { o.Keys = nil },
		"no dispatcher": func(o *Options) { o.Dispatcher = nil },
	} {
		o := h.options()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: New accepted it", name)
		}
	}
}

func TestHealthOnly(t *testing.T) {
	h := newHouse(t, 0)
	o := h.options()
	o.HealthOnly = true
	handler, err := New(o)
	must(t, err)
	ask(t, handler, "GET", "/healthz", "").want(200)
	ask(t, handler, "HEAD", "/healthz", "").want(200)
	ask(t, handler, "GET", "/metrics", "").problem(401, "unauthorized")
	ask(t, handler, "GET", "/metrics", "", "Authorization: Bearer "+testKey).want(200)
	ask(t, handler, "GET", "/debug/pprof/heap", "", "Authorization: Bearer "+testKey).want(200)
	ask(t, handler, "GET", "/v1/clients", "", "Authorization: Bearer "+testKey).problem(404, "not_found")
}

func TestNoRouteAndNoMethod(t *testing.T) {
	h := newHouse(t, 0)
	for _, path := range []string{"/", "/v1", "/v1/events/", "/v1//events", "/V1/events", "/docs/", "/schemas/Problem.json", "/openapi.yaml", "/v1/events/x/y"} {
		h.do("GET", path, "").problem(404, "not_found")
	}
	got := h.do("DELETE", "/v1/events", "").problem(405, "method_not_allowed")
	if allow := got.header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow %q", allow)
	}
	h.do("PROPFIND", "/v1/events", "").problem(405, "method_not_allowed")
}

func TestReadiness(t *testing.T) {
	h := newHouse(t, 0)
	parts := map[string]error{"database": nil, "redis": nil}
	o := h.options()
	o.Ready = func(context.Context) map[string]error { return parts }
	handler := h.holding(o)
	if got := ask(t, handler, "GET", "/readyz", "").want(200).body; got != `{"status":"ready","parts":{"database":"ok","redis":"ok"}}` {
		t.Error(got)
	}
	parts["redis"] = errors.New("dial redis.internal.example:6379: refused")
	for range 3 {
		got := ask(t, handler, "GET", "/readyz", "").want(503).body
		if got != `{"status":"not_ready","parts":{"database":"ok","redis":"failing"}}` {
			t.Error(got)
		}
	}
	if n := strings.Count(h.log.String(), "redis.internal.example"); n != 1 {
		t.Errorf("the cause is in the log %d times", n)
	}
	parts["redis"] = nil
	ask(t, handler, "GET", "/readyz", "").want(200)
	if got := ask(t, handler, "GET", "/healthz", "").want(200).body; got != `{"status":"ok"}` {
		t.Error(got)
	}
}
