package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type postEvent struct {
	Keyed
	Content jsonBody[eventBody] `json:"-"`
}

type postEvents struct {
	Keyed
	Content jsonBody[batchBody] `json:"-"`
}

type eventBody struct {
	Type           webhook.Slug           `json:"type" doc:"an event type of the catalogue"`
	ClientID       webhook.ClientID       `json:"client_id" doc:"whose event it is"`
	Data           any                    `json:"data" doc:"sent on byte for byte; must meet the event type's schema"`
	OccurredAt     time.Time              `json:"occurred_at,omitzero" doc:"when it happened; now when nothing is given"`
	SubscriptionID webhook.SubscriptionID `json:"subscription_id,omitempty" doc:"send it to this subscription only"`

	data []byte
}

func (b *eventBody) decode(o *object) {
	text(o, "type", &b.Type)
	text(o, "client_id", &b.ClientID)
	data := o.raw("data", &b.data)
	o.time("occurred_at", &b.OccurredAt)
	filled(o, "subscription_id", &b.SubscriptionID)
	o.need("type", "client_id")
	if data == absent { // null is a value like any other
		o.fault("data", "is missing")
	}
}

func (b *eventBody) event(path string) dispatcher.NewEvent {
	return dispatcher.NewEvent{
		Type: b.Type, ClientID: b.ClientID, Data: b.data, OccurredAt: b.OccurredAt,
		SubscriptionID: b.SubscriptionID, Path: path,
	}
}

type batchBody struct {
	Events []eventBody `json:"events" maxItems:"1000" nullable:"false" doc:"all are accepted, or none"`
}

func (b *batchBody) decode(o *object) {
	p := o.list("events", maxEvents, func(raw []byte, path string) {
		b.Events = append(b.Events, eventBody{})
		decodeObject(raw, path, &b.Events[len(b.Events)-1], o.faults)
	})
	if p == given && len(b.Events) == 0 {
		o.fault("events", "must have at least one event")
	}
	o.need("events")
}

func (b *batchBody) bodyRules() bodyRules { return bodyRules{limit: maxBatch} }

// The answers of the intake. They are built by hand, in this order of fields:
// the intake is the busiest route.
type (
	acceptedEvent struct {
		ID         webhook.MessageID  `json:"id"`
		Type       webhook.Slug       `json:"type"`
		ClientID   webhook.ClientID   `json:"client_id"`
		CreatedAt  time.Time          `json:"created_at"`
		Deliveries []acceptedDelivery `json:"deliveries" nullable:"false"`
	}
	acceptedDelivery struct {
		ID             webhook.DeliveryID     `json:"id"`
		SubscriptionID webhook.SubscriptionID `json:"subscription_id"`
	}
	acceptedBatch struct {
		Events []acceptedEvent `json:"events" nullable:"false"`
	}
)

func (a *api) postEvent(ctx context.Context, in *postEvent) (*reply[acceptedEvent], error) {
	events := []dispatcher.NewEvent{in.Content.value.event("")}
	return intake[acceptedEvent](ctx, a, in.idempotency(ctx, in.Content.raw), events, func(done []dispatcher.Accepted) []byte {
		return appendAccepted(make([]byte, 0, 256+96*len(done[0].Deliveries)), &done[0])
	})
}

func (a *api) postEvents(ctx context.Context, in *postEvents) (*reply[acceptedBatch], error) {
	callOf(ctx).grant.Charge(len(in.Content.value.Events) - 1) // the request itself was the first
	events := make([]dispatcher.NewEvent, len(in.Content.value.Events))
	for i := range events {
		events[i] = in.Content.value.Events[i].event("/events/" + strconv.Itoa(i))
	}
	return intake[acceptedBatch](ctx, a, in.idempotency(ctx, in.Content.raw), events, func(done []dispatcher.Accepted) []byte {
		b := append(make([]byte, 0, 256*len(done)), `{"events":[`...)
		for i := range done {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendAccepted(b, &done[i])
		}
		return append(b, "]}"...)
	})
}

// intake accepts events. The answer is made before the commit where it is
// committed too, under its key.
func intake[T any](ctx context.Context, a *api, key *store.Idempotency, events []dispatcher.NewEvent, answer func([]dispatcher.Accepted) []byte) (*reply[T], error) {
	var respond dispatcher.Respond
	var body []byte
	if key != nil {
		respond = func(done []dispatcher.Accepted) (*store.Idempotency, error) {
			body = answer(done)
			return answered(key, http.StatusAccepted, body), nil
		}
	}
	ctx, cancel := outliving(ctx, intakeTimeout)
	defer cancel()
	grant := callOf(ctx).grant
	done, err := a.o.Dispatcher.AcceptIf(ctx, events, respond, func(ctx context.Context, catalogue int64) error {
		return a.o.Access.Still(ctx, grant, catalogue)
	})
	if key != nil && webhook.IsKind(err, webhook.KindInvalid) {
		// It was valid the first time: the catalogue has changed since.
		if before := a.o.Store.FindIdempotent(ctx, key); before != nil {
			err = before
		}
	}
	if r := replayed[T](err); r != nil {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if key == nil {
		body = answer(done)
	}
	return &reply[T]{Raw: body}, nil
}

func appendAccepted(b []byte, e *dispatcher.Accepted) []byte {
	m := &e.Message
	b = appendText(append(b, `{"id":`...), m.ID)
	b = appendText(append(b, `,"type":`...), m.Type)
	b = appendText(append(b, `,"client_id":`...), m.ClientID)
	b = append(b, `,"created_at":"`...)
	b = m.CreatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","deliveries":[`...)
	for i := range e.Deliveries {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"id":`...), e.Deliveries[i].ID)
		b = appendText(append(b, `,"subscription_id":`...), e.Deliveries[i].SubscriptionID)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}
