package console

import (
	"context"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestAKeyIsMadeShownOnceAndRevoked(t *testing.T) {
	h := newHouse(t, 0)
	b := h.admin().browse(t)
	b.open("/console/api-keys").check()
	b.click(".page-head a.primary").check()
	b.fill("#client_id", "no client").fill("#rate_limit", "2000000").fill("#name", " ")
	b.click("form.card button.primary")
	for _, field := range []string{"name", "client_id", "rate_limit"} {
		if b.text("#"+field+"-fault") == "" {
			t.Errorf("no fault beside %s", field)
		}
	}
	b.forgive("422")
	b.fill("#name", "night shift").fill("#role", "operator").fill("#client_id", "acme").fill("#rate_limit", "")
	b.click("form.card button.primary").check()
	text := b.text(".secret code")
	if _, fault := webhook.ParseKeyText(text); fault != "" {
		t.Fatalf("the key is shown as %q: %s", text, fault)
	}
	made := h.withKey(text)
	made.get("/console").want(200).has("night shift")
	made.get("/console/api-keys").want(403)
	h.admin().get("/console/api-keys").want(200).has("night shift", "acme").hasNot(text)
	if strings.Contains(h.log.String(), text) {
		t.Error("the key is in the log")
	}
	b.open("/console/api-keys").click("td:last-child a").check()
	b.click("button.danger").wait(".flash")
	if got := made.get("/console").path(); got != "/console/sign-in" {
		t.Errorf("a revoked key's session is at %s", got)
	}
}

func TestTheAuditLogIsSearched(t *testing.T) {
	h := newHouse(t, 0)
	h.admin().post("/console/exports/vendas/schedule", "cron", "0 2 * * *", "zone", "-03:00", "window", "previous_day",
		"page_size", "10", "page_bytes", "4096", "enabled", "true", "do", "save").want(200)
	h.key(webhook.RoleViewer, "acme")
	b := h.admin().browse(t)
	b.open("/console/audit-log").check()
	v := h.admin()
	v.get("/console/audit-log?action=change-export").want(200).has("page_size", "/console/exports/vendas", "127.0.0.1")
	v.get("/console/audit-log?resource=client").want(200).has("No line")
	v.get("/console/audit-log?resource=nothing").want(422).has("no such kind")
	v.get("/console/audit-log?since=soon&actor=%C3%A9").want(422).has("no time", "At most 200")
	h.as(webhook.RoleOperator, "").get("/console/audit-log").want(403)
	client := &webhook.AuditEntry{Resource: webhook.ResourceClient, ResourceID: "acme"}
	if to := resourcePath(client); to != "/console/clients/acme" {
		t.Errorf("a client is shown at %q", to)
	}
	lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{Action: "change-export"}, store.Page{Limit: 10})
	must(t, err)
	if len(lines) != 1 || len(lines[0].Fields) != 6 {
		t.Errorf("the change left %+v", lines)
	}
}
