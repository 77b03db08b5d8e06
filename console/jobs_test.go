package console

import (
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestManyAreSentAgain as somebody does whose server was down: from the list
// to the count, to the progress.
func TestManyAreSentAgain(t *testing.T) {
	h := newHouse(t, 4)
	h.subscribe("acme", newReceiver(t, 500, ""))
	h.subscribe("other", newReceiver(t, 500, ""))
	for range 3 {
		h.accept("acme")
		h.next()
	}
	h.accept("other")
	h.next()
	v := h.as(webhook.RoleOperator, "acme")
	b := v.browse(t)
	b.open("/console/deliveries?state=retrying").check()
	b.click(".page-head a[href*='/retry']").check()
	if got := b.text("#count-title"); got != "3 deliveries" {
		t.Errorf("counted %q, want those three of the key's client", got)
	}
	b.click("form.actions button.primary").wait(".flash")
	for range 3 {
		if ob := h.next(); ob.Attempt.Trigger != webhook.TriggerManual || ob.ClientID != "acme" {
			t.Errorf("sent %+v", ob)
		}
	}
	evaluate[bool](b, `(live.every = 50, live.wait(), true)`)
	b.waitFor(`document.getElementById("progress").textContent.includes("100 %")`).wait(".badge.is-completed")
	b.check()
	job := b.path()
	b.open("/console/jobs").check()

	h.as(webhook.RoleViewer, "other").get(job).want(404)
	h.as(webhook.RoleViewer, "other").get("/console/jobs").want(200).has("No bulk job yet")
	h.admin().get(job).want(200).has("acme")
	h.as(webhook.RoleViewer, "acme").get(job).want(200)
	h.as(webhook.RoleViewer, "acme").post(job + "/cancel").want(403)
	v.post("/console/deliveries/retry", "client_id", "other").want(403)
	v.get("/console/deliveries/retry?since=soon").want(422).has("no time")
	v.get("/console/deliveries/retry?state=canceled").want(422).has("never sent")
	h.admin().get("/console/deliveries/retry").want(200).hasNot("selects everything", "note is-warn", "count-title")
	h.admin().get("/console/deliveries/retry?state=failed&client_id=&event_type=").want(422).has("selects everything there ever was")
	h.admin().get("/console/deliveries/retry?client_id=acme&since=2026-01-02T00:00&until=2026-01-01T00:00").want(422).has("until-fault")
	if got := v.get("/console/deliveries/retry?state=succeeded").want(200).body; !strings.Contains(got, "there is nothing to send") {
		t.Errorf("nothing to send, and the page says %s", got)
	}
}
