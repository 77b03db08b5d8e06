package console

import (
	"context"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestEventTypesWithABrowser(t *testing.T) {
	h := newHouse(t, 0)
	b := h.as(webhook.RoleOperator, "").browse(t)
	b.open("/console/event-types").check()
	b.click(".page-head a.button").check()
	b.fill("#slug", "shop.refund").fill("#name", "Estorno").fill("#schema", `{"type":"object","required":["id"]}`).fill("#example", `{"no":1}`)
	b.click("button.primary")
	b.forgive("422")
	b.wait("#example-fault")
	b.check()
	b.fill("#example", `{"id":1}`).click("button[name=check]").wait(".note.is-ok")
	if _, err := h.store.EventType(context.Background(), "shop.refund"); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("a check has stored the event type (%v)", err)
	}
	b.click("button.primary").wait(".flash")
	b.check()
	b.click("a[href$='/edit']").fill("#schema", " ").fill("#description", "Um estorno.").click("button.primary").wait(".flash")
	got, err := h.store.EventType(context.Background(), "shop.refund")
	must(t, err)
	if got.Name != "Estorno" || got.Description != "Um estorno." || got.Schema != nil || string(got.Example) != `{"id":1}` || got.Envelope != webhook.EnvelopeEventData {
		t.Errorf("the event type is %+v", got)
	}
	if lines := h.audited("put-event-type"); len(lines) != 2 || lines[0].ResourceID != "shop.refund" || len(lines[0].Fields) != 6 {
		t.Errorf("the changes left the lines %+v", lines)
	}
}

func TestFaultsOfAnEventType(t *testing.T) {
	h := newHouse(t, 0)
	v := h.as(webhook.RoleOperator, "")
	good := []string{"slug", "a.b", "name", "A", "envelope", "none", "schema", `{"type":"string"}`, "example", `"x"`, "deprecated", "true"}
	for field, bad := range map[string]string{
		"slug": "A", "name": "", "envelope": "box", "schema": `{"type":"nothing"}`, "example": "1", "description": string(make([]byte, 2001)),
	} {
		v.post("/console/event-types", replace(good, field, bad)...).want(422).has(`id="` + field + `-fault"`)
	}
	v.post("/console/event-types", replace(good, "schema", "{", "example", "{")...).want(422).has(`id="schema-fault"`, `id="example-fault"`)
	v.post("/console/event-types", replace(good, "slug", "venda_export")...).want(422).has(`id="slug-fault"`)
	v.post("/console/event-types", good...).want(200).has("The event type is stored", "Deprecated")
	v.post("/console/event-types", good...).want(422).has("is there already")
	v.post("/console/event-types/a.b", replace(good, "name", "B")...).want(200).has(">B ")
	v.get("/console/event-types/a.b/edit").want(200).has("checked", `&#34;type&#34;: &#34;string&#34;`)
	v.get("/console/event-types/venda_export").want(200).has("Carteiro itself").hasNot("/edit")
	v.get("/console/event-types/venda_export/edit").want(409)
	v.get("/console/event-types/no.such").want(404)
	v.get("/console/event-types/No").want(404)
	looker := h.as(webhook.RoleViewer, "acme")
	looker.get("/console/event-types").want(200).has("shop.product.redemption").hasNot("new-event-type")
	looker.get("/console/event-types/a.b").want(200).hasNot("/edit")
	looker.post("/console/event-types/a.b", good...).want(403)
	h.as(webhook.RoleOperator, "acme").post("/console/event-types", good...).want(403)
}
