package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// prefixRequest is that of a request's id. The request's line in the audit log
// has the same characters behind its own prefix.
const prefixRequest = "req_"

// acting is the context of what a handler does: whoever writes on its behalf
// leaves a line in the audit log that tells who it was.
func (a *api) acting(ctx context.Context, operation string) context.Context {
	c := callOf(ctx)
	if c.who.id == "" {
		return ctx // a route for everybody, which writes nothing
	}
	return webhook.WithActor(ctx, webhook.Actor{
		Line:  webhook.AuditID(webhook.PrefixAudit + strings.TrimPrefix(c.id, prefixRequest)),
		KeyID: c.who.id, KeyName: c.who.name, Role: string(c.who.role), Action: operation,
		RemoteAddr: c.remote(), RequestID: c.id, Changes: c.changes,
	})
}

// noteChanges keeps which fields a body asks to change. Those of what is
// created say nothing: it has them all.
func (c *call) noteChanges(method string, raw []byte) {
	if method != patch && method != put {
		return
	}
	if raw = trimmed(raw); len(raw) == 0 || raw[0] != '{' {
		return // a fault, which is noted
	}
	for _, m := range members(raw) {
		c.changes = append(c.changes, m.name)
	}
}

const listAuditLog = "audit-log"

type auditQuery struct {
	Paging
	Actor    webhook.KeyID    `query:"actor" doc:"an API key's id"`
	Action   string           `query:"action" doc:"an operation's id, such as create-subscription"`
	Resource string           `query:"resource" doc:"a kind (subscription), an id (sub_…), or both (client:acme)"`
	ClientID webhook.ClientID `query:"client_id" doc:"whose the resource is; * for those of every client"`
	Since    string           `query:"since" doc:"written at or after, RFC 3339"`
	Until    string           `query:"until" doc:"written before, RFC 3339"`

	filter store.AuditFilter
}

// maxAuditWord is the longest actor, action and resource that is looked for.
const maxAuditWord = 200

// Resolve checks the filters.
func (q *auditQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	for _, word := range []struct{ name, value string }{{"actor", string(q.Actor)}, {"action", q.Action}, {"resource", q.Resource}} {
		if word.value != "" && (!printable(word.value) || len(word.value) > maxAuditWord) {
			f.Add(word.name, "must be at most %d printable ASCII characters", maxAuditWord)
		}
	}
	checkClientID(&f, "client_id", q.ClientID, true)
	since, until := checkSpan(&f, q.Since, q.Until)
	q.filter = store.AuditFilter{
		KeyID: q.Actor, Action: q.Action, ClientID: q.ClientID,
		Since: since, Until: until,
	}
	kind, id, both := strings.Cut(q.Resource, ":")
	known := slices.Contains(webhook.Resources(), webhook.Resource(kind))
	switch {
	case known:
		q.filter.Resource, q.filter.ResourceID = webhook.Resource(kind), id
	case both:
		f.Add("resource", "%q is no kind of resource; known are %v", clip(kind), webhook.Resources())
	default:
		q.filter.ResourceID = q.Resource
	}
	return asErrors(f)
}

// auditView is a line of the audit log.
type auditView struct {
	ID       webhook.AuditID  `json:"id"`
	At       time.Time        `json:"at"`
	Actor    auditActor       `json:"actor"`
	Action   string           `json:"action" doc:"the operation's id"`
	Resource auditResource    `json:"resource" doc:"what it was about"`
	From     auditFrom        `json:"from"`
	Fields   []string         `json:"fields,omitempty" doc:"names of what was to be changed, or was shown; never a value"`
	Counts   map[string]int64 `json:"counts,omitempty" doc:"how much was done, by name"`
}

type auditActor struct {
	KeyID webhook.KeyID `json:"key_id"`
	Name  string        `json:"name,omitempty" doc:"the key's, at that time"`
	Role  string        `json:"role,omitempty" doc:"the key's, at that time"`
}

type auditResource struct {
	Kind     webhook.Resource `json:"kind"`
	ID       string           `json:"id,omitempty" doc:"not there when it was about several"`
	ClientID webhook.ClientID `json:"client_id,omitempty" doc:"whose it is; not there for nobody's, or several clients'"`
}

type auditFrom struct {
	RemoteAddr string `json:"remote_addr" doc:"the address that the request came from"`
	RequestID  string `json:"request_id,omitempty" doc:"the X-Request-Id of the answer"`
}

func viewAudit(e *webhook.AuditEntry) auditView {
	return auditView{
		ID: e.Line, At: e.At, Action: e.Action,
		Actor:    auditActor{e.KeyID, e.KeyName, e.Role},
		Resource: auditResource{e.Resource, e.ResourceID, e.ClientID},
		From:     auditFrom{e.RemoteAddr, e.RequestID},
		Fields:   e.Fields, Counts: e.Counts,
	}
}

func (a *api) listAuditLog(ctx context.Context, in *auditQuery) (*reply[list[auditView]], error) {
	page, err := in.page(listAuditLog)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.AuditLog(ctx, in.filter, page)
	if err != nil {
		return nil, err
	}
	return listOf(listAuditLog, rows, next, viewAudit), nil
}
