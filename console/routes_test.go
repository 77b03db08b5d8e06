package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestARouteSaysWhoAndWhose: what is not declared whole does not start.
func TestARouteSaysWhoAndWhose(t *testing.T) {
	h := newHouse(t, 0)
	whole := route{get, "/console/x/{id}", viewer, ofDelivery, "show-x", h.c.nowhere}
	if err := whole.check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*route){
		"no audience":           func(r *route) { r.who = "" },
		"nobody's data":         func(r *route) { r.whose = "" },
		"no such whose":         func(r *route) { r.whose = ofNobody },
		"no client in the path": func(r *route) { r.whose = ofPath },
		"no id":                 func(r *route) { r.id = "" },
		"no handler":            func(r *route) { r.handle = nil },
		"a viewer's write":      func(r *route) { r.method = post },
		"no method of a form":   func(r *route) { r.method = http.MethodPut },
	} {
		r := whole
		spoil(&r)
		if _, err := h.c.router([]route{r}); err == nil {
			t.Errorf("a route with %s starts", name)
		}
	}
}

// TestEveryRouteWantsASession, and a role, and nothing of another client.
func TestEveryRouteWantsASession(t *testing.T) {
	h := newHouse(t, 0)
	stranger, looker, bound := h.stranger(), h.as(webhook.RoleViewer, ""), h.as(webhook.RoleOperator, "acme")
	sub := h.subscribe("other", newReceiver(t, 200, ""))
	event, deliveries := h.accept("other")
	run, err := h.s.RunNow(t.Context(), scheduler.RunRequest{Period: scheduler.Period{Export: "vendas", ClientID: "other"}}, nil)
	must(t, err)
	key, _ := h.key(webhook.RoleViewer, "other")
	ids := map[whose]string{
		ofPlatform: string(key), ofSubscription: string(sub), ofEvent: string(event), ofDelivery: string(deliveries[0]), ofJob: string(webhook.NewJobID()), ofRun: string(run.ID),
		ofVerification: string(h.verify("other", "")),
	}
	ask := func(v *visitor, r *route) *page {
		path := strings.ReplaceAll(r.path, "{client_id}", "other")
		path = strings.NewReplacer("{id}", ids[r.whose], "{slug}", "shop.product.redemption", "{name}", "vendas").Replace(path)
		if r.method == post {
			return v.post(path)
		}
		return v.get(path)
	}
	for _, r := range h.c.routes() {
		if r.who == public {
			continue
		}
		if got := ask(stranger, &r).path(); got != "/console/sign-in" {
			t.Errorf("%s %s answers a stranger at %s", r.method, r.path, got)
		}
		if p := ask(looker, &r); (r.who == operator || r.who == admin) != (p.status == 403) {
			t.Errorf("%s %s answers a viewer with %d", r.method, r.path, p.status)
		}
		if r.whose == ofQuery || r.whose == ofNobody || r.who == admin {
			continue
		}
		if p := ask(bound, &r); p.status != 404 && p.status != 403 {
			t.Errorf("%s %s answers the key of another client with %d", r.method, r.path, p.status)
		}
	}
}

func TestErrorsArePages(t *testing.T) {
	h := newHouse(t, 0)
	v := h.admin()
	v.get("/console/nowhere").want(404).has("Not found", `lang="en"`)
	v.get("/console/nowhere", "Accept-Language: pt-PT, en;q=0.5").want(404).has("Não encontrado", `lang="pt-BR"`)
	v.get("/console/assets/none.css").want(404)
	if got := h.stranger().get("/console/nowhere").path(); got != "/console/sign-in" {
		t.Errorf("a stranger learns what pages there are: %s", got)
	}
	b := v.browse(t)
	b.open("/console/nowhere").check()
	b.forgive("404")
}

// TestHeadersOfAPage: what a browser may do with it.
func TestHeadersOfAPage(t *testing.T) {
	h := newHouse(t, 0)
	p := h.admin().get("/console").want(200)
	for name, want := range map[string]string{
		"Content-Security-Policy": "script-src 'self'", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Content-Type": "text/html; charset=utf-8", "Vary": "Cookie, Accept-Language",
	} {
		if got := p.header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", name, got, want)
		}
	}
	r, err := http.NewRequest("POST", h.url+"/console/sign-out", nil)
	must(t, err)
	h.admin().do(r, "Sec-Fetch-Site: cross-site").want(403)
	url, err := h.c.assetURL("console.css")
	must(t, err)
	if got := h.stranger().get(url).want(200).header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("a style sheet is kept as %q", got)
	}
}
