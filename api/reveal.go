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

// redacted is the sight of everybody.
func (a *api) redacted() redact.Sight { return a.o.Redact.Sight() }

// sightOf is the sight of a request for one thing. One that reveals leaves its
// line in the audit log first: what could not be written down is not shown.
func (a *api) sightOf(ctx context.Context, in Revealing, about webhook.AuditEntry) (redact.Sight, error) {
	if !in.Reveal {
		return a.redacted(), nil
	}
	if who := callOf(ctx).who; who.role != webhook.RoleAdmin {
		return redact.Sight{}, &webhook.Error{
			Kind: webhook.KindForbidden, Code: "reveal_forbidden",
			Message: fmt.Sprintf("This key has the role %s, and personal data are shown only to a key with the role admin. "+
				"Without reveal=true, all the rest is shown.", who.role),
		}
	}
	about.Fields = []string{"personal_data"}
	if err := a.o.Store.Audit(ctx, about); err != nil {
		return redact.Sight{}, err
	}
	return redact.Revealed(), nil
}

// deliveryAudit is the line of a look at a delivery.
func deliveryAudit(d *webhook.Delivery) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceDelivery, ResourceID: string(d.ID), ClientID: d.ClientID}
}
