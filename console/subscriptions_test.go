package console

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// newMoodyReceiver answers every fourth request with 503, and others with 200.
func newMoodyReceiver(t *testing.T) string {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1)%4 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, `{"received":true}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// lines of the audit log with an action.
func (h *house) audited(action string) []webhook.AuditEntry {
	h.t.Helper()
	lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{Action: action}, store.Page{Limit: 10})
	must(h.t, err)
	return lines
}

// TestASubscriptionIsRegisteredAndTested: the whole way of an operator, in a
// browser.
func TestASubscriptionIsRegisteredAndTested(t *testing.T) {
	h := newHouse(t, 4)
	url := newMoodyReceiver(t)
	b := h.as(webhook.RoleOperator, "").browse(t)
	b.open("/console/subscriptions").check()
	b.click(".page-head a.button").check()
	b.fill("#client_id", "acme").fill("#url", "ftp://x").fill("#event_types", "shop.*\nNo Pattern").fill("#headers", "X-Key: abc\nnonsense")
	b.click(".form button.primary")
	b.forgive("422")
	for field, part := range map[string]string{"#event_types-fault": `"No" is no pattern`, "#headers-fault": "a colon and a value", "#url-fault": "http"} {
		if got := b.text(field); !strings.Contains(got, part) {
			t.Errorf("beside the field stands %q, want %q", got, part)
		}
	}
	b.check()
	b.fill("#event_types", "shop.*").fill("#headers", "X-Key: abc").fill("#url", url+"/hooks").click(".form button.primary").check()
	secret := b.text(".secret code")
	if !regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{43}=$`).MatchString(secret) {
		t.Errorf("the secret is %q", secret)
	}
	b.click("a.button.primary")
	b.click("#test button.primary").wait("#test .note.is-ok")
	for range 12 {
		h.accept("acme")
		h.next()
	}
	b.open("/console/subscriptions/" + string(h.onlySubscription().ID)).check()
	if strings.Contains(h.log.String(), secret) || strings.Contains(h.log.String(), "abc") {
		t.Error("a secret is in the log")
	}
	b.click("form[action$='/check'] button").check()
	if got := b.text(".findings li:nth-child(10)"); !strings.Contains(got, "forge") {
		t.Errorf("of a receiver that does not verify, the check says %q", got)
	}
	b.open("/console/subscriptions").check()
	b.click("td.main a")
	b.click("form[action$='/pause'] button").wait(".note.is-warn")
	b.check()
	b.click("form[action$='/resume'] button").wait(".page-head .badge.is-active")
	b.click("a[href$='/rotate-secret']").check()
	b.click(".form button.primary").wait(".secret code")
	if got := b.text(".secret code"); got == secret {
		t.Error("the secret is the same after its rotation")
	}
	b.check()
	b.click(".back a").click("a[href$='/delete']").check()
	b.click("button.danger").wait(".flash")
	if rows, _, err := h.subs.List(context.Background(), store.SubscriptionFilter{}, store.Page{Limit: 5}); err != nil || len(rows) != 0 {
		t.Errorf("after its end there are %d subscriptions (%v)", len(rows), err)
	}
	for _, action := range []string{
		"create-subscription", "test-subscription", "check-subscription", "pause-subscription", "resume-subscription", "rotate-subscription-secret", "delete-subscription",
	} {
		if lines := h.audited(action); len(lines) != 1 || lines[0].Role != "operator" || lines[0].ClientID != "acme" {
			t.Errorf("%s left the lines %+v", action, lines)
		}
	}
}

// everyField is a form with every field of a subscription.
func everyField(url string, more ...string) []string {
	return append([]string{
		"client_id", "acme", "url", url, "event_types", "shop.*, venda_export\r\ncourse.enrollment.created", "description", " Loja \r\n2 ",
		"method", "PUT", "headers", "X-Key: abc:d\r\nx-two: 2\r\n", "auth_type", "basic", "auth_username", "ana", "auth_password", " pass ",
		"signing", "ed25519", "ack_status", "2xx", "ack_body", "{\"ok\": true}", "ack_require_body", "true", "timeout", "2s",
		"rate_limit", "50", "max_in_flight", "7", "send_empty_exports", "true",
	}, more...)
}

func (h *house) onlySubscription() webhook.Subscription {
	h.t.Helper()
	rows, _, err := h.subs.List(context.Background(), store.SubscriptionFilter{}, store.Page{Limit: 5})
	must(h.t, err)
	if len(rows) != 1 {
		h.t.Fatalf("there are %d subscriptions, want one", len(rows))
	}
	return rows[0]
}

// TestEveryFieldOfASubscription goes the way there and back: the form of the
// edit, sent as it is shown, changes nothing.
func TestEveryFieldOfASubscription(t *testing.T) {
	h := newHouse(t, 0)
	url := newReceiver(t, 200, "")
	v := h.as(webhook.RoleOperator, "")
	once := webhook.NewID(prefixOnce)
	v.post("/console/subscriptions", everyField(url, "once", once)...).want(201).has("whpk_", "no secret").hasNot("whsk_", "whsec_")
	sub := h.onlySubscription()
	if got := v.post("/console/subscriptions", everyField(url, "once", once)...).want(200).has("was sent before").path(); got != "/console/subscriptions/"+string(sub.ID) {
		t.Errorf("a form that is sent twice leads to %s", got)
	}
	sub = h.onlySubscription()
	check := func(sub webhook.Subscription, password string) {
		t.Helper()
		good := sub.ClientID == "acme" && sub.URL == url && slices.Equal(sub.EventTypes, []webhook.Pattern{"shop.*", "venda_export", "course.enrollment.created"}) &&
			sub.Description == "Loja \n2" && sub.Method == "PUT" && len(sub.Headers) == 2 && sub.Headers["X-Key"] == "abc:d" && sub.Headers["x-two"] == "2" &&
			sub.Auth != nil && sub.Auth.Username == "ana" && sub.Auth.Password.Reveal() == password && sub.Signing == "ed25519" &&
			sub.Ack.Status == "2xx" && string(sub.Ack.Body) == `{"ok":true}` && sub.Ack.RequireBody && sub.Timeout.String() == "2s" &&
			sub.RateLimit == 50 && sub.MaxInFlight == 7 && sub.SendEmpty
		if !good {
			t.Errorf("the subscription is %+v with the credentials %+v", sub, sub.Auth)
		}
	}
	check(sub, " pass ")
	at := "/console/subscriptions/" + string(sub.ID)
	v.get(at).want(200).has("X-Key", "ana", "Loja").hasNot("abc:d", " pass ", "whsec_")
	v.get(at+"/edit").want(200).has("X-Key: [redacted]", `value="2s"`, "venda_export").hasNot("abc:d", " pass ")

	same := []string{"headers", "x-key: [redacted]\nx-two: [redacted]", "auth_password", "", "version", "1"}
	v.post(at, replace(everyField(url), same...)...).want(200).has("The subscription is changed")
	sub = h.onlySubscription()
	if sub.Headers["x-key"] != "abc:d" {
		t.Errorf("a header that stands as [redacted] is now of the names %v", sub.Headers)
	}
	v.post(at, replace(everyField(url), append(same, "url", url+"/2")...)...).want(409).has("Somebody else has changed")
	next := replace(everyField(url), append(same, "version", "2", "headers", "x-two: [redacted]\nX-Key: abc:d", "rate_limit", "", "auth_password", "nuovo", "signing", "hmac")...)
	v.post(at, next...).want(200)
	sub = h.onlySubscription()
	if sub.RateLimit != 0 || sub.Signing != "ed25519" {
		t.Errorf("the limit is %d, want none; signed with %s, which only a rotation changes", sub.RateLimit, sub.Signing)
	}
	sub.RateLimit = 50
	check(sub, "nuovo")
	lines := h.audited("change-subscription")
	if len(lines) != 2 || !slices.Equal(lines[0].Fields, []string{"auth", "headers", "rate_limit"}) {
		t.Errorf("the changes left the lines %+v", lines)
	}
	for _, secret := range []string{"abc:d", " pass ", "nuovo"} {
		v.get("/console/subscriptions").want(200).hasNot(secret)
	}
}

// replace changes values of the pairs of a form.
func replace(pairs []string, by ...string) []string {
	out := slices.Clone(pairs)
	for i := 0; i+1 < len(by); i += 2 {
		at := -1
		for k := 0; k < len(out); k += 2 {
			if out[k] == by[i] {
				at = k
			}
		}
		if at < 0 {
			out = append(out, by[i], by[i+1])
			continue
		}
		out[at+1] = by[i+1]
	}
	return out
}

// TestFaultsOfASubscription stand beside their fields, all at once.
func TestFaultsOfASubscription(t *testing.T) {
	h := newHouse(t, 0)
	url := newReceiver(t, 200, "")
	v := h.as(webhook.RoleOperator, "")
	for field, bad := range map[string]string{
		"client_id": "a b", "url": "", "event_types": "Shop", "headers": "X-A: [redacted]", "auth_username": "", "method": "GET", "signing": "rsa",
		"ack_status": "3xx", "ack_body": "{", "timeout": "2", "rate_limit": "many", "max_in_flight": "0", "auth_token": "both",
		"description": strings.Repeat("x", 1001),
	} {
		v.post("/console/subscriptions", replace(everyField(url), field, bad)...).want(422).has(`id="` + field + `-fault"`)
	}
	v.post("/console/subscriptions", replace(everyField(url), "auth_type", "")...).want(422).has(`id="auth_type-fault"`)
	v.post("/console/subscriptions", replace(everyField(url), "client_id", "*")...).want(422).has("administrators only")
	v.post("/console/subscriptions", replace(everyField(url), "timeout", "x", "method", "GET")...).want(422).has(`id="timeout-fault"`, `id="method-fault"`)
	if rows, _, err := h.subs.List(context.Background(), store.SubscriptionFilter{}, store.Page{Limit: 5}); err != nil || len(rows) != 0 {
		t.Errorf("a form with faults has registered %d subscriptions (%v)", len(rows), err)
	}
	h.admin().post("/console/subscriptions", replace(everyField(url), "client_id", "*")...).want(201)
	at := "/console/subscriptions/" + string(h.onlySubscription().ID)
	v.get(at).want(200).hasNot("/edit", "/secret", "/delete")
	for _, path := range []string{"/edit", "/secret", "/delete", "/rotate-secret"} {
		v.get(at + path).want(403)
	}
	v.post(at + "/pause").want(403)
}

// TestWhoSeesWhatOfSubscriptions: a viewer changes nothing and sees no secret,
// a bound key sees its own client's.
func TestWhoSeesWhatOfSubscriptions(t *testing.T) {
	h := newHouse(t, 0)
	url := newReceiver(t, 200, "")
	mine, its := h.subscribe("acme", url+"/mine"), h.subscribe("other", url+"/its")
	looker := h.as(webhook.RoleViewer, "")
	at := "/console/subscriptions/" + string(mine)
	looker.get(at).want(200).hasNot("<button>", "/edit", "/secret", "/delete", "/test", "/check")
	looker.get("/console/subscriptions").want(200).has(string(mine), string(its)).hasNot("/new")
	for _, path := range []string{"/pause", "/resume", "/test", "/check", "/rotate-secret", "/delete", ""} {
		looker.post(at + path).want(403)
	}
	bound := h.as(webhook.RoleOperator, "acme")
	bound.get("/console/subscriptions").want(200).has(string(mine)).hasNot(string(its))
	bound.get("/console/subscriptions/new").want(200).hasNot(`name="client_id"`)
	bound.post("/console/subscriptions", "url", url, "event_types", "*", "method", "POST", "ack_status", "200").want(201).has("whsec_")
	bound.post("/console/subscriptions", "client_id", "other", "url", url, "event_types", "*").want(403)
	bound.get("/console/subscriptions?client_id=other").want(403)

	bound.get(at + "/secret").want(200).has("whsec_").hasNot("Copy it now")
	if lines := h.audited("get-subscription-secret"); len(lines) != 1 || lines[0].ResourceID != string(mine) || !slices.Equal(lines[0].Fields, []string{"secret"}) {
		t.Errorf("a look at a secret left the lines %+v", lines)
	}
	h.admin().post(at+"/rotate-secret", "overlap", "24h").want(200).has("whsec_", "The one before")
	h.admin().post(at+"/rotate-secret", "overlap", "24h").want(409)
	h.admin().post(at+"/rotate-secret", "overlap", "9h9", "signing", "rsa").want(422).has("overlap-fault")
	h.admin().get(at + "/rotate-secret").want(200).has("A rotation is under way")
	h.admin().get(at).want(200).has("the one before")

	v := h.admin()
	v.get("/console/subscriptions?client_id=acme&state=active&event_type=shop.product.redemption").want(200).has(string(mine)).hasNot(string(its))
	v.get("/console/subscriptions?state=paused").want(200).has("Nothing matches")
	for q, fault := range map[string]string{"state=lost": "state-fault", "client_id=a%20b": "client_id-fault", "event_type=A": "event_type-fault"} {
		v.get("/console/subscriptions?" + q).want(422).has(fault)
	}
	v.get("/console/subscriptions/what").want(404)
}

// TestATestTellsWhyItFailed, of the receiver and of the form.
func TestATestTellsWhyItFailed(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("acme", newReceiver(t, 500, `{"error":"down","cpf":"111.444.777-35"}`))
	at := "/console/subscriptions/" + string(sub)
	p := h.admin().post(at+"/test", "event_type", "shop.product.redemption").want(200)
	p.has("The receiver did not take it.", "status 500", "&#34;error&#34;: &#34;down&#34;", "Webhook-Id").hasNot("111.444.777-35")
	if !strings.Contains(p.url.String(), "?test=dlv_") {
		t.Errorf("the test is at %s", p.url)
	}
	h.admin().post(at+"/test", "event_type", "no.such").want(422).has("event_type-fault", "no known event type")
	other := h.subscribe("other", newReceiver(t, 200, ""))
	h.admin().get("/console/subscriptions/" + string(other) + "?" + p.url.RawQuery).want(200).hasNot("The receiver did not take it.")
	paused := h.as(webhook.RoleOperator, "acme")
	paused.post(at+"/pause").want(200).has("Paused: nothing is sent", "held")
	if got := len(h.audited("pause-subscription")); got != 1 {
		t.Errorf("a pause left %d lines", got)
	}
}

// TestACheckIsToldInTheVisitorsLanguage, and says where it stopped.
func TestACheckIsToldInTheVisitorsLanguage(t *testing.T) {
	h := newHouse(t, 0)
	at := "/console/subscriptions/" + string(h.subscribe("acme", "http://127.0.0.1:1/")) + "/check"
	r, err := http.NewRequest("POST", h.url+at, nil)
	must(t, err)
	h.admin().do(r, "Accept-Language: pt-BR").want(200).has("Exame da conexão", "Quebrado", "Pulado").hasNot("O que foi enviado e respondido", "⟦")
	h.as(webhook.RoleOperator, "other").post(at).want(404)
}
