package api

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// replaceErrors makes huma answer with our problems. It is a variable of that
// library, shared by the whole process; it is set once and never again.
var replaceErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = humaError
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaError(nil, status, msg, errs...)
	}
})

// newDocument is huma on a router: no documentation page (it would load from a
// CDN), no $schema in answers, no routes of its own.
func newDocument(engine *gin.Engine, version string) huma.API {
	replaceErrors()
	format := huma.Format{Marshal: writeJSON}
	doc := humagin.New(engine, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Carteiro", Version: version,
				Description: description, License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "this server"}},
			Tags:    tags(),
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "An API key. Each operation says in x-roles which roles may use it."},
				},
			},
			Security:   []map[string][]string{{"key": {}}},
			Extensions: map[string]any{"x-problem-codes": Codes()},
		},
		Formats:       map[string]huma.Format{contentJSON: format, "json": format},
		DefaultFormat: contentJSON,
	})
	doc.UseMiddleware(checkQuery(doc))
	return doc
}

// description is the first paragraph of the document.
const description = "Carteiro is an outbound webhook dispatcher: post an event, and it is delivered, signed, to every client that subscribed.\n\n" +
	"JSON in and out, in UTF-8; times are RFC 3339 in UTC. Every route but those of health and of this description wants " +
	"`Authorization: Bearer <api key>`. Unknown fields and parameters are errors, and so is a parameter without a value, but for `cursor`. Errors are `application/problem+json` (RFC 9457) with a stable `code`.\n\n" +
	"Lists are in pages of `limit` entries: `next_cursor` of one page is the `cursor` of the next."

func tags() []*huma.Tag {
	var out []*huma.Tag
	for _, t := range tagTexts() {
		out = append(out, &huma.Tag{Name: t.name, Description: t.text})
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	b, err := encodeJSON(v)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func (a *api) getOpenAPI(context.Context, *struct{}) (*reply[rawJSON], error) {
	return &reply[rawJSON]{Raw: a.openAPI}, nil
}

// describeAnswers notes the answers of success, of one shape.
func describeAnswers(op *huma.Operation, registry huma.Registry, shape reflect.Type, statuses []int) {
	op.Responses = map[string]*huma.Response{}
	for _, status := range statuses {
		r := &huma.Response{Description: http.StatusText(status)}
		switch reflect.Zero(shape).Interface().(type) {
		case nothing:
		case rawJSON:
			r.Content = map[string]*huma.MediaType{contentJSON: {Schema: &huma.Schema{}}}
		case profileBytes:
			r.Content = map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
		case plainText:
			r.Content = textContent("text/plain")
		case htmlPage:
			r.Content = textContent("text/html")
		case styleSheet:
			op.Hidden = true // a part of the page
		case receipt:
			r.Content = textContent(contentCSV)
			r.Content[contentJSON] = &huma.MediaType{Schema: registry.Schema(shape, true, op.OperationID)}
		default:
			r.Content = map[string]*huma.MediaType{contentJSON: {Schema: registry.Schema(shape, true, op.OperationID)}}
		}
		op.Responses[statusKey(status)] = r
	}
}

func textContent(media string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString}}}
}

// describeInput notes the body of a route, after huma has registered it: huma
// would read and check a body that it knows of. It also takes back the
// "default" answer that huma notes where no failure is declared.
func describeInput(doc *huma.OpenAPI, op huma.Operation, input reflect.Type) {
	delete(op.Responses, "default")
	f, ok := input.FieldByName("Content")
	if !ok {
		return
	}
	body, ok := reflect.New(f.Type).Interface().(interface {
		describe(huma.Registry) *huma.RequestBody
	})
	if !ok {
		return
	}
	item := doc.Paths[op.Path]
	for _, o := range []*huma.Operation{item.Post, item.Put, item.Patch} {
		if o != nil && o.Method == op.Method {
			o.RequestBody = body.describe(doc.Components.Schemas)
		}
	}
}
