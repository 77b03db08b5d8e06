package console

import (
	"net/http"
	"net/url"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

type eventTypesPage struct {
	Own      []webhook.EventType // the platform's, sorted by slug
	Reserved []webhook.EventType // what Carteiro itself makes
}

func (c *console) listEventTypes(v *visit) error {
	rows, err := c.o.Store.AllEventTypes(v.ctx)
	if err != nil {
		return err
	}
	var p eventTypesPage
	for _, t := range rows {
		if t.Slug.Reserved() != "" {
			p.Reserved = append(p.Reserved, t)
		} else {
			p.Own = append(p.Own, t)
		}
	}
	return v.show("event_types", p)
}

type eventTypePage struct {
	Type          webhook.EventType
	Reserved      bool
	Schema        string // readable; "": any JSON value
	Example       string // readable; "": none
	Subscriptions string // the address of those that get it
	Events        string
}

// eventType reads the event type of the path.
func (v *visit) eventType() (webhook.EventType, error) {
	slug := webhook.Slug(v.r.PathValue("slug"))
	if slug.Fault() != "" {
		return webhook.EventType{}, webhook.NotFound("event type", webhook.Clip(string(slug)))
	}
	return v.c.o.Store.EventType(v.ctx, slug)
}

func eventTypePath(slug webhook.Slug) string { return "/console/event-types/" + string(slug) }

func (c *console) showEventType(v *visit) error {
	t, err := v.eventType()
	if err != nil {
		return err
	}
	of := func(path string) string { return address(path, url.Values{typeParam: {string(t.Slug)}}) }
	return v.show("event_type", eventTypePage{
		Type: t, Reserved: t.Slug.Reserved() != "", Schema: readable(t.Schema), Example: readable(t.Example),
		Subscriptions: of("/console/subscriptions"), Events: of("/console/events"),
	})
}

type eventTypeFormPage struct {
	Form      *form
	Type      *webhook.EventType // nil: a new one
	Envelopes []choice
	Checked   bool // it was only checked, and nothing is wrong
}

func (v *visit) showEventTypeForm(f *form, t *webhook.EventType, checked bool) error {
	for _, path := range []string{"/schema", "/example"} {
		f.gather(path)
	}
	p := eventTypeFormPage{Form: f, Type: t, Checked: checked, Envelopes: []choice{
		{string(webhook.EnvelopeEventData), v.t("event_type.event_data"), false}, {string(webhook.EnvelopeNone), v.t("event_type.no_envelope"), false},
	}}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "event_type_form", p)
	}
	return v.show("event_type_form", p)
}

func (c *console) newEventType(v *visit) error {
	return v.showEventTypeForm(newForm("envelope", string(webhook.EnvelopeEventData)), nil, false)
}

func (c *console) editEventType(v *visit) error {
	t, err := v.eventType()
	if err != nil {
		return err
	}
	if t.Slug.Reserved() != "" {
		return webhook.Conflict("reserved_event_type", "%s %s or changed.", t.Slug, t.Slug.Reserved())
	}
	f := newForm("slug", string(t.Slug), "name", t.Name, "description", t.Description, "envelope", string(t.Envelope),
		"schema", readable(t.Schema), "example", readable(t.Example))
	if t.Deprecated {
		f.Values.Set("deprecated", "true")
	}
	return v.showEventTypeForm(f, &t, false)
}

// createEventType makes an event type that is not there: one that is there is
// not overwritten by a form that is to make another.
func (c *console) createEventType(v *visit) error {
	f := v.typed()
	slug := webhook.Slug(f.text("slug"))
	if slug.Fault() == "" {
		_, err := c.o.Store.EventType(v.ctx, slug)
		if err == nil {
			f.fault("/slug", v.t("event_type.exists"))
		}
		if err != nil && !webhook.IsKind(err, webhook.KindNotFound) {
			return err
		}
	}
	return v.putEventType(f, slug, nil)
}

func (c *console) changeEventType(v *visit) error {
	t, err := v.eventType()
	if err != nil {
		return err
	}
	return v.putEventType(v.typed(), t.Slug, &t)
}

// putEventType stores what was typed, or only checks it when the button that
// was pressed says so.
func (v *visit) putEventType(f *form, slug webhook.Slug, was *webhook.EventType) error {
	var faults webhook.Faults
	t := webhook.EventType{
		Slug: slug, Name: f.text("name"), Description: lines(f.text("description")), Envelope: webhook.Envelope(f.text("envelope")),
		Schema: v.typedJSON(f, "schema", "/schema", &faults), Example: v.typedJSON(f, "example", "/example", &faults),
		Deprecated: f.Get("deprecated") == "true",
	}
	f.refused(faults.Err())
	check := v.c.o.Dispatcher.CheckEventType(t)
	if !f.refused(check) && check != nil {
		return check
	}
	if f.Wrong() || f.Get("check") != "" {
		return v.showEventTypeForm(f, was, !f.Wrong())
	}
	v.changing([]string{"deprecated", "description", "envelope", "example", "name", "schema"})
	ctx, cancel := v.outliving()
	defer cancel()
	_, _, err := v.c.o.Dispatcher.PutEventType(ctx, t)
	if f.refused(err) {
		return v.showEventTypeForm(f, was, false)
	}
	if err != nil {
		return err
	}
	return v.finish(eventTypePath(slug), "event_type.was_stored")
}
