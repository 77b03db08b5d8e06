package console

import (
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestEventsWithABrowser(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("acme", newReceiver(t, 200, ""))
	id, _ := h.accept("acme")
	_, _ = h.accept("nobody")
	b := h.admin().browse(t)
	b.open("/console/events").check()
	b.open("/console/events?client_id=acme").click("td.main a").check()
	if got := b.path(); got != "/console/events/"+string(id) {
		t.Errorf("the list leads to %s", got)
	}
	if got := b.text("pre.code"); strings.Contains(got, "maria@example.com") || !strings.Contains(got, `"quantity": "1"`) {
		t.Errorf("the data are %s", got)
	}
	b.click("a[href$='reveal=true']").check()
	if got := b.text("pre.code"); !strings.Contains(got, "maria@example.com") {
		t.Errorf("the revealed data are %s", got)
	}
	if lines := h.audited("get-event"); len(lines) != 1 || lines[0].ResourceID != string(id) || lines[0].ClientID != "acme" {
		t.Errorf("the look left the lines %+v", lines)
	}
}

func TestEventsAndTheirFilters(t *testing.T) {
	h := newHouse(t, 0)
	mine, _ := h.accept("acme")
	its, _ := h.accept("other")
	v := h.admin()
	v.get("/console/events").want(200).has(string(mine), string(its))
	v.get("/console/events?client_id=acme").want(200).has(string(mine)).hasNot(string(its))
	v.get("/console/events?event_type=members.created").want(200).has("Nothing matches").hasNot(string(mine))
	v.get("/console/events?since=2099-01-01").want(200).hasNot(string(mine))
	if got := v.get("/console/events?id=" + string(mine)).want(200).path(); got != "/console/events/"+string(mine) {
		t.Errorf("an id leads to %s", got)
	}
	for q, fault := range map[string]string{
		"id=dlv_1": "begin with evt_", "event_type=A": "event_type-fault", "client_id=a%20b": "client_id-fault", "until=soon": "until-fault",
	} {
		v.get("/console/events?" + q).want(422).has(fault)
	}
	v.get("/console/events/" + string(mine)).want(200).has("Nobody got it")
	v.get("/console/events/what").want(404)
	v.get("/console/events/" + webhook.NewID(webhook.PrefixEvent)).want(404)
	h.as(webhook.RoleViewer, "").get("/console/events/"+string(mine)).want(200).hasNot("maria@example.com", "reveal=true")
	for _, role := range []webhook.Role{webhook.RoleViewer, webhook.RoleOperator} {
		h.as(role, "").get("/console/events/" + string(mine) + "?reveal=true").want(403).hasNot("maria@example.com")
	}
	bound := h.as(webhook.RoleViewer, "acme")
	bound.get("/console/events").want(200).has(string(mine)).hasNot(string(its))
	bound.get("/console/events/" + string(its)).want(404)
	h.eraseNow("acme")
	v.get("/console/events/" + string(mine)).want(200).has("personal data were erased").hasNot("quantity")
}

// eraseNow erases a client that nobody has asked for yet.
func (h *house) eraseNow(client webhook.ClientID) {
	h.t.Helper()
	h.admin().post("/console/clients/"+string(client)+"/personal-data", "confirm", string(client)).want(200)
	h.erase(client)
}
