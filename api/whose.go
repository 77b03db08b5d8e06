package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// whose tells how a route finds out which client's data a request is about. A
// key that is bound to a client sees nothing of another: the route says here
// where the client is found, and within or the input's bind keeps the key to
// its own. A route that does not say does not start.
type whose string

const (
	ofNobody   whose = "nobody"   // nothing of a client: any key may use it
	ofPlatform whose = "platform" // of all clients at once: not for a key that is bound to one
	ofProcess  whose = "process"  // as ofPlatform, and it is there in every process, whatever its roles
	ofPath     whose = "path"     // of {client_id}
	ofQuery    whose = "query"    // of ?client_id=; for a bound key that is always its own client
	ofInput    whose = "input"    // the input itself sees to it; see bound
	// As ofInput, and the handler has the key checked again in the transaction
	// that commits (access.Still): the request needs no look at the database for
	// its key.
	ofIntake whose = "intake"

	// Of the resource {id}. Another client's does not exist for a bound key.
	ofSubscription whose = "subscription"
	ofEvent        whose = "event"
	ofVerification whose = "verification"
	ofDelivery     whose = "delivery"
	ofJob          whose = "job"
	ofRun          whose = "run" // of all clients, or one; a bound key sees its own part
)

// bound is an input that keeps a key to its client by itself: bind is called
// before the handler, for every key.
type bound interface {
	bind(who principal) error
}

// fits checks, when a route is registered, that its path and its input have
// what it says.
func (w whose) fits(path string, input reflect.Type) error {
	byID, byClient := strings.HasSuffix(path, "/{id}") || strings.Contains(path, "/{id}/"), strings.Contains(path, "{client_id}")
	asked := hasQuery(input, clientParam)
	_, binds := reflect.New(input).Interface().(bound)
	ok := false
	switch w {
	case ofNobody:
		ok = !byID && !byClient && !asked
	case ofPlatform, ofProcess:
		ok = !byClient
	case ofPath:
		ok = byClient
	case ofQuery:
		ok = asked && !byID && !byClient
	case ofInput, ofIntake:
		ok = !byID && !byClient
	case ofSubscription, ofEvent, ofVerification, ofDelivery, ofJob:
		ok = byID && !asked
	case ofRun:
		ok = byID && asked
	}
	if !ok || binds != (w == ofInput || w == ofIntake) {
		return fmt.Errorf("whose data it is about is declared as %q, which does not go with its path and input", w)
	}
	return nil
}

const clientParam = "client_id"

// hasQuery tells whether an input has a query parameter.
func hasQuery(input reflect.Type, name string) bool {
	return input.Kind() == reflect.Struct && slices.ContainsFunc(reflect.VisibleFields(input), func(f reflect.StructField) bool {
		return f.Tag.Get("query") == name
	})
}

// within refuses a request that reaches beyond the client that its key is
// bound to. What it cannot see from outside is left to the input's bind.
func (a *api) within(g *gin.Context, r *route, who principal) error {
	if r.whose == ofSubscription {
		return a.withinSubscription(g, r, who)
	}
	if who.client == "" {
		return nil
	}
	switch r.whose {
	case ofPlatform, ofProcess:
		return &webhook.Error{
			Kind: webhook.KindForbidden, Code: "key_is_bound",
			Message: fmt.Sprintf("This concerns all clients, and this key is bound to client %q. It needs a key that is not bound.", who.client),
		}
	case ofPath:
		if id := g.Param(clientParam); id != string(who.client) {
			return webhook.NotFound("client", clip(id))
		}
	case ofQuery:
		return ownQuery(g.Request, who)
	case ofRun:
		if err := a.o.Access.HasPart(g.Request.Context(), who.client, g.Param("id")); err != nil {
			return err
		}
		return ownQuery(g.Request, who)
	case ofEvent, ofVerification, ofDelivery, ofJob:
		owner, err := a.owner(g.Request.Context(), r.whose, g.Param("id"))
		if err == nil && owner != who.client {
			err = webhook.NotFound(string(r.whose), clip(g.Param("id")))
		}
		return err
	}
	return nil // ofNobody, ofInput, ofIntake
}

// otherClient is the error for a bound key that asks for another client.
func otherClient(who principal, path string) error {
	return &webhook.Error{
		Kind: webhook.KindForbidden, Code: "other_client",
		Message: fmt.Sprintf("This key is bound to client %q, and can neither read nor write for another.", who.client),
		Faults:  webhook.Faults{{Path: path, Message: fmt.Sprintf("must be %q, the client of this key", who.client)}},
	}
}

// ownQuery puts the key's client into the query, so that the handler needs no
// knowledge of keys. A query that cannot be read is refused later on, and so
// is a parameter that is there twice.
func ownQuery(r *http.Request, who principal) error {
	q := r.URL.Query()
	for _, asked := range q[clientParam] {
		if asked != string(who.client) {
			return otherClient(who, clientParam)
		}
	}
	if len(q[clientParam]) > 0 {
		return nil
	}
	own := clientParam + "=" + string(who.client) // a client's id needs no escapes
	if r.URL.RawQuery != "" {
		own = r.URL.RawQuery + "&" + own
	}
	r.URL.RawQuery = own
	return nil
}

// owner is the client that a resource belongs to.
func (a *api) owner(ctx context.Context, kind whose, id string) (webhook.ClientID, error) {
	if sub := a.o.Subscriptions.Index().Get(webhook.SubscriptionID(id)); kind == ofSubscription && sub != nil {
		return sub.ClientID, nil // it never changes
	}
	return a.o.Access.Owner(ctx, webhook.Resource(kind), id)
}

// withinSubscription keeps keys to their client's subscriptions, and those to
// every client's events to administrators: whoever may change the URL of one
// gets all events.
func (a *api) withinSubscription(g *gin.Context, r *route, who principal) error {
	if who.client == "" && (who.role == webhook.RoleAdmin || r.who != operator) {
		return nil
	}
	id := g.Param("id")
	owner, err := a.owner(g.Request.Context(), ofSubscription, id)
	switch {
	case err != nil:
		return err
	case who.client != "" && owner != who.client:
		return webhook.NotFound("subscription", clip(id))
	case owner == webhook.AllClients:
		return adminNeeded(nil)
	}
	return nil
}

// adminNeeded is the error for who is not an administrator and touches a
// subscription to every client's events.
func adminNeeded(faults webhook.Faults) error {
	return &webhook.Error{
		Kind: webhook.KindForbidden, Code: "admin_needed", Faults: faults,
		Message: `A subscription to every client's events ("*") gets the data of all clients: only an admin's key may make or change one, or see its secret.`,
	}
}

// What each input of ofInput and ofIntake does to keep a key to its client.

func (in *listClientsQuery) bind(who principal) error {
	in.only = who.client
	return nil
}

func (in *createSubscription) bind(who principal) error {
	client := in.Content.value.ClientID
	switch {
	case who.client != "" && client != who.client:
		return otherClient(who, "/client_id")
	case client == webhook.AllClients && who.role != webhook.RoleAdmin:
		return adminNeeded(webhook.Faults{{Path: "/client_id", Message: "must be one client: * is for admins only"}})
	}
	return nil
}

func (in *postEvent) bind(who principal) error {
	if who.client != "" && in.Content.value.ClientID != who.client {
		return otherClient(who, "/client_id")
	}
	return nil
}

func (in *postEvents) bind(who principal) error {
	if who.client == "" {
		return nil
	}
	for i := range in.Content.value.Events {
		if in.Content.value.Events[i].ClientID != who.client {
			return otherClient(who, fmt.Sprintf("/events/%d/client_id", i))
		}
	}
	return nil
}

func (in *createVerification) bind(who principal) error {
	return ownUnlessGiven(who, &in.Content.value.ClientID)
}

func (in *startRun) bind(who principal) error {
	return ownUnlessGiven(who, &in.Content.value.ClientID)
}

// ownUnlessGiven makes the key's client the default of an optional client_id.
func ownUnlessGiven(who principal, client *webhook.ClientID) error {
	switch {
	case who.client == "" || *client == who.client:
	case *client != "":
		return otherClient(who, "/client_id")
	default:
		*client = who.client
	}
	return nil
}

// bind lets a bound key say in each record, too, whose it is; a record of
// another client is refused by itself.
func (in *putRecords) bind(who principal) error {
	if who.client == "" {
		return nil
	}
	if in.ClientField == "" && in.ClientID != who.client {
		return otherClient(who, clientParam)
	}
	in.only = who.client
	return nil
}
