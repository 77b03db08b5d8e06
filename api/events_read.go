package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const listEvents = "events"

type eventsQuery struct {
	Paging
	Type     webhook.Slug     `query:"type" doc:"an event type"`
	ClientID webhook.ClientID `query:"client_id"`
	Since    string           `query:"since" doc:"accepted at or after this time (RFC 3339)"`
	Until    string           `query:"until" doc:"accepted before this time (RFC 3339)"`

	filter store.EventFilter
}

// Resolve checks the filters.
func (q *eventsQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkSlug(&f, "type", q.Type)
	checkClientID(&f, "client_id", q.ClientID, false)
	since, until := checkSpan(&f, q.Since, q.Until)
	q.filter = store.EventFilter{
		Type: q.Type, ClientID: q.ClientID,
		Since: since, Until: until,
	}
	return asErrors(f)
}

// EventView is an event as lists show it. (Exported because huma describes
// embedded fields of exported types only.)
type EventView struct {
	ID             webhook.MessageID       `json:"id"`
	Type           webhook.Slug            `json:"type"`
	ClientID       webhook.ClientID        `json:"client_id"`
	OccurredAt     time.Time               `json:"occurred_at" doc:"when it happened, as the platform says"`
	CreatedAt      time.Time               `json:"created_at" doc:"when it was accepted"`
	SubscriptionID *webhook.SubscriptionID `json:"subscription_id" doc:"the one subscription that it was meant for"`
}

func viewEvent(m *webhook.Message) EventView {
	v := EventView{ID: m.ID, Type: m.Type, ClientID: m.ClientID, OccurredAt: m.OccurredAt, CreatedAt: m.CreatedAt}
	if m.Target != "" {
		v.SubscriptionID = &m.Target
	}
	return v
}

func (a *api) listEvents(ctx context.Context, in *eventsQuery) (*reply[list[EventView]], error) {
	page, err := in.page(listEvents)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Events(ctx, in.filter, page)
	if err != nil {
		return nil, err
	}
	return listOf(listEvents, rows, next, viewEvent), nil
}

type eventPath struct {
	Revealing
	ID webhook.MessageID `path:"id"`
}

// eventDetail is an event with what became of it.
type eventDetail struct {
	EventView
	Data           any                `json:"data" doc:"as it was posted, without personal data; null once it was removed"`
	Deliveries     []webhook.Delivery `json:"deliveries" nullable:"false" doc:"the newest 500"`
	MoreDeliveries bool               `json:"more_deliveries" doc:"there are more: GET /v1/deliveries?event_id= has all"`
	DataGone       *webhook.Gone      `json:"data_gone" doc:"when and why its data were removed; null: they are there"`
}

// maxEventDeliveries is how many deliveries an event shows.
const maxEventDeliveries = 500

func (a *api) getEvent(ctx context.Context, in *eventPath) (*reply[eventDetail], error) {
	notFound := webhook.NotFound("event", clip(string(in.ID)))
	if !webhook.ValidID(webhook.PrefixEvent, string(in.ID)) {
		return nil, notFound
	}
	m, err := a.o.Store.Message(ctx, in.ID)
	switch {
	case webhook.IsKind(err, webhook.KindNotFound) || (err == nil && m.Kind != webhook.KindEvent):
		return nil, notFound
	case err != nil:
		return nil, err
	}
	filter := store.DeliveryFilter{MessageID: in.ID, VisibleTo: callOf(ctx).who.client}
	ds, next, err := a.o.Store.Deliveries(ctx, filter, store.Page{Limit: maxEventDeliveries})
	if err != nil {
		return nil, err
	}
	s, err := a.sightOf(ctx, in.Revealing, webhook.AuditEntry{Resource: webhook.ResourceEvent, ResourceID: string(m.ID), ClientID: m.ClientID})
	if err != nil {
		return nil, err
	}
	body, err := encodeEvent(&m, s.EventData(&m), eventRest{s.Deliveries(ds), next != "", m.Gone})
	return &reply[eventDetail]{Raw: body}, err
}

// eventRest is what follows an event's data.
type eventRest struct {
	Deliveries []webhook.Delivery `json:"deliveries"`
	More       bool               `json:"more_deliveries"`
	Gone       *webhook.Gone      `json:"data_gone"`
}

// encodeEvent writes an event with its data byte for byte: encoding/json would
// take the space out of it.
func encodeEvent(m *webhook.Message, data []byte, after eventRest) ([]byte, error) {
	head, err := encodeJSON(viewEvent(m))
	if err != nil {
		return nil, err
	}
	rest, err := encodeJSON(after)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(head)+len(data)+len(rest)+8)
	b = append(b, head[:len(head)-1]...)
	b = append(append(b, `,"data":`...), data...)
	return append(append(b, ','), rest[1:]...), nil
}
