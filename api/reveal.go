package api

import (
	"context"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Revealing is a read of one thing that may show personal data. (Exported
// because huma reads parameters of exported embedded fields only.)
type Revealing struct {
	Reveal bool `query:"reveal" doc:"true: personal data too, as they are stored. Only with a key of the role admin; each look leaves a line in the audit log"`
}

// sight is how an answer shows what is stored: with personal data taken out,
// or as it is. What is stored, and what is sent, is never changed.
type sight struct {
	rules *redact.Rules // nil: as it is
}

// redacted is the sight of everybody.
func (a *api) redacted() sight { return sight{a.o.Redact} }

// sightOf is the sight of a request for one thing. One that reveals leaves its
// line in the audit log first: what could not be written down is not shown.
func (a *api) sightOf(ctx context.Context, in Revealing, about webhook.AuditEntry) (sight, error) {
	if !in.Reveal {
		return a.redacted(), nil
	}
	if who := callOf(ctx).who; who.role != webhook.RoleAdmin {
		return sight{}, &webhook.Error{
			Kind: webhook.KindForbidden, Code: "reveal_forbidden",
			Message: fmt.Sprintf("This key has the role %s, and personal data are shown only to a key with the role admin. "+
				"Without reveal=true, all the rest is shown.", who.role),
		}
	}
	about.Fields = []string{"personal_data"}
	return sight{}, a.o.Store.Audit(ctx, about)
}

// deliveryAudit is the line of a look at a delivery.
func deliveryAudit(d *webhook.Delivery) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceDelivery, ResourceID: string(d.ID), ClientID: d.ClientID}
}

// json shows a JSON text, or what a receiver sent instead of one. at is where
// it stands in the body that the rules' paths count from.
func (s sight) json(text []byte, at ...string) []byte {
	if s.rules == nil {
		return text
	}
	return s.rules.JSON(text, at...)
}

// text shows a short text: a header's value, a URL.
func (s sight) text(text string) string {
	if s.rules == nil {
		return text
	}
	return redact.String(text)
}

func (s sight) headers(h map[string][]string) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		for _, v := range values {
			out[name] = append(out[name], s.text(v))
		}
	}
	return out
}

// delivery shows a delivery: the URL of a callback may name a person.
func (s sight) delivery(d *webhook.Delivery) webhook.Delivery {
	out := *d
	out.URL = s.text(d.URL)
	return out
}

func (s sight) deliveries(ds []webhook.Delivery) []webhook.Delivery {
	out := make([]webhook.Delivery, len(ds))
	for i := range ds {
		out[i] = s.delivery(&ds[i])
	}
	return out
}
