package dispatcher

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Audience asks who listens to an export.
type Audience struct {
	Event          webhook.Slug
	ClientID       webhook.ClientID       // "": every client
	SubscriptionID webhook.SubscriptionID // "": every subscription that matches
	// Clients lists the clients that have records; it is asked only when a
	// subscription to every client listens and no client is named.
	Clients func(context.Context) ([]webhook.ClientID, error)
}

// Listener is a client with the subscriptions that get its pages.
type Listener struct {
	ClientID      webhook.ClientID
	Subscriptions []webhook.SubscriptionID
}

// Listeners tells who gets the pages of an export, by client id. A client is
// in it when a subscription of its own, or one to every client, selects the
// event. Faults name the fields client_id and subscription_id.
func (d *Dispatcher) Listeners(ctx context.Context, a Audience) ([]Listener, error) {
	if err := d.o.Subscriptions.Refresh(ctx); err != nil {
		return nil, err
	}
	if a.SubscriptionID != "" {
		if err := d.checkTarget(&a); err != nil {
			return nil, err
		}
	}
	byClient, everyone := d.o.Subscriptions.Index().Listeners(a.Event)
	if a.ClientID != "" {
		byClient = map[webhook.ClientID][]*webhook.Subscription{a.ClientID: byClient[a.ClientID]}
	} else if err := a.addClients(ctx, byClient, everyone); err != nil {
		return nil, err
	}
	var out []Listener
	for client, subs := range byClient {
		l := Listener{ClientID: client}
		for _, sub := range slices.Concat(subs, everyone) {
			if a.SubscriptionID == "" || sub.ID == a.SubscriptionID {
				l.Subscriptions = append(l.Subscriptions, sub.ID)
			}
		}
		if len(l.Subscriptions) > 0 {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Listener) int { return compareClients(a.ClientID, b.ClientID) })
	return out, nil
}

// addClients adds the clients whose records only a subscription to every
// client listens to.
func (a *Audience) addClients(ctx context.Context, byClient map[webhook.ClientID][]*webhook.Subscription, everyone []*webhook.Subscription) error {
	wanted := a.SubscriptionID == "" && len(everyone) > 0
	for _, sub := range everyone {
		wanted = wanted || sub.ID == a.SubscriptionID
	}
	if !wanted {
		return nil
	}
	clients, err := a.Clients(ctx)
	if err != nil {
		return err
	}
	for _, client := range clients {
		byClient[client] = append([]*webhook.Subscription(nil), byClient[client]...)
	}
	return nil
}

// checkTarget looks at the one subscription that a run is for.
func (d *Dispatcher) checkTarget(a *Audience) error {
	var f webhook.Faults
	sub := d.o.Subscriptions.Index().Get(a.SubscriptionID)
	switch {
	case sub == nil:
		f.Add("/subscription_id", "there is no subscription %q", clip(string(a.SubscriptionID)))
	case a.ClientID != "" && sub.ClientID != a.ClientID && sub.ClientID != webhook.AllClients:
		f.Add("/subscription_id", "client %q has no subscription %q", clip(string(a.ClientID)), clip(string(a.SubscriptionID)))
	case !slices.ContainsFunc(sub.EventTypes, func(p webhook.Pattern) bool { return p.Matches(a.Event) }):
		f.Add("/subscription_id", "subscription %s does not want %s; its event_types are %v", sub.ID, a.Event, sub.EventTypes)
	}
	return f.Err()
}

func compareClients(a, b webhook.ClientID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// WantEmpty tells whether one of the subscriptions wants a page even when there
// are no records.
func (d *Dispatcher) WantEmpty(ids []webhook.SubscriptionID) bool {
	index := d.o.Subscriptions.Index()
	return slices.ContainsFunc(ids, func(id webhook.SubscriptionID) bool {
		sub := index.Get(id)
		return sub != nil && sub.SendEmpty
	})
}

// Pages are built pages of one client, to become deliveries.
type Pages struct {
	Run       *webhook.Run
	Client    *webhook.RunClient // with its subscriptions, and how many pages there are and are released
	Pages     []webhook.RunPage  // the next ones, in order
	LeaseTime time.Duration      // how long the run's lease is renewed for
}

// DeliverPages makes a delivery of each page for each of the client's
// subscriptions and commits them with how far the release has come. From here
// on a page takes the way of every delivery, in the export lane.
//
// A page without records goes only to subscriptions that want it. The pages of
// a large run are given to the workers at an even pace, however many there
// are: what is not due for a hint yet waits in SQL for the reconciler, and what
// its subscription has no place for, until an attempt of that ends.
//
// It returns [store.ErrRunLost] when another scheduler has the run.
func (d *Dispatcher) DeliverPages(ctx context.Context, p Pages) error {
	for range maxStale {
		err := d.deliverPages(ctx, p)
		if !store.IsStale(err) {
			return err
		}
		if err := d.o.Subscriptions.Refresh(ctx); err != nil {
			return err
		}
	}
	return errors.New("subscriptions are changing faster than pages can be matched with them")
}

// maxStale is how often pages are matched again because the catalogue changed
// between the match and the commit. A run that has no luck goes on later.
const maxStale = 20

func (d *Dispatcher) deliverPages(ctx context.Context, p Pages) error {
	now := d.now()
	index := d.o.Subscriptions.Index()
	release := &store.PageRelease{
		ClientID: p.Client.ClientID, From: p.Client.Released, To: p.Client.Released + len(p.Pages), Catalogue: index.Version,
	}
	release.Last = release.To == p.Client.Built
	for i := range p.Pages {
		page := &p.Pages[i]
		m := &webhook.Message{ID: page.MessageID, Kind: webhook.KindExportPage, ClientID: page.ClientID, Type: p.Run.Event, CreatedAt: now}
		for _, id := range p.Client.Subscriptions {
			sub := index.Get(id)
			if sub == nil || (page.Records == 0 && !sub.SendEmpty) {
				continue // deleted since the run began; or it wants no empty page
			}
			nd := newDelivery(m, sub, now)
			nd.RunID, nd.Page, nd.Pages = p.Run.ID, page.Number, p.Client.Built
			release.Deliveries = append(release.Deliveries, nd)
		}
	}
	parked, fresh := d.parkPages(release.Deliveries, index)
	at := make([]time.Time, len(fresh))
	soon := d.pace.take(now, at)
	for i := soon; i < len(at); i++ {
		fresh[i].CheckAt = at[i]
	}
	hold := store.Hold{RunID: p.Run.ID, Generation: p.Run.Generation, LeaseUntil: now.Add(p.LeaseTime)}
	if err := d.o.Store.ReleasePages(ctx, hold, release); err != nil {
		return err
	}
	failpoint.Hit(failpoint.PagesReleased)
	for _, nd := range fresh[:soon] {
		d.hintNew(nd)
	}
	for _, id := range parked {
		d.worker.feeder.parked(gateKey(id))
	}
	return nil
}

// parkPages has the pages for which their subscription has no place at present
// stored as parked, where this process has workers: a hint would bring them
// into memory, body and all, only to be parked then. It returns whose they are,
// and the other pages.
func (d *Dispatcher) parkPages(ds []store.NewDelivery, index *subscriptions.Index) (parked []webhook.SubscriptionID, fresh []*store.NewDelivery) {
	here := d.worker != nil && d.runs.Load()
	places := map[webhook.SubscriptionID]int{}
	for i := range ds {
		nd := &ds[i]
		id := nd.SubscriptionID
		if here && !nd.Held {
			if _, asked := places[id]; !asked {
				places[id] = d.worker.gate.freeForPages(gateKey(id), index.Get(id).MaxInFlight)
			}
			places[id]--
			nd.Parked = places[id] < 0
		}
		switch {
		case !nd.Parked:
			fresh = append(fresh, nd)
		case !slices.Contains(parked, id):
			parked = append(parked, id)
		}
	}
	return parked, fresh
}

// pace spreads the pages of exports over time, so that a run of thousands
// fills neither Redis nor the slots at once.
type pace struct {
	mu   sync.Mutex
	next time.Time // when the next page may be hinted
}

const (
	// pageGap is the least time between two pages of this process: 500 a second.
	pageGap = 2 * time.Millisecond
	// pageBurst is how far ahead of the pace pages are hinted at once.
	pageBurst = 200 * time.Millisecond
)

// take fills in when each page is to be looked after by the reconciler, and
// returns how many of the first ones are hinted at once instead.
func (p *pace) take(now time.Time, at []time.Time) (soon int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Before(now) {
		p.next = now
	}
	for i := range at {
		at[i] = p.next
		if p.next.Sub(now) < pageBurst {
			soon = i + 1
		}
		p.next = p.next.Add(pageGap)
	}
	return soon
}
