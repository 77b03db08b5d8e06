package dispatcher

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// eventTypes is the catalogue of event types in memory, each with its schema
// compiled once.
type eventTypes struct {
	store   *store.Store
	present atomic.Pointer[typeTable]
	refresh sync.Mutex
}

type typeTable struct {
	version int64 // of the catalogue
	bySlug  map[webhook.Slug]*eventType
}

type eventType struct {
	webhook.EventType
	schema *jsonschema.Schema // nil: any JSON value
	quick  *quickSchema       // the same, for the common case; nil: it has words that are not plain
	head   []byte             // of the body, up to the time; nil: there is no envelope
}

func (c *eventTypes) table() *typeTable {
	if t := c.present.Load(); t != nil {
		return t
	}
	return &typeTable{bySlug: map[webhook.Slug]*eventType{}}
}

// reload reads the catalogue again; types that did not change keep their
// compiled schema.
func (c *eventTypes) reload(ctx context.Context) error {
	c.refresh.Lock()
	defer c.refresh.Unlock()
	version, err := c.store.CatalogueVersion(ctx)
	if err != nil || version == c.table().version {
		return err
	}
	rows, err := c.store.AllEventTypes(ctx)
	if err != nil {
		return err
	}
	next := &typeTable{version: version, bySlug: make(map[webhook.Slug]*eventType, len(rows))}
	for _, row := range rows {
		if old := c.table().bySlug[row.Slug]; old != nil && old.UpdatedAt.Equal(row.UpdatedAt) && bytes.Equal(old.Schema, row.Schema) {
			next.bySlug[row.Slug] = &eventType{EventType: row, schema: old.schema, quick: old.quick, head: envelopeHead(&row)}
			continue
		}
		schema, err := compileSchema(row.Schema)
		if err != nil {
			return fmt.Errorf("event type %s: its stored schema does not compile: %w", row.Slug, err)
		}
		next.bySlug[row.Slug] = &eventType{EventType: row, schema: schema, quick: compileQuick(row.Schema), head: envelopeHead(&row)}
	}
	c.present.Store(next)
	return nil
}

func (t *typeTable) slugs() string {
	var all []string
	for slug := range t.bySlug {
		if slug.Reserved() == "" {
			all = append(all, string(slug))
		}
	}
	slices.Sort(all)
	const most = 12
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}

// PutEventType stores an event type after [Dispatcher.CheckEventType] has
// found nothing wrong. It tells whether the type is new.
func (d *Dispatcher) PutEventType(ctx context.Context, t webhook.EventType) (webhook.EventType, bool, error) {
	if err := d.CheckEventType(t); err != nil {
		return webhook.EventType{}, false, err
	}
	stored, created, err := d.o.Store.PutEventType(ctx, t)
	if err != nil {
		return webhook.EventType{}, false, err
	}
	if err := d.types.reload(ctx); err != nil {
		d.o.Log.Warn("the event types could not be read again; they will be at the next event", "error", err)
	}
	return stored, created, nil
}

// CheckEventType tells everything that is wrong with an event type: a schema
// that does not compile, an example that does not meet it.
func (d *Dispatcher) CheckEventType(t webhook.EventType) error {
	var f webhook.Faults
	t.Validate(&f)
	if why := t.Slug.Reserved(); why != "" {
		f.Add("/slug", "%s %s or changed", t.Slug, why)
	}
	schema, err := compileSchema(t.Schema)
	switch {
	case err != nil:
		addSchemaFaults(err, "/schema", &f)
	case len(t.Example) > 0:
		(&eventType{EventType: t, schema: schema}).check(t.Example, "/example", &f)
	}
	return f.Err()
}
