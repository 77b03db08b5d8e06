package console

import (
	"fmt"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// whose tells how a route finds out which client's data a request is about, so
// that a key which is bound to a client is kept to its own. A route that does
// not say does not start.
type whose string

const (
	ofNobody   whose = "nobody"   // nothing of a client
	ofPlatform whose = "platform" // of all clients at once: not for a key that is bound to one
	ofPath     whose = "path"     // of {client_id}
	// Of ?client_id=, or the field of that name: the handler asks visit.client,
	// which is always the key's own client for a bound key.
	ofQuery whose = "query"

	// Of the resource {id}. Another client's does not exist for a bound key.
	ofSubscription whose = "subscription"
	ofEvent        whose = "event"
	ofVerification whose = "verification"
	ofDelivery     whose = "delivery"
	ofJob          whose = "job"
	ofRun          whose = "run" // of all clients, or one; a bound key sees its own part
)

const clientParam = "client_id"

// fits tells whether a path has what the declaration needs.
func (w whose) fits(path string) bool {
	byID, byClient := strings.Contains(path, "{id}"), strings.Contains(path, "{"+clientParam+"}")
	switch w {
	case ofNobody, ofQuery:
		return !byID && !byClient
	case ofPlatform:
		return !byClient
	case ofPath:
		return byClient
	case ofSubscription, ofEvent, ofVerification, ofDelivery, ofJob, ofRun:
		return byID
	}
	return false
}

// within refuses a request that reaches beyond the client that its key is
// bound to.
func (v *visit) within() error {
	bound, id := v.who.BoundTo(), v.r.PathValue("id")
	if v.route.whose == ofSubscription {
		return v.withinSubscription(id)
	}
	if bound == "" {
		return nil
	}
	switch v.route.whose {
	case ofPlatform:
		return &webhook.Error{
			Kind: webhook.KindForbidden, Code: "key_is_bound",
			Message: fmt.Sprintf("This concerns all clients, and your key is bound to client %q. It needs a key that is not bound.", bound),
		}
	case ofPath:
		if asked := v.r.PathValue(clientParam); asked != string(bound) {
			return webhook.NotFound("client", webhook.Clip(asked))
		}
	case ofQuery:
		return v.ownQuery(bound)
	case ofRun:
		return v.c.o.Access.HasPart(v.ctx, bound, id)
	case ofEvent, ofVerification, ofDelivery, ofJob:
		kind := webhook.Resource(v.route.whose)
		owner, err := v.c.o.Access.Owner(v.ctx, kind, id)
		if err == nil && owner != bound {
			err = webhook.NotFound(string(kind), webhook.Clip(id))
		}
		return err
	}
	return nil
}

// ownQuery refuses a filter or a field that names another client.
func (v *visit) ownQuery(bound webhook.ClientID) error {
	for _, asked := range v.r.Form[clientParam] {
		if asked != "" && asked != string(bound) {
			return &webhook.Error{
				Kind: webhook.KindForbidden, Code: "other_client",
				Message: fmt.Sprintf("Your key is bound to client %q, and can neither read nor write for another.", bound),
			}
		}
	}
	return nil
}

// withinSubscription keeps keys to their client's subscriptions, and the
// change of those to every client's events to administrators: whoever may
// change the URL of one gets all events.
func (v *visit) withinSubscription(id string) error {
	bound := v.who.BoundTo()
	if bound == "" && (v.who.Role == webhook.RoleAdmin || v.route.who != operator) {
		return nil
	}
	owner, err := v.c.o.Access.Owner(v.ctx, webhook.ResourceSubscription, id)
	switch {
	case err != nil:
		return err
	case bound != "" && owner != bound:
		return webhook.NotFound("subscription", webhook.Clip(id))
	case owner == webhook.AllClients && v.route.who == operator:
		return &webhook.Error{
			Kind: webhook.KindForbidden, Code: "admin_needed",
			Message: `A subscription to every client's events ("*") gets the data of all clients: only an admin's key may make or change one, or see its secret.`,
		}
	}
	return nil
}

// client is the client that a request is about: the one that the key is bound
// to, or the one of ?client_id=, or "" for all.
func (v *visit) client() webhook.ClientID {
	if bound := v.who.BoundTo(); bound != "" {
		return bound
	}
	return webhook.ClientID(strings.TrimSpace(v.r.Form.Get(clientParam)))
}
