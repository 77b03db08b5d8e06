package dispatcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

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
			next.bySlug[row.Slug] = &eventType{EventType: row, schema: old.schema}
			continue
		}
		schema, err := compileSchema(row.Schema)
		if err != nil {
			return fmt.Errorf("event type %s: its stored schema does not compile: %w", row.Slug, err)
		}
		next.bySlug[row.Slug] = &eventType{EventType: row, schema: schema}
	}
	c.present.Store(next)
	return nil
}

func (t *typeTable) slugs() string {
	var all []string
	for slug := range t.bySlug {
		all = append(all, string(slug))
	}
	slices.Sort(all)
	const most = 12
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}

// noLoader refuses to fetch a schema from anywhere: a $ref to a URL or a file
// would make a stored schema read our disk or network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema cannot refer to another document (%s)", url)
}

const schemaName = "urn:carteiro:schema"

// compileSchema compiles a JSON Schema 2020-12; an empty one is nil.
func compileSchema(raw []byte) (*jsonschema.Schema, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(schemaName, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaName)
}

// check notes where data does not meet the type's schema. at is the JSON
// pointer of data in the request.
func (t *eventType) check(data []byte, at string, f *webhook.Faults) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		f.Add(at, "is not valid JSON: %v", err)
		return
	}
	if t.schema == nil {
		return
	}
	var wrong *jsonschema.ValidationError
	if err := t.schema.Validate(value); errors.As(err, &wrong) {
		var all webhook.Faults
		addFaults(wrong, at, &all)
		// The library walks a map: the same event is to get the same answer.
		slices.SortStableFunc(all, func(a, b webhook.Fault) int { return strings.Compare(a.Path, b.Path) })
		*f = append(*f, all[:min(len(all), maxFaults)]...)
	} else if err != nil {
		f.Add(at, "%v", err)
	}
}

// maxFaults bounds how many faults one event answers with.
const maxFaults = 50

// addFaults walks to the leaves of a validation error: they say what is wrong.
func addFaults(e *jsonschema.ValidationError, at string, f *webhook.Faults) {
	path := at
	for _, step := range e.InstanceLocation {
		path += "/" + webhook.PointerEscape(step)
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			f.Add(path+"/"+webhook.PointerEscape(name), "is missing")
		}
		return
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			f.Add(path+"/"+webhook.PointerEscape(name), "is not a field of this event type")
		}
		return
	case *kind.Type:
		f.Add(path, "must be %s, but is %s", strings.Join(article(k.Want...), " or "), article(k.Got)[0])
		return
	}
	if len(e.Causes) == 0 {
		f.Add(path, "%s", e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
	}
	for _, cause := range e.Causes {
		addFaults(cause, at, f)
	}
}

func article(types ...string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		switch t {
		case "null":
			out[i] = t
		case "object", "array", "integer":
			out[i] = "an " + t
		default:
			out[i] = "a " + t
		}
	}
	return out
}

// PutEventType stores an event type after its schema has compiled and its
// example has met it. It tells whether the type is new.
func (d *Dispatcher) PutEventType(ctx context.Context, t webhook.EventType) (webhook.EventType, bool, error) {
	var f webhook.Faults
	t.Validate(&f)
	if reservedSlugs[t.Slug] {
		f.Add("/slug", "%s is the type of an export's pages and cannot be posted as an event", t.Slug)
	}
	schema, err := compileSchema(t.Schema)
	if err != nil {
		f.Add("/schema", "is no JSON Schema 2020-12: %v", err)
	} else if len(t.Example) > 0 {
		(&eventType{EventType: t, schema: schema}).check(t.Example, "/example", &f)
	}
	if err := f.Err(); err != nil {
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

// reservedSlugs are the `event` names of the exports (wire-contracts, section 1).
var reservedSlugs = map[webhook.Slug]bool{
	"cadastro_export": true, "venda_export": true, "ingresso_export": true, "financeiro_export": true,
}
