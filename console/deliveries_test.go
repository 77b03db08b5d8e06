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

func TestOneDelivery(t *testing.T) {
	eachDatabase(t, 4, func(t *testing.T, h *house) {
		sub := h.subscribe("acme", newReceiver(t, 503, `{"error":"down","cpf":"123.456.789-09"}`))
		_, ids := h.accept("acme")
		h.next()
		path := "/console/deliveries/" + string(ids[0])
		v := h.admin()
		p := v.get(path).want(200).has("1 of 6 attempts", "slot-bad", "slot-coming", "status 503", string(sub), "Wait for the first byte", "&#34;error&#34;: &#34;down&#34;")
		p.hasNot("maria@example.com", "123.456.789-09").has("[redacted]", "data-live")
		// A look at personal data is written down, and is not repeated by itself.
		v.get(path+"?reveal=true").want(200).has("maria@example.com", "123.456.789-09").hasNot("data-live")
		lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{ResourceID: string(ids[0])}, store.Page{Limit: 10})
		must(t, err)
		if len(lines) != 1 || lines[0].Action != "show-delivery" || len(lines[0].Fields) != 1 {
			t.Errorf("the look left the lines %+v", lines)
		}
		h.as(webhook.RoleOperator, "").get(path + "?reveal=true").want(403)
		v.get(path+"/curl").want(200).has("curl --include", "Personal data are redacted").hasNot("maria@example.com")
		h.as(webhook.RoleViewer, "").get(path + "/curl").want(403)
		must(t, h.subs.Delete(context.Background(), sub))
		v.get(path + "/curl").want(409).has("subscription")
		v.get("/console/deliveries/dlv_none").want(404)
	})
}
