package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type eventsPage struct {
	Form     *form
	Events   []webhook.Message
	Pager    pager
	Filtered bool
}

func (c *console) listEvents(v *visit) error {
	f := v.typed()
	if id := f.text(idParam); webhook.ValidID(webhook.PrefixEvent, id) {
		return v.to("/console/events/" + id)
	} else if id != "" {
		f.fault(idParam, v.t("form.id_of_kind", webhook.PrefixEvent))
	}
	filter := store.EventFilter{Type: webhook.Slug(f.text(typeParam)), ClientID: v.client()}
	f.checkSlug(filter.Type)
	f.checkClient(filter.ClientID)
	filter.Since, filter.Until = v.moment(f, sinceParam), v.moment(f, untilParam)
	p := eventsPage{Form: f, Filtered: filtered(v.r.URL.Query())}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "events", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	rows, next, err := c.o.Store.Events(v.ctx, filter, at)
	if err != nil {
		return err
	}
	p.Events, p.Pager = rows, v.pager(next)
	return v.show("events", p)
}

type eventPage struct {
	Event      webhook.Message
	Data       string // readable; "" once it was removed
	Bytes      int    // of the data, as they were posted
	Revealed   bool   // with personal data
	Reveal     string // the address that shows them
	Deliveries []webhook.Delivery
	More       string        // the address of all deliveries; "": these are all
	Took       time.Duration // from its happening to its being accepted
}

// eventRows is how many deliveries the page of an event shows at most.
const eventRows = 50

func (c *console) showEvent(v *visit) error {
	id := v.r.PathValue("id")
	notFound := webhook.NotFound("event", webhook.Clip(id))
	if !webhook.ValidID(webhook.PrefixEvent, id) {
		return notFound
	}
	m, err := c.o.Store.Message(v.ctx, webhook.MessageID(id))
	switch {
	case webhook.IsKind(err, webhook.KindNotFound) || (err == nil && m.Kind != webhook.KindEvent):
		return notFound
	case err != nil:
		return err
	}
	rows, next, err := c.o.Store.Deliveries(v.ctx, store.DeliveryFilter{MessageID: m.ID, VisibleTo: v.who.BoundTo()}, store.Page{Limit: eventRows})
	if err != nil {
		return err
	}
	s, err := v.sight(webhook.AuditEntry{Resource: webhook.ResourceEvent, ResourceID: id, ClientID: m.ClientID})
	if err != nil {
		return err
	}
	p := eventPage{
		Event: m, Bytes: m.DataLength, Revealed: v.revealing(), Reveal: v.with(revealParam, "true"), Deliveries: s.Deliveries(rows),
		Took: m.CreatedAt.Sub(m.OccurredAt),
	}
	if m.Body != nil {
		p.Data = readable(s.EventData(&m))
	}
	if next != "" {
		p.More = address("/console/deliveries", url.Values{eventParam: {id}})
	}
	return v.show("event", p)
}
