package console

import (
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type deliveryPage struct {
	Delivery webhook.Delivery
	Explain  webhook.Explanation
	Reveal   bool
}

// delivery reads the delivery of the path.
func (v *visit) delivery() (webhook.Delivery, error) {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixDelivery, id) {
		return webhook.Delivery{}, webhook.NotFound("delivery", webhook.Clip(id))
	}
	return v.c.o.Store.Delivery(v.ctx, webhook.DeliveryID(id))
}

func (c *console) showDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	explain, err := c.o.Dispatcher.Explain(v.ctx, d.ID, webhook.Language(v.lang))
	if err != nil {
		return err
	}
	s, err := v.sight(webhook.AuditEntry{Resource: webhook.ResourceDelivery, ResourceID: string(d.ID), ClientID: d.ClientID})
	if err != nil {
		return err
	}
	return v.show("delivery", deliveryPage{Delivery: s.Delivery(&d), Explain: explain, Reveal: v.revealing()})
}

func deliveryPath(id webhook.DeliveryID) string { return "/console/deliveries/" + string(id) }

func (c *console) retryDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if err := c.o.Dispatcher.Retry(ctx, d.ID, nil); err != nil {
		return err
	}
	return v.finish(deliveryPath(d.ID), "delivery.retried")
}

func (c *console) confirmCancel(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	return v.confirm(confirmation{
		Title: v.t("delivery.cancel_title"), Text: v.t("delivery.cancel_text"), Do: v.t("delivery.cancel"), Danger: true,
		Action: deliveryPath(d.ID) + "/cancel", Back: deliveryPath(d.ID),
		Facts: []fact{{v.t("delivery.id"), string(d.ID)}, {v.t("deliveries.client"), string(d.ClientID)}, {v.t("deliveries.type"), string(d.EventType)}},
	})
}

func (c *console) cancelDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := c.o.Dispatcher.Cancel(ctx, d.ID); err != nil {
		return err
	}
	return v.finish(deliveryPath(d.ID), "delivery.canceled")
}
