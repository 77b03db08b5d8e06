package subscriptions

import (
	"maps"
	"slices"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Index is a snapshot of all subscriptions, secrets opened. It never changes.
type Index struct {
	Version  int64 // of the catalogue
	byID     map[webhook.SubscriptionID]*webhook.Subscription
	byClient map[webhook.ClientID][]*webhook.Subscription // by id; AllClients among them
	secrets  map[webhook.ClientID]webhook.SigningSecrets  // of clients that have some of their own
}

func emptyIndex() *Index {
	return &Index{
		byID:     map[webhook.SubscriptionID]*webhook.Subscription{},
		byClient: map[webhook.ClientID][]*webhook.Subscription{},
		secrets:  map[webhook.ClientID]webhook.SigningSecrets{},
	}
}

// ClientSecrets returns the secrets that sign what goes to a client's
// callbacks. ok is false when the client has none yet: see
// [Registry.ClientSecrets].
func (ix *Index) ClientSecrets(id webhook.ClientID) (secrets webhook.SigningSecrets, ok bool) {
	secrets, ok = ix.secrets[id]
	return secrets, ok
}

// Get returns a subscription, or nil when there is none. Do not change it.
func (ix *Index) Get(id webhook.SubscriptionID) *webhook.Subscription { return ix.byID[id] }

// Len is how many subscriptions there are.
func (ix *Index) Len() int { return len(ix.byID) }

// Of returns the ids of a client's own subscriptions, sorted.
func (ix *Index) Of(client webhook.ClientID) []webhook.SubscriptionID {
	subs := ix.byClient[client]
	ids := make([]webhook.SubscriptionID, len(subs))
	for i, sub := range subs {
		ids[i] = sub.ID
	}
	return ids
}

// Match returns the subscriptions that want an event type of a client, paused
// ones too: their deliveries are held. The work grows with the client's own
// subscriptions, not with all.
func (ix *Index) Match(client webhook.ClientID, t webhook.Slug) []*webhook.Subscription {
	var out []*webhook.Subscription
	for _, sub := range ix.byClient[client] {
		if sub.Wants(client, t) {
			out = append(out, sub)
		}
	}
	for _, sub := range ix.byClient[webhook.AllClients] {
		if sub.Wants(client, t) {
			out = append(out, sub)
		}
	}
	return out
}

// Listeners returns every client that has a subscription of its own to an event
// type, and the subscriptions to every client's events that select it.
func (ix *Index) Listeners(t webhook.Slug) (byClient map[webhook.ClientID][]*webhook.Subscription, everyone []*webhook.Subscription) {
	byClient = map[webhook.ClientID][]*webhook.Subscription{}
	for client, subs := range ix.byClient {
		for _, sub := range subs {
			switch {
			case !sub.Wants(client, t):
			case client == webhook.AllClients:
				everyone = append(everyone, sub)
			default:
				byClient[client] = append(byClient[client], sub)
			}
		}
	}
	return byClient, everyone
}

// changes are what has changed since an index was made.
type changes struct {
	version       int64
	subscriptions map[webhook.SubscriptionID]*webhook.Subscription // a nil one is gone
	secrets       map[webhook.ClientID]webhook.SigningSecrets
}

// with returns a new index with the changes. Maps that nothing changed in are
// shared: no index ever changes.
func (ix *Index) with(c *changes) *Index {
	next := &Index{Version: c.version, byID: ix.byID, byClient: ix.byClient, secrets: ix.secrets}
	if len(c.secrets) > 0 {
		next.secrets = maps.Clone(ix.secrets)
		maps.Copy(next.secrets, c.secrets)
	}
	if len(c.subscriptions) > 0 {
		next.change(c.subscriptions)
	}
	return next
}

// change puts changed subscriptions into a new index.
func (ix *Index) change(changed map[webhook.SubscriptionID]*webhook.Subscription) {
	before := ix.byClient
	ix.byID, ix.byClient = maps.Clone(ix.byID), maps.Clone(ix.byClient)
	touched := map[webhook.ClientID]bool{}
	for id, sub := range changed {
		if old := ix.byID[id]; old != nil {
			touched[old.ClientID] = true
		}
		if sub == nil {
			delete(ix.byID, id)
			continue
		}
		ix.byID[id] = sub
		touched[sub.ClientID] = true
	}
	for client := range touched {
		if left := rebuilt(before[client], client, changed); len(left) > 0 {
			ix.byClient[client] = left
		} else {
			delete(ix.byClient, client)
		}
	}
}

// rebuilt is one client's list after a change, by id.
func rebuilt(old []*webhook.Subscription, client webhook.ClientID, changed map[webhook.SubscriptionID]*webhook.Subscription) []*webhook.Subscription {
	var out []*webhook.Subscription
	for _, sub := range old {
		if _, ok := changed[sub.ID]; !ok {
			out = append(out, sub)
		}
	}
	for _, sub := range changed {
		if sub != nil && sub.ClientID == client {
			out = append(out, sub)
		}
	}
	slices.SortFunc(out, func(a, b *webhook.Subscription) int {
		return compareIDs(a.ID, b.ID)
	})
	return out
}

func compareIDs(a, b webhook.SubscriptionID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
