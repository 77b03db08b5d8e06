package console

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

var (
	faultTexts = regexp.MustCompile(`(?s)<p class="fault"[^>]*>(.*?)</p>|<div role="alert"><div class="note[^>]*>.*?<p>(.*?)</p></div></div></div>|<p class="error-status">[^<]*</p>\s*<h1>[^<]*</h1>\s*<p>(.*?)</p>|<li><code>[^<]*</code>(.*?)</li>|id="key-fault">(.*?)</p>|<div class="note is-warn">.*?<p>(.*?)</p></div></div>`)
	marks      = regexp.MustCompile(`<[^>]*>`)
)

// faults are the texts of a page that say what is wrong.
func (p *page) faults() (out []string) {
	_, main, _ := strings.Cut(p.body, "<main")
	for _, m := range faultTexts.FindAllStringSubmatch(main, -1) {
		for _, text := range strings.Split(strings.Join(m[1:], ""), "</span>") {
			if text = strings.TrimSpace(html.UnescapeString(marks.ReplaceAllString(text, ""))); text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// TestFaultsSpeakTheVisitorsLanguage sends every form of the console with
// everything wrong, in both languages: not one sentence may be the same.
func TestFaultsSpeakTheVisitorsLanguage(t *testing.T) {
	h := newHouse(t, 0)
	to := newReceiver(t, 200, "")
	sub := "/console/subscriptions/" + string(h.subscribe("acme", to))
	_, deliveries := h.accept("acme")
	delivery := "/console/deliveries/" + string(deliveries[0])
	_, canceled := h.accept("acme")
	gone := "/console/deliveries/" + string(canceled[0])
	bound, looker, v := h.as(webhook.RoleOperator, "acme"), h.as(webhook.RoleViewer, ""), h.admin()
	v.post(gone + "/cancel").want(200)
	v.post(sub+"/rotate-secret", "overlap", "24h").want(200)
	long := strings.Repeat("x", 3000)
	get := func(v *visitor, path string) ask { return ask{v, "GET", path, nil} }
	post := func(path string, pairs ...string) ask { return ask{v, "POST", path, pairs} }
	asks := []ask{
		post("/console/subscriptions", "client_id", "a b", "url", "", "event_types", "", "headers", "a b: 1\nHost: x\nnonsense\nX: 1\nX: 2", "auth_type", "basic",
			"auth_token", "t", "method", "GET", "signing", "rsa", "ack_status", "3xx", "ack_body", "{", "timeout", "2", "rate_limit", "many", "max_in_flight", "0", "description", long),
		post("/console/subscriptions", "client_id", "acme", "url", "http://10.0.0.1/", "event_types", "Shop Shop.*", "auth_type", "bearer", "auth_password", "x",
			"method", "POST", "signing", "hmac", "ack_status", "200", "ack_require_body", "true", "timeout", "9h", "rate_limit", "999999999", "max_in_flight", "999999999"),
		post("/console/subscriptions", "client_id", "acme", "url", "ftp://x", "event_types", "*", "auth_type", "oauth", "headers", "X: [redacted]", "method", "POST", "ack_status", "200"),
		post(sub, "url", "http://[::1", "event_types", "*", "version", "0"),
		post(sub, "url", to, "event_types", "*", "method", "POST", "ack_status", "200", "version", "0"),
		post(sub+"/test", "event_type", "no.such"),
		post(sub+"/test", "event_type", ""),
		post(sub+"/rotate-secret", "overlap", "9h9", "signing", "rsa"),
		post(sub+"/rotate-secret", "overlap", "999h", "signing", "rsa"),
		post(sub+"/rotate-secret", "overlap", "24h"),
		post("/console/clients", "client_id", "a b", "name", long),
		post("/console/clients", "client_id", "acme", "name", "A"),
		post("/console/clients/acme", "name", long),
		post("/console/clients/acme/rotate-secret", "overlap", "x"),
		post("/console/clients/acme/personal-data", "confirm", "other"),
		post("/console/event-types", "slug", "A", "name", "", "envelope", "paper", "schema", `{"type":1}`, "example", "{", "description", long),
		post("/console/event-types", "slug", "a.b", "name", "a", "envelope", "none", "schema", `{"type":"object","required":["a"],"properties":{"b":{"type":"integer"}}}`, "example", `{"b":"x"}`),
		post("/console/event-types", "slug", "venda_export", "name", "a", "envelope", "none"),
		get(v, "/console/event-types/venda_export/edit"),
		post("/console/exports/vendas/runs", "start_date", "2025-13-01", "end_date", ""),
		post("/console/exports/vendas/runs", "start_date", "2999-01-01", "end_date", "2999-01-01"),
		post("/console/exports/vendas/runs", "start_date", "2025-02-01", "end_date", "2025-01-01"),
		post("/console/exports/vendas/runs", "start_date", "2025-01-01", "end_date", "2025-01-01", "client_id", "a b"),
		post("/console/exports/vendas/runs", "start_date", "2025-01-01", "end_date", "2025-01-01", "client_id", "nobody"),
		get(v, "/console/exports/vendas/preview?client_id=a+b"),
		post("/console/exports/vendas/schedule", "cron", "1 2 3", "zone", "-03:00", "window", "week", "page_size", "0", "page_bytes", "1"),
		post("/console/exports/vendas/schedule", "cron", "70 3 * * *", "zone", "-03:00", "window", "week", "page_size", "many", "page_bytes", "1"),
		post("/console/exports/vendas/schedule", "cron", "70 3 * * *", "zone", "-03:00", "window", "previous_day", "page_size", "9", "page_bytes", "1"),
		post("/console/exports/vendas/schedule", "cron", "0 3 30 2 *", "zone", "-03:00", "window", "previous_day", "page_size", "500", "page_bytes", "1000000"),
		post("/console/exports/vendas/schedule", "cron", "0 3 * * *", "zone", "lunar", "window", "previous_day", "page_size", "500", "page_bytes", "1000000"),
		post("/console/api-keys", "name", "", "role", "king", "client_id", "a b", "rate_limit", "-1", "expires_at", "2020-01-01T00:00"),
		post("/console/api-keys", "name", "a", "role", "admin", "client_id", "acme", "rate_limit", "many", "expires_at", "soon"),
		get(v, "/console/deliveries/retry?state=failed&event_type="),
		get(v, "/console/deliveries/retry?state=lost&client_id=a+b&event_type=A&subscription_id=x&event_id=x&run_id=x&since=x&until=x"),
		get(v, "/console/deliveries/retry?state=failed&client_id=acme&since=2026-01-02T00:00&until=2026-01-01T00:00"),
		get(v, "/console/deliveries/retry?state=failed&client_id=acme&subscription_id=sub_06h24s7mhdxm35ja9rvp29k2rg"),
		get(v, "/console/deliveries?state=lost&client_id=a+b&event_type=A&subscription_id=x"),
		get(v, "/console/subscriptions?state=lost&client_id=a+b&event_type=A"),
		get(v, "/console/clients?client_id=a+b"),
		get(v, "/console/events?id=x&client_id=a+b&event_type=A"),
		get(v, "/console/verifications?id=x&client_id=a+b&status=x"),
		get(v, "/console/audit-log?actor=x&action=a+b&resource=x&client_id=a+b&since=x"),
		get(v, "/console/nowhere"), get(v, "/console/deliveries/x"), get(v, "/console/events/x"), get(v, "/console/jobs/x"), get(v, "/console/runs/x"),
		get(v, "/console/clients/x"), get(v, "/console/exports/x"), get(v, "/console/event-types/x.y"), get(v, "/console/subscriptions/x"), get(v, "/console/verifications/x"),
		get(v, "/console/api-keys/x/revoke"), get(v, "/console/clients/nobody/secret"),
		post(gone + "/retry"),
		get(looker, "/console/api-keys"), get(looker, sub+"/edit"), get(looker, delivery+"?reveal=true"),
		get(bound, "/console/new-event-type"), get(bound, "/console/deliveries?client_id=other"),
		{h.stranger(), "POST", "/console/sign-in", []string{"key", ""}},
		{h.stranger(), "POST", "/console/sign-in", []string{"key", "carteiro_0aznqyy"}},
		{h.stranger(), "POST", "/console/sign-in", []string{"key", "secret"}},
	}
	for _, a := range asks {
		en, pt := a.in(english), a.in(portuguese)
		if en.status < 400 || len(en.faults()) == 0 || len(en.faults()) != len(pt.faults()) {
			t.Errorf("%s %s %.80q: status %d and the faults %q, in Portuguese %q", a.method, a.path, a.pairs, en.status, en.faults(), pt.faults())
		}
		for _, fault := range pt.faults() {
			if slices.Contains(en.faults(), fault) {
				t.Errorf("%s %s %.80q: a page in Portuguese says %q", a.method, a.path, a.pairs, fault)
			}
			if strings.Contains(fault, " is ") || strings.Contains(fault, " the ") || strings.Contains(fault, "must ") || strings.Contains(fault, "{") {
				t.Errorf("%s %s %.80q: half of a fault is English: %q", a.method, a.path, a.pairs, fault)
			}
		}
	}
}

// ask is one request of a visitor.
type ask struct {
	v            *visitor
	method, path string
	pairs        []string
}

func (a ask) in(l lang) *page {
	a.v.h.t.Helper()
	form := make([]string, 0, len(a.pairs)/2)
	for i := 0; i+1 < len(a.pairs); i += 2 {
		form = append(form, url.QueryEscape(a.pairs[i])+"="+url.QueryEscape(a.pairs[i+1]))
	}
	r, err := http.NewRequest(a.method, a.v.h.url+a.path, strings.NewReader(strings.Join(form, "&")))
	must(a.v.h.t, err)
	return a.v.do(r, "Accept-Language: "+string(l), "Content-Type: application/x-www-form-urlencoded")
}

// TestAnAttemptsFailureIsToldInPortuguese: the log of an attempt is English.
func TestAnAttemptsFailureIsToldInPortuguese(t *testing.T) {
	h := newHouse(t, 1)
	h.subscribe("acme", newReceiver(t, http.StatusServiceUnavailable, ""))
	_, deliveries := h.accept("acme")
	h.next()
	at := ask{h.admin(), "GET", "/console/deliveries/" + string(deliveries[0]), nil}
	at.in(english).want(200).has("The server answered 503 Service Unavailable. The fault is on the receiver")
	at.in(portuguese).want(200).has("O servidor respondeu 503 Service Unavailable. A falha está do lado do destino").hasNot("The server answered")
}
