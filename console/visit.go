package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// visit is one request to the console and its answer.
type visit struct {
	c     *console
	w     *answer
	r     *http.Request
	ctx   context.Context // with the time limit and, in a session, who acts
	route *route
	id    string        // X-Request-Id
	now   time.Time     // when it came
	who   *access.Grant // nil: no session
	lang  lang
	done  string // the message of the action before, in words
}

// prefixRequest is that of a request's id, as in the API.
const prefixRequest = "req_"

// requestTimeout bounds the work for one request.
const requestTimeout = 15 * time.Second

// answer notes whether something was written.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the server has.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// serve is around every handler: the request's id, its time limit, its
// session, its line in the log, and what happens when it fails or panics.
func (c *console) serve(r *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v := &visit{c: c, w: &answer{ResponseWriter: w}, r: req, route: r, id: webhook.NewID(prefixRequest), now: c.o.Now()}
		ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
		defer cancel()
		v.ctx, v.lang = ctx, langOf(req)
		guard.Page(w.Header())
		w.Header().Set("X-Request-Id", v.id)
		w.Header().Set("Vary", "Cookie, Accept-Language")
		defer v.end()
		if err := v.handle(); err != nil {
			v.fail(err)
		}
	})
}

// handle reads the request, finds its session, and lets the handler answer
// when the route is for it.
func (v *visit) handle() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, guard.MaxBody)
	if err := v.r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return &webhook.Error{Kind: webhook.KindTooLarge, Code: "body_too_large", Message: "The form is larger than a mebibyte."}
		}
		return webhook.Malformed("malformed_form", "The form or the query cannot be read.")
	}
	if err := v.enter(); err != nil {
		return err
	}
	v.takeDone()
	return v.route.handle(v)
}

// enter finds the session and checks that the route is for it.
func (v *visit) enter() error {
	if v.route.id == "get-asset" {
		return nil // the same for everybody
	}
	who, err := v.session()
	if err == nil {
		v.who = who
		v.ctx = v.acting(who)
	}
	if v.route.who == public {
		return nil
	}
	if err != nil {
		return err
	}
	if err := who.Take(v.now); err != nil {
		return err
	}
	if err := v.route.mayUse(who.Role); err != nil {
		return err
	}
	return v.within()
}

// acting is the context of what a visit does: whoever writes on its behalf
// leaves a line in the audit log that tells who it was.
func (v *visit) acting(who *access.Grant) context.Context {
	return webhook.WithActor(v.ctx, webhook.Actor{
		Line:  webhook.AuditID(webhook.PrefixAudit + strings.TrimPrefix(v.id, prefixRequest)),
		KeyID: who.ID, KeyName: who.Name, Role: string(who.Role), Action: v.route.id,
		RemoteAddr: v.remote(), RequestID: v.id,
	})
}

// changing notes which fields a form asks to change, for the audit log.
func (v *visit) changing(fields []string) {
	actor := *webhook.ActorOf(v.ctx)
	actor.Changes = fields
	v.ctx = webhook.WithActor(v.ctx, actor)
}

// remote is the caller's address in words; "" when it is not known.
func (v *visit) remote() string {
	addr := guard.RemoteAddr(v.r, v.c.o.TrustedProxies)
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}

// end answers for a handler that panicked, and writes the request's line
// without query values.
func (v *visit) end() {
	if cause := recover(); cause != nil {
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // net/http's own way to cut a connection
		}
		v.c.o.Log.Error("a request made us panic", "request_id", v.id, "route", v.route.path,
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if v.w.status != 0 {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		v.fail(errInternal)
	}
	v.c.o.Log.Debug("request", "method", v.r.Method, "route", v.route.path, "status", v.w.status,
		"duration_ms", float64(v.c.o.Now().Sub(v.now).Microseconds())/1000, "request_id", v.id)
}

// outliving is a context for a commit: a person who closes the page does not
// take back what was asked for.
func (v *visit) outliving() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(v.ctx), requestTimeout)
}

// can tells whether the visitor's key is good for what an audience may do.
func (v *visit) can(a audience) bool {
	return v.who != nil && slices.Contains(a.roles(), v.who.Role)
}

// to sends the visitor to another page, after a form most of all.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// nowhere answers for a path that is no page.
func (c *console) nowhere(v *visit) error {
	return &webhook.Error{Kind: webhook.KindNotFound, Code: "not_found", Message: "There is no page at this address."}
}
