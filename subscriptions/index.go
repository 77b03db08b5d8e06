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
}

func emptyIndex() *Index {
	return &Index{
		byID:     map[webhook.SubscriptionID]*webhook.Subscription{},
		byClient: map[webhook.ClientID][]*webhook.Subscription{},
	}
}

// Get returns a subscription, or nil when there is none. Do not change it.
func (ix *Index) Get(id webhook.SubscriptionID) *webhook.Subscription { return ix.byID[id] }

// Len is how many subscriptions there are.
func (ix *Index) Len() int { return len(ix.byID) }

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

// with returns a new index in which the given subscriptions have changed; a
// nil one is gone.
func (ix *Index) with(version int64, changed map[webhook.SubscriptionID]*webhook.Subscription) *Index {
	next := &Index{Version: version, byID: maps.Clone(ix.byID), byClient: maps.Clone(ix.byClient)}
	touched := map[webhook.ClientID]bool{}
	for id, sub := range changed {
		if old := next.byID[id]; old != nil {
			touched[old.ClientID] = true
		}
		if sub == nil {
			delete(next.byID, id)
			continue
		}
		next.byID[id] = sub
		touched[sub.ClientID] = true
	}
	for client := range touched {
		next.byClient[client] = next.rebuilt(ix.byClient[client], client, changed)
	}
	return next
}

// rebuilt is one client's list after a change, by id.
func (ix *Index) rebuilt(old []*webhook.Subscription, client webhook.ClientID, changed map[webhook.SubscriptionID]*webhook.Subscription) []*webhook.Subscription {
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
