package console

import (
	"net/http"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type verificationsPage struct {
	Form          *form
	Statuses      []choice
	Verifications []webhook.Verification
	Pager         pager
	Filtered      bool
}

// statusParam filters verifications.
const statusParam = "status"

func (c *console) listVerifications(v *visit) error {
	f := v.typed()
	if id := f.text(idParam); webhook.ValidID(webhook.PrefixVerification, id) {
		return v.to("/console/verifications/" + id)
	} else if id != "" {
		f.fault(idParam, v.t("form.id_of_kind", webhook.PrefixVerification))
	}
	filter := store.VerificationFilter{ClientID: v.client(), Status: webhook.VerificationStatus(f.text(statusParam))}
	f.checkClient(filter.ClientID)
	if filter.Status != "" && !filter.Status.Valid() {
		f.fault(statusParam, v.t("deliveries.no_state"))
	}
	filter.Since, filter.Until = v.moment(f, sinceParam), v.moment(f, untilParam)
	p := verificationsPage{Form: f, Filtered: filtered(v.r.URL.Query()), Statuses: v.choices("deliveries.any_state", "state.",
		string(webhook.VerificationPending), string(webhook.VerificationCompleted), string(webhook.VerificationFailed), string(webhook.VerificationExpired))}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "verifications", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	rows, next, err := c.o.Store.Verifications(v.ctx, filter, at)
	if err != nil {
		return err
	}
	p.Verifications, p.Pager = rows, v.pager(next)
	return v.show("verifications", p)
}

type verificationPage struct {
	Verification webhook.Verification
	Callback     string // the URL, without personal data unless revealed
	Metadata     string // readable; "": none was given, or it was removed
	Revealed     bool
	Reveal       string            // the address that shows personal data
	Delivery     *webhook.Delivery // what brings the result; nil: nothing does
}

func (c *console) showVerification(v *visit) error {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixVerification, id) {
		return webhook.NotFound("verification", webhook.Clip(id))
	}
	one, err := c.o.Store.Verification(v.ctx, webhook.VerificationID(id))
	if err != nil {
		return err
	}
	s, err := v.sight(webhook.AuditEntry{Resource: webhook.ResourceVerification, ResourceID: id, ClientID: one.ClientID})
	if err != nil {
		return err
	}
	p := verificationPage{
		Verification: one, Metadata: readable(s.JSON(one.Metadata, "metadata")), Revealed: v.revealing(), Reveal: v.with(revealParam, "true"),
	}
	if one.Callback != nil {
		p.Callback = s.Text(one.Callback.URL)
	}
	if one.DeliveryID != "" {
		d, err := c.o.Store.Delivery(v.ctx, one.DeliveryID)
		if err != nil && !webhook.IsKind(err, webhook.KindNotFound) { // its time in the log may be over
			return err
		}
		if err == nil {
			shown := s.Delivery(&d)
			p.Delivery = &shown
		}
	}
	return v.show("verification", p)
}
