package console

import (
	"context"
	"testing"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestADeliveryIsSentAgainAndCanceled(t *testing.T) {
	h := newHouse(t, 4)
	h.subscribe("acme", newReceiver(t, 500, `{"error":"down"}`))
	_, ids := h.accept("acme")
	h.next()
	id := string(ids[0])

	b := h.as(webhook.RoleOperator, "acme").browse(t)
	b.open("/console/deliveries").check()
	b.click("table a").check()
	b.click(".actions button.primary").wait(".flash")
	if ob := h.next(); ob.Attempt.Trigger != webhook.TriggerManual {
		t.Errorf("the retry is %+v", ob.Attempt)
	}
	b.click(".actions a.danger").check()
	b.click("button.danger").wait(".badge.is-canceled")
	d, err := h.store.Delivery(context.Background(), ids[0])
	must(t, err)
	if d.State != webhook.StateCanceled {
		t.Errorf("the delivery is %s", d.State)
	}
	for _, action := range []string{"retry-delivery", "cancel-delivery"} {
		lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{Action: action, ResourceID: id}, store.Page{Limit: 10})
		must(t, err)
		if len(lines) != 1 || lines[0].Role != "operator" || lines[0].RemoteAddr != "127.0.0.1" {
			t.Errorf("%s left the lines %+v", action, lines)
		}
	}
	h.as(webhook.RoleViewer, "").get("/console/deliveries/" + id).want(200).hasNot("<button class=\"primary\">")
}

func TestFiltersOfDeliveries(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("acme", newReceiver(t, 200, ""))
	event, ids := h.accept("acme")
	h.subscribe("other", newReceiver(t, 200, ""))
	_, others := h.accept("other")
	v := h.admin()
	mine, its := string(ids[0]), string(others[0])
	v.get("/console/deliveries").want(200).has(mine, its)
	for _, q := range []string{"client_id=acme", "event_id=" + string(event), "id=" + string(event)} {
		v.get("/console/deliveries?" + q).want(200).has(mine).hasNot(its)
	}
	v.get("/console/deliveries?state=failed").want(200).hasNot(mine).has("Nothing matches")
	if got := v.get("/console/deliveries?id=%20" + mine).want(200).path(); got != "/console/deliveries/"+mine {
		t.Errorf("an id leads to %s", got)
	}
	for q, fault := range map[string]string{
		"id=what": "no id of a delivery", "since=soon": "no time", "event_id=dlv_1": "begin with evt_", "state=lost": "no such state", "client_id=a%20b": "client_id-fault",
	} {
		v.get("/console/deliveries?" + q).want(422).has(fault)
	}
	h.as(webhook.RoleViewer, "acme").get("/console/deliveries").want(200).has(mine).hasNot(its)
	h.as(webhook.RoleViewer, "acme").get("/console/deliveries?client_id=other").want(403)
	for range pageRows {
		h.accept("acme")
	}
	v.get("/console/deliveries?client_id=acme").want(200).has("Next page").hasNot(mine)
	v.get("/console/deliveries?client_id=acme&after=%00").want(400)
}
