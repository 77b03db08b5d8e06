package api

import (
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// Observation is one request that was answered.
type Observation struct {
	Method string // "" where there is no such route: a caller may make up any
	Route  string // its pattern, such as /v1/clients/{client_id}; "": there is no such route
	Status int
	Took   time.Duration
}

// direct puts a handler on the router as it is, for what is not JSON and has
// its own ways to negotiate. The key is checked before, as for every route.
func direct(h http.Handler) registrar {
	return func(_ *api, doc huma.API, op huma.Operation, w whose) error {
		if err := w.fits(op.Path, reflect.TypeFor[struct{}]()); err != nil {
			return err
		}
		op.Responses = map[string]*huma.Response{
			statusKey(http.StatusOK): {
				Description: http.StatusText(http.StatusOK),
				Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
			},
		}
		for _, status := range op.Errors {
			op.Responses[statusKey(status)] = &huma.Response{Description: http.StatusText(status)}
		}
		doc.OpenAPI().AddOperation(&op)
		doc.Adapter().Handle(&op, func(ctx huma.Context) {
			g := humagin.Unwrap(ctx)
			h.ServeHTTP(g.Writer, g.Request)
		})
		return nil
	}
}

// metrics shows what was counted; nothing where nothing counts.
func (a *api) metrics() http.Handler {
	if a.o.Metrics == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		})
	}
	return a.o.Metrics
}
