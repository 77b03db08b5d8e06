package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// The methods of the routes.
const (
	get   = http.MethodGet
	put   = http.MethodPut
	post  = http.MethodPost
	patch = http.MethodPatch
	del   = http.MethodDelete
)

// role is who may use a route. Today there is one key, the admin's, which may
// use all of them.
type role string

const (
	public   role = "public"   // everybody, without a key
	viewer   role = "viewer"   // reads, no secrets
	producer role = "producer" // brings events in
	operator role = "operator" // subscriptions, deliveries, event types
	admin    role = "admin"    // all
)

func (r role) valid() bool {
	switch r {
	case public, viewer, producer, operator, admin:
		return true
	}
	return false
}

// route is a row of the table.
type route struct {
	method string
	path   string
	role   role
	id     string // of the operation, in words joined by "-"; its summary too
	handle registrar
}

// registrar puts a handler of some types on the router.
type registrar func(*api, huma.API, huma.Operation)

// handle makes a handler a part of the table. statuses are those of success;
// the first is what an answer has that names none.
func handle[In, Out any](h func(context.Context, *In) (*reply[Out], error), statuses ...int) registrar {
	return func(a *api, doc huma.API, op huma.Operation) {
		op.DefaultStatus = statuses[0]
		describeAnswers(&op, doc.OpenAPI().Components.Schemas, reflect.TypeFor[Out](), statuses)
		huma.Register(doc, op, func(ctx context.Context, in *In) (*output, error) {
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
	}
}

// register checks a row and puts it on the router.
func (a *api) register(doc huma.API, r route) error {
	if !r.role.valid() {
		return fmt.Errorf("api: the route %s %s declares no role", r.method, r.path)
	}
	if r.id == "" || r.handle == nil {
		return fmt.Errorf("api: the route %s %s has no id or no handler", r.method, r.path)
	}
	if r.role == public {
		a.public[ginPattern(r.path)] = true
	}
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: summary(r.id), Tags: []string{tag(r.path)},
		Metadata: map[string]any{"role": r.role},
	}
	op.Extensions = map[string]any{"x-role": string(r.role)}
	if r.role == public {
		op.Security = []map[string][]string{}
	}
	describeErrors(&op, r)
	r.handle(a, doc, op)
	return nil
}

// summary is an operation's id as a sentence: "list-clients" → "List clients".
func summary(id string) string {
	s := strings.ReplaceAll(id, "-", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// tag is the noun of a path: "/v1/clients/{client_id}" → "clients".
func tag(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	if noun == "" {
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
