package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The methods of the routes.
const (
	get   = http.MethodGet
	put   = http.MethodPut
	post  = http.MethodPost
	patch = http.MethodPatch
	del   = http.MethodDelete
)

// audience is whose keys may use a route.
type audience string

const (
	public   audience = "public"   // everybody, without a key
	everyone audience = "everyone" // every key: producers need these reads too
	viewer   audience = "viewer"   // reads, no secrets
	producer audience = "producer" // brings events, verifications and records in
	operator audience = "operator" // subscriptions, deliveries, exports, event types
	admin    audience = "admin"    // what concerns the keys themselves
)

// roles are those that may use a route; nil: the audience is none of the above,
// or needs no key.
func (a audience) roles() []webhook.Role {
	switch a {
	case everyone:
		return []webhook.Role{webhook.RoleViewer, webhook.RoleProducer, webhook.RoleOperator, webhook.RoleAdmin}
	case viewer:
		return []webhook.Role{webhook.RoleViewer, webhook.RoleOperator, webhook.RoleAdmin}
	case producer:
		return []webhook.Role{webhook.RoleProducer, webhook.RoleAdmin}
	case operator:
		return []webhook.Role{webhook.RoleOperator, webhook.RoleAdmin}
	case admin:
		return []webhook.Role{webhook.RoleAdmin}
	}
	return nil
}

// route is a row of the table.
type route struct {
	method string
	path   string
	who    audience
	whose  whose
	id     string // of the operation, in words joined by "-"; its texts are under it in texts.go
	handle registrar
}

// registrar puts a handler of some types on the router. It fails when the
// types do not go with whose data the route says that it is about.
type registrar func(*api, huma.API, huma.Operation, whose) error

// handle makes a handler a part of the table. statuses are those of success;
// the first is what an answer has that names none.
func handle[In, Out any](h func(context.Context, *In) (*reply[Out], error), statuses ...int) registrar {
	return func(a *api, doc huma.API, op huma.Operation, w whose) error {
		if err := w.fits(op.Path, reflect.TypeFor[In]()); err != nil {
			return err
		}
		op.DefaultStatus = statuses[0]
		describeAnswers(&op, doc.OpenAPI().Components.Schemas, reflect.TypeFor[Out](), statuses)
		huma.Register(doc, op, func(ctx context.Context, in *In) (*output, error) {
			if b, ok := any(in).(bound); ok {
				if err := b.bind(callOf(ctx).who); err != nil {
					return nil, a.problem(ctx, err)
				}
			}
			r, err := h(a.acting(ctx, op.OperationID), in)
			if err != nil {
				return nil, a.problem(ctx, err)
			}
			out, err := r.encode(statuses[0])
			if err != nil {
				return nil, a.problem(ctx, err)
			}
			return out, nil
		})
		describeInput(doc.OpenAPI(), op, reflect.TypeFor[In]())
		return nil
	}
}

// register checks a row and puts it on the router.
func (a *api) register(doc huma.API, r route) error {
	roles := r.who.roles()
	if roles == nil && r.who != public {
		return fmt.Errorf("api: the route %s %s declares no role", r.method, r.path)
	}
	if r.id == "" || r.handle == nil {
		return fmt.Errorf("api: the route %s %s has no id or no handler", r.method, r.path)
	}
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Tags: []string{tag(r.path)},
		Metadata:   map[string]any{"public": r.who == public},
		Extensions: map[string]any{"x-roles": roles},
	}
	if r.who == public {
		op.Security, op.Extensions = []map[string][]string{}, nil
	}
	if err := r.handle(a, doc, op, r.whose); err != nil {
		return fmt.Errorf("api: the route %s %s: %w", r.method, r.path, err)
	}
	if err := document(doc.OpenAPI(), &r); err != nil {
		return err
	}
	a.table[r.method+" "+ginPattern(r.path)] = &r
	if r.who != public || r.method != get {
		return nil
	}
	// Load balancers ask with HEAD; net/http leaves the body out.
	op.Method, op.Hidden, op.OperationID = http.MethodHead, true, "head-"+r.id
	a.table[op.Method+" "+ginPattern(r.path)] = &r
	return r.handle(a, doc, op, r.whose)
}

// summary is an operation's id as a sentence: "list-clients" → "List clients".
func summary(id string) string {
	s := strings.ReplaceAll(id, "-", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// tag is the noun of a path: "/v1/clients/{client_id}" → "clients".
func tag(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	if !strings.HasPrefix(path, "/v1/") || noun == "" {
		return "server"
	}
	return noun
}

// ginPattern is a path as gin writes it.
func ginPattern(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// humaPattern is a path as the table writes it.
func humaPattern(path string) string {
	steps := strings.Split(path, "/")
	for i, s := range steps {
		if name, ok := strings.CutPrefix(s, ":"); ok {
			steps[i] = "{" + name + "}"
		}
	}
	return strings.Join(steps, "/")
}

func statusKey(status int) string { return strconv.Itoa(status) }
