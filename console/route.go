package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The methods of the routes: a form knows no other.
const (
	get  = http.MethodGet
	post = http.MethodPost
)

// audience is whose keys may use a route.
type audience string

const (
	public   audience = "public"   // everybody, without a session
	anyone   audience = "anyone"   // every session
	viewer   audience = "viewer"   // reads, no secrets
	operator audience = "operator" // subscriptions, deliveries, exports, event types
	admin    audience = "admin"    // what concerns the keys themselves
)

// roles are those that may use a route; nil: the audience is none of the above,
// or needs no key. Producers are programs: they have no business here.
func (a audience) roles() []webhook.Role {
	switch a {
	case viewer, anyone:
		return []webhook.Role{webhook.RoleViewer, webhook.RoleOperator, webhook.RoleAdmin}
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
	path   string // as http.ServeMux has it
	who    audience
	whose  whose
	id     string // of the operation; a write has the id that it has in the API
	handle func(*visit) error
}

// check refuses a row that is not declared whole.
func (r *route) check() error {
	fault := ""
	switch {
	case r.who.roles() == nil && r.who != public:
		fault = "declares no audience"
	case !r.whose.fits(r.path):
		fault = fmt.Sprintf("declares whose data it is about as %q, which does not go with its path", r.whose)
	case r.id == "" || r.handle == nil:
		fault = "has no id or no handler"
	case r.method != get && r.method != post:
		fault = "has a method that no form can send"
	case r.method == post && r.who == viewer:
		fault = "writes, and is for viewers"
	}
	if fault == "" {
		return nil
	}
	return fmt.Errorf("console: the route %s %s %s", r.method, r.path, fault)
}

// mayUse refuses a role that a route is not for.
func (r *route) mayUse(role webhook.Role) error {
	if r.who == public || slices.Contains(r.who.roles(), role) {
		return nil
	}
	names := make([]string, 0, 3)
	for _, role := range r.who.roles() {
		names = append(names, string(role))
	}
	return &webhook.Error{
		Kind: webhook.KindForbidden, Code: "role_needed",
		Message: fmt.Sprintf("Your key has the role %s. This needs a key with one of these roles: %s.", role, strings.Join(names, ", ")),
	}
}
