package console

import (
	"context"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// verify registers a verification; url "" is one that is polled.
func (h *house) verify(client webhook.ClientID, url string) webhook.VerificationID {
	h.t.Helper()
	in := dispatcher.NewVerification{
		ClientID: client, NationalID: "11144477735", Type: "cpf", Metadata: []byte(`{"order":"77","email":"maria@example.com"}`),
	}
	if url != "" {
		in.Callback = &webhook.Callback{URL: url, Method: "POST"}
	}
	v, err := h.d.RegisterVerification(context.Background(), in, nil)
	must(h.t, err)
	return v.ID
}

func TestVerificationsWithABrowser(t *testing.T) {
	h := newHouse(t, 4)
	id := h.verify("acme", newReceiver(t, 200, "")+"/?who=maria@example.com")
	h.verify("acme", "")
	b := h.admin().browse(t)
	b.open("/console/verifications/" + string(id)).check()
	_, err := h.d.EndVerification(context.Background(), id, webhook.VerificationCompleted)
	must(t, err)
	h.next()
	b.open("/console/verifications").check()
	b.open("/console/verifications?id=" + string(id)).check()
	if got := b.text("#delivery .badge"); got != "Succeeded" {
		t.Errorf("the delivery of the result is %s", got)
	}
	b.click("#delivery td.main a")
	if got := b.path(); got[:len("/console/deliveries/dlv_")] != "/console/deliveries/dlv_" {
		t.Errorf("the callback's delivery is at %s", got)
	}
}

func TestVerificationsAndTheirFilters(t *testing.T) {
	h := newHouse(t, 0)
	mine, its := h.verify("acme", newReceiver(t, 200, "")), h.verify("other", "")
	v := h.admin()
	v.get("/console/verifications").want(200).has(string(mine), string(its), "***35").hasNot("11144477735", "maria@example.com")
	v.get("/console/verifications?client_id=acme&status=PENDING").want(200).has(string(mine)).hasNot(string(its))
	v.get("/console/verifications?status=FAILED").want(200).has("Nothing matches").hasNot(string(mine))
	for q, fault := range map[string]string{
		"id=evt_1": "begin with ver_", "status=LOST": "status-fault", "client_id=a%20b": "client_id-fault", "since=soon": "since-fault",
	} {
		v.get("/console/verifications?" + q).want(422).has(fault)
	}
	at := "/console/verifications/" + string(mine)
	v.get(at).want(200).has("&#34;order&#34;: &#34;77&#34;", "Nothing was sent").hasNot("maria@example.com")
	if lines := h.audited("get-verification"); len(lines) != 0 {
		t.Errorf("a look without personal data left the lines %+v", lines)
	}
	v.get(at + "?reveal=true").want(200).has("maria@example.com")
	if lines := h.audited("get-verification"); len(lines) != 1 || lines[0].ClientID != "acme" {
		t.Errorf("the look left the lines %+v", lines)
	}
	v.get("/console/verifications/" + string(its)).want(200).has("the client polls")
	v.get("/console/verifications/what").want(404)
	h.as(webhook.RoleOperator, "").get(at + "?reveal=true").want(403).hasNot("maria@example.com")
	bound := h.as(webhook.RoleViewer, "acme")
	bound.get("/console/verifications").want(200).has(string(mine)).hasNot(string(its))
	bound.get("/console/verifications/" + string(its)).want(404)
}
