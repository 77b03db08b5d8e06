package api

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
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
				Description: "An outbound webhook dispatcher. Errors are application/problem+json (RFC 9457) with a stable code.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "an API key"},
				},
			},
			Security: []map[string][]string{{"key": {}}},
		},
		Formats:       map[string]huma.Format{contentJSON: format, "json": format},
		DefaultFormat: contentJSON,
	})
	doc.UseMiddleware(checkQuery(doc))
	return doc
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
			r.Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
		default:
			r.Content = map[string]*huma.MediaType{contentJSON: {Schema: registry.Schema(shape, true, op.OperationID)}}
		}
		op.Responses[statusKey(status)] = r
	}
}

// describeErrors notes the answers of failure that a route can give.
func describeErrors(op *huma.Operation, r route) {
	if r.who == public {
		return
	}
	op.Errors = []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable,
	}
	if strings.Contains(r.path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if strings.HasSuffix(r.path, "/payload") || strings.HasSuffix(r.path, "/curl") {
		op.Errors = append(op.Errors, http.StatusGone)
	}
	switch r.method {
	case get:
		op.Errors = append(op.Errors, http.StatusBadRequest) // a cursor, or a query that cannot be read
	case del:
	default:
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusConflict,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
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
