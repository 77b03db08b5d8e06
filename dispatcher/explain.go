package dispatcher

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Explain says in plain words what happened to a delivery, why, what comes
// next and what to tell the client. It shows no payload, no answer and no URL.
func (d *Dispatcher) Explain(ctx context.Context, id webhook.DeliveryID, lang webhook.Language) (webhook.Explanation, error) {
	row, err := d.o.Store.Delivery(ctx, id)
	if err != nil {
		return webhook.Explanation{}, err
	}
	attempts, err := d.o.Store.Attempts(ctx, id)
	if err != nil {
		return webhook.Explanation{}, err
	}
	gone, err := d.o.Store.PayloadGone(ctx, row.MessageID)
	if err != nil {
		return webhook.Explanation{}, err
	}
	return webhook.Explain(webhook.Facts{Delivery: &row, Attempts: attempts, Gone: gone, Schedule: d.o.Schedule, Now: d.now()}, lang), nil
}
