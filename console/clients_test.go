package console

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestClientsWithABrowser(t *testing.T) {
	h := newHouse(t, 4)
	h.subscribe("acme", newReceiver(t, 200, `{}`))
	h.accept("acme")
	h.next()
	b := h.admin().browse(t)
	b.open("/console/clients").check()
	b.click(".page-head a.button").check()
	b.fill("#client_id", "a b").click(".form button.primary")
	b.forgive("422")
	b.wait("#client_id-fault")
	b.fill("#client_id", "acme").click(".form button.primary")
	b.forgive("422")
	b.wait("#client_id-fault")
	b.fill("#client_id", "beta").fill("#name", "Beta & Filhos").click(".form button.primary").wait(".flash")
	if got := b.text("h1"); got != "Beta & Filhos" {
		t.Errorf("the client's page is %q", got)
	}
	b.open("/console/clients/acme").check()
	b.fill("#name", "Acme S.A.").click(".inline-form button").wait(".flash")
	b.click("a[href$='/rotate-secret']").click(".form button.primary").wait(".secret code")
	b.open("/console/clients/acme/personal-data").check()
	b.fill("#confirm", "beta").click("button.danger")
	b.forgive("422")
	b.wait("#confirm-fault")
	b.fill("#confirm", "acme").click("button.danger").wait("#progress .badge.is-running")
	b.check()
	if lines := h.audited("erase-personal-data"); len(lines) != 1 || lines[0].ClientID != "acme" {
		t.Errorf("the erasure left the lines %+v", lines)
	}
	h.erase("acme")
	b.open("/console/clients/acme/personal-data").check()
	if got := b.text("#progress h2"); got != "The last erasure is complete" {
		t.Errorf("after its end the erasure is told as %q", got)
	}
}

// TestClientsAreListedFromAToZ, over pages too.
func TestClientsAreListedFromAToZ(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		for i := range pageRows + 1 {
			_, _, err := h.store.PutClient(context.Background(), webhook.ClientID(fmt.Sprintf("c%02d", pageRows-i)), "C")
			must(t, err)
		}
		first := h.admin().get("/console/clients").want(200).has("c00", "c49").hasNot("clients/c50")
		if strings.Index(first.body, "clients/c00") > strings.Index(first.body, "clients/c01") {
			t.Error("c00 comes after c01")
		}
		h.admin().get("/console/clients?after=c49").want(200).has("clients/c50").hasNot("clients/c49", "rel=\"next\"")
		h.admin().get("/console/clients?client_id=c07").want(200).has("clients/c07").hasNot("clients/c08")
	})
}

// erase does what the keeper of the retention does, to the end.
func (h *house) erase(client webhook.ClientID) {
	h.t.Helper()
	ctx := context.Background()
	hold, ok, err := h.store.TakeSweep(ctx, time.Now(), time.Now().Add(time.Minute))
	must(h.t, err)
	for range 100 {
		e, err := h.store.Erase(ctx, hold, client)
		must(h.t, err)
		if e.FinishedAt != nil {
			return
		}
	}
	h.t.Fatalf("the erasure does not end (the lease was free: %v)", ok)
}

func TestWhoSeesWhatOfClients(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("acme", newReceiver(t, 200, ""))
	h.subscribe("other", newReceiver(t, 200, ""))
	looker, bound := h.as(webhook.RoleViewer, ""), h.as(webhook.RoleOperator, "acme")
	looker.get("/console/clients").want(200).has("acme", "other").hasNot("new-client")
	looker.get("/console/clients/acme").want(200).hasNot("<button>", "/secret")
	looker.get("/console/clients/acme/personal-data").want(200).has("administrator").hasNot("Erase for good")
	for _, path := range []string{"", "/acme", "/acme/rotate-secret", "/acme/personal-data"} {
		looker.post("/console/clients"+path, "client_id", "x", "confirm", "acme").want(403)
	}
	bound.get("/console/clients").want(200).has("acme").hasNot("other")
	bound.get("/console/clients/other").want(404)
	bound.post("/console/clients", "client_id", "third").want(403)
	bound.post("/console/clients/acme/personal-data", "confirm", "acme").want(403)
	if _, err := h.store.Erasure(context.Background(), "acme"); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("an operator has an erasure under way (%v)", err)
	}

	v := h.admin()
	v.get("/console/clients?client_id=acme").want(200).hasNot(">other<")
	v.get("/console/clients?client_id=nobody").want(200).has("There is no client nobody", "/console/clients/nobody/personal-data")
	v.get("/console/clients?client_id=a%20b").want(422).has("client_id-fault")
	v.get("/console/clients/nobody").want(404)
	v.get("/console/clients/nobody/personal-data").want(200).has("No erasure")
	v.post("/console/clients/nobody/personal-data", "confirm", "nobody").want(200).has("under way")
	v.get("/console/clients/a%20b/personal-data").want(404)
	v.get("/console/clients/acme/secret").want(200).has("whsec_")
	v.get("/console/clients/default/secret").want(200).has("whsec_") // it owns verifications that name no client
	v.get("/console/clients/nobody/secret").want(404)
	if lines := h.audited("get-client-secret"); len(lines) != 2 || lines[1].ResourceID != "acme" {
		t.Errorf("looks at secrets left the lines %+v", lines)
	}
	v.post("/console/clients/acme", "name", "x\x00").want(422).has("name-fault")
	v.post("/console/clients/acme", "name", " Acme S.A. ").want(200).has("<h1>Acme S.A.</h1>")
	v.post("/console/clients/nobody", "name", "x").want(404)
	lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{Action: "put-client"}, store.Page{Limit: 5})
	must(t, err)
	if len(lines) != 1 || lines[0].ResourceID != "acme" || len(lines[0].Fields) != 1 || lines[0].Fields[0] != "name" {
		t.Errorf("a new name left the lines %+v", lines)
	}
}
