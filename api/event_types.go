package api

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

type eventTypePath struct {
	Slug webhook.Slug `path:"slug" doc:"lower-case words joined by dots"`
}

type putEventType struct {
	Slug    webhook.Slug            `path:"slug" doc:"lower-case words joined by dots"`
	DryRun  string                  `query:"dry_run" enum:"true,false" doc:"true: check everything, store nothing"`
	Content jsonBody[eventTypeBody] `json:"-"`
}

// eventTypeView is an event type as the API shows it.
type eventTypeView struct {
	webhook.EventType
	Reserved bool `json:"reserved" doc:"Carteiro itself makes what is sent under this type: it can be subscribed to, but not posted or changed"`
}

func viewEventType(t *webhook.EventType) eventTypeView {
	return eventTypeView{EventType: *t, Reserved: t.Slug.Reserved() != ""}
}

type eventTypeBody struct {
	Name        string           `json:"name" doc:"goes on the wire in the event_data envelope"`
	Description string           `json:"description,omitempty" doc:"for people"`
	Envelope    webhook.Envelope `json:"envelope,omitempty" enum:"event_data,none" doc:"what is put around data; event_data when nothing is given"`
	Schema      any              `json:"schema,omitempty" doc:"JSON Schema 2020-12 of data; none: any JSON value"`
	Example     any              `json:"example,omitempty" doc:"a sample of data; it must meet the schema"`
	Deprecated  bool             `json:"deprecated,omitempty" doc:"still accepted, shown as such"`

	schema, example []byte
}

func (b *eventTypeBody) decode(o *object) {
	text(o, "name", &b.Name)
	text(o, "description", &b.Description)
	b.Envelope = webhook.EnvelopeEventData
	filled(o, "envelope", &b.Envelope)
	if o.raw("schema", &b.schema) == null {
		b.schema = nil
	}
	o.raw("example", &b.example)
	o.boolean("deprecated", &b.Deprecated)
	o.need("name")
}

const listEventTypes = "event-types"

func (a *api) listEventTypes(ctx context.Context, in *struct{ Paging }) (*reply[list[eventTypeView]], error) {
	page, err := in.page(listEventTypes)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.EventTypes(ctx, page)
	if err != nil {
		return nil, err
	}
	return listOf(listEventTypes, rows, next, viewEventType), nil
}

func (a *api) getEventType(ctx context.Context, in *eventTypePath) (*reply[eventTypeView], error) {
	if in.Slug.Fault() != "" {
		return nil, webhook.NotFound("event type", clip(string(in.Slug)))
	}
	t, err := a.o.Store.EventType(ctx, in.Slug)
	return &reply[eventTypeView]{Value: viewEventType(&t)}, err
}

func (a *api) putEventType(ctx context.Context, in *putEventType) (*reply[eventTypeView], error) {
	b := &in.Content.value
	t := webhook.EventType{
		Slug: in.Slug, Name: b.Name, Description: b.Description, Envelope: b.Envelope,
		Schema: b.schema, Example: b.example, Deprecated: b.Deprecated,
	}
	if in.DryRun == "true" {
		return &reply[eventTypeView]{Value: viewEventType(&t)}, a.o.Dispatcher.CheckEventType(t)
	}
	t, created, err := a.o.Dispatcher.PutEventType(ctx, t)
	return &reply[eventTypeView]{Status: putStatus(created), Value: viewEventType(&t)}, err
}
