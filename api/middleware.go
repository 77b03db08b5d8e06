package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// call is what the handlers know of the request beside its input.
type call struct {
	id    string     // X-Request-Id
	route string     // its pattern, "" when there is no such route
	from  netip.Addr // the address it came from; of trusted proxies, what they say
	who   principal
	grant *access.Grant // counts what the key does; nil: a route without a key

	changes []string // fields that the body asks to change

	room *room // that its body takes up; nil: there is no bound
	held int64 // bytes of it
}

// principal is who asks.
type principal struct {
	id     webhook.KeyID
	name   string
	role   webhook.Role
	client webhook.ClientID // the only one that it sees; "": all
}

// adminPrincipal is whoever has the configured admin key.
const adminPrincipal = webhook.AdminKeyID

// remote is the caller's address in words; "" when it is not known.
func (c *call) remote() string {
	if !c.from.IsValid() {
		return ""
	}
	return c.from.String()
}

type callKey struct{}

// callOf returns the call that a context belongs to.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// requestTimeout bounds the work for one request. Intake has less (P6).
const requestTimeout = 15 * time.Second

// outliving is a context for a commit that is to be followed by hints. A
// caller that goes away does not take back what it sent: the commit may be
// under way, and what it holds must not wait for the reconciler.
func outliving(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// intakeTimeout bounds the work for one event or batch, from its body's end. It
// is a little above the store's own limit, whose answer says more.
const intakeTimeout = 1900 * time.Millisecond

// enter is around everything: the request's id, its time limit, its line in
// the log, and what happens when it panics.
func (a *api) enter(g *gin.Context) {
	began := a.o.Now()
	c := &call{id: webhook.NewID(prefixRequest), route: humaPattern(g.FullPath()), from: guard.RemoteAddr(g.Request, a.o.TrustedProxies), room: &a.room}
	defer c.letGo()
	ctx, cancel := context.WithTimeout(context.WithValue(g.Request.Context(), callKey{}, c), requestTimeout)
	defer cancel()
	if a.o.Trace != nil {
		var end func(status int)
		ctx, end = a.o.Trace(ctx, g.Request, c.route)
		defer func() { end(g.Writer.Status()) }()
	}
	g.Request = g.Request.WithContext(ctx)
	g.Writer.Header().Set("X-Request-Id", c.id)
	defer func() {
		if cause := recover(); cause != nil {
			a.panicked(g, c, cause)
		}
		a.logAccess(g, c, began)
		a.observe(g, c, began)
	}()
	g.Next()
}

// panicked answers for a handler that panicked.
func (a *api) panicked(g *gin.Context, c *call, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // net/http's own way to cut a connection
	}
	a.o.Log.Error("a request made us panic", "request_id", c.id, "route", c.route,
		"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if g.Writer.Written() {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	a.refuse(g, internalProblem(c.id))
}

// logAccess writes one line per request, without bodies, keys or query values.
func (a *api) logAccess(g *gin.Context, c *call, began time.Time) {
	if !a.o.Log.Enabled(g.Request.Context(), slog.LevelDebug) {
		return
	}
	a.o.Log.Debug("request", "method", g.Request.Method, "route", c.route, "status", g.Writer.Status(),
		"duration_ms", float64(a.o.Now().Sub(began).Microseconds())/1000, "request_id", c.id)
}

// observe tells whoever looks of a request. A method is told only where it has
// a route: a caller may make up any.
func (a *api) observe(g *gin.Context, c *call, began time.Time) {
	o := Observation{Route: c.route, Status: g.Writer.Status(), Took: a.o.Now().Sub(began)}
	if c.route != "" {
		o.Method = g.Request.Method
	}
	a.o.Observe(o)
}

// authenticate lets pass who has a key that is good for the route. It runs
// before anything of the body is read, and for routes that do not exist too:
// without a key, nobody learns which ones do.
func (a *api) authenticate(g *gin.Context) {
	r := a.table[g.Request.Method+" "+g.FullPath()] // nil: there is no such route
	if r != nil && r.who == public {
		return
	}
	ctx := g.Request.Context()
	c := callOf(ctx)
	check := a.o.Access.Check
	if r != nil && r.whose == ofIntake {
		check = a.o.Access.CheckLater
	}
	grant, err := check(ctx, bearer(g.Request.Header), c.from)
	if err == nil {
		c.who = principal{id: grant.ID, name: grant.Name, role: grant.Role, client: grant.BoundTo()}
		c.grant = grant
		err = grant.Take(a.o.Now())
	}
	if err == nil && r != nil {
		err = mayUse(r, c.who)
	}
	if err == nil && r != nil {
		err = a.within(g, r, c.who)
	}
	if err == nil {
		return
	}
	a.refuse(g, a.problem(ctx, err))
}

// mayUse refuses a role that a route is not for.
func mayUse(r *route, who principal) error {
	roles := r.who.roles()
	if slices.Contains(roles, who.role) {
		return nil
	}
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return &webhook.Error{
		Kind: webhook.KindForbidden, Code: "role_needed",
		Message: fmt.Sprintf("This key has the role %s. This needs a key with one of these roles: %s.", who.role, strings.Join(names, ", ")),
	}
}

// bearer is the key in the one Authorization header, or "".
func bearer(h http.Header) string {
	values := h["Authorization"]
	if len(values) != 1 {
		return ""
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

func (a *api) noRoute(g *gin.Context) {
	detail := "There is no such route. GET /openapi.json lists all of them."
	if path := g.Request.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") {
		detail = "There is no such route: no path of the API ends with a slash. GET /openapi.json lists all of them."
	}
	a.refuse(g, newProblem(http.StatusNotFound, "not_found", detail))
}

func (a *api) noMethod(g *gin.Context) { // gin has set Allow
	a.refuse(g, newProblem(http.StatusMethodNotAllowed, "method_not_allowed",
		"This route does not know the method "+clip(g.Request.Method)+"; it knows "+g.Writer.Header().Get("Allow")+"."))
}

// refuse answers with a problem and ends the request.
func (a *api) refuse(g *gin.Context, p *problem) {
	for name, values := range p.header {
		g.Writer.Header()[name] = values
	}
	body, err := encodeJSON(p)
	if err != nil {
		body = []byte(`{}`) // a problem always encodes
	}
	g.Data(p.Status, contentProblem, body)
	g.Abort()
}
