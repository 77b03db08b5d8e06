package cli

import (
	"net/http"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type eventTypesCommand struct {
	Flags
	List  listEventTypes  `cmd:"" default:"withargs" help:"List event types."`
	Get   getEventType    `cmd:"" help:"Show one event type, with its schema and example."`
	Put   putEventType    `cmd:"" help:"Make or change one event type as a YAML file says."`
	Apply applyEventTypes `cmd:"" help:"Make the event types as the YAML files of a directory say; nothing is changed when anything is wrong."`
	Diff  diffCommand     `cmd:"" help:"Check the YAML files of a directory and show what apply would change. Fails when there is a difference."`
}

type eventTypeView struct {
	Slug     string `json:"slug"`
	Reserved bool   `json:"reserved"`
	shownEventType
}

type listEventTypes struct {
	paging
}

func (c listEventTypes) Run(s *Session) error {
	return listing[eventTypeView]{
		path: "/v1/event-types", paging: c.paging, many: "event types",
		columns: []show.Column{{Head: "SLUG"}, {Head: "NAME", Flex: true}, {Head: "ENVELOPE"}, {Head: "SCHEMA"}, {Head: "NOTES", Flex: true}},
		row: func(v *eventTypeView) []show.Cell {
			schema, notes := "no", ""
			if len(v.Schema) > 0 {
				schema = "yes"
			}
			if v.Reserved {
				notes = "Carteiro's own"
			}
			if v.Deprecated {
				notes = "deprecated"
			}
			return show.Texts(v.Slug, v.Name, v.Envelope, schema, notes)
		},
	}.run(s)
}

func eventTypePath(slug string) string { return apiclient.Path("/v1/event-types/%s", slug) }

type getEventType struct {
	Slug ID `arg:"" predictor:"event-type" help:"The event type."`
}

func (c getEventType) Run(s *Session) error {
	return one(s, get(eventTypePath(string(c.Slug)), nil), s.showEventType)
}

func (s *Session) showEventType(v *eventTypeView) error {
	notes := ""
	if v.Reserved {
		notes = "Carteiro itself makes what is sent under this type"
	}
	if v.Deprecated {
		notes = "deprecated"
	}
	return s.out.Fields(
		field("slug", v.Slug), field("name", v.Name), field("description", v.Description), field("envelope", v.Envelope), field("notes", notes),
		field("schema", pretty(v.Schema)), field("example", pretty(v.Example)),
	)
}

type putEventType struct {
	File   string `arg:"" type:"existingfile" help:"A YAML file: slug, name, description, envelope, schema, example."`
	DryRun bool   `help:"Have it checked, and change nothing."`
}

func (c putEventType) Run(s *Session) error {
	f, err := readEventType(c.File)
	if err != nil {
		return usage("%v", err)
	}
	return one(s, putRequest(f, c.DryRun), s.showEventType)
}

// putRequest stores a file's event type, or only has it checked.
func putRequest(f eventTypeFile, dryRun bool) apiclient.Request {
	q := query{}
	if dryRun {
		q.set("dry_run", "true")
	}
	r := get(eventTypePath(f.slug), q)
	r.Method, r.Body = http.MethodPut, f.body
	return r
}
