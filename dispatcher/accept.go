package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// NewEvent is an event as the platform posts it.
type NewEvent struct {
	Type           webhook.Slug
	ClientID       webhook.ClientID
	Data           []byte                 // JSON, sent on byte for byte
	OccurredAt     time.Time              // zero: now
	SubscriptionID webhook.SubscriptionID // "": every subscription that matches
	Path           string                 // JSON pointer of the event in its request, for faults
}

// Accepted is an event that is committed, with its deliveries.
type Accepted struct {
	Message    webhook.Message
	Deliveries []AcceptedDelivery
}

// AcceptedDelivery is one delivery of an accepted event.
type AcceptedDelivery struct {
	ID             webhook.DeliveryID
	SubscriptionID webhook.SubscriptionID
}

// Respond makes the answer to a request with an idempotency key, so that it
// is committed with what the request created. It may run more than once.
type Respond func([]Accepted) (*store.Idempotency, error)

// offer is what is asked of Accept.
type offer struct {
	events  []NewEvent
	respond Respond
	allowed func(ctx context.Context, catalogue int64) error
}

// Accept checks events against their types, matches them with subscriptions,
// builds each body once and commits everything in one transaction: all or
// nothing. When it returns nil, the events are in SQL and will be delivered.
//
// Errors: *webhook.Error of KindInvalid lists every fault; KindUnavailable
// when the database is away; *store.Replay when respond's key was used before.
func (d *Dispatcher) Accept(ctx context.Context, events []NewEvent, respond Respond) ([]Accepted, error) {
	return d.AcceptIf(ctx, events, respond, func(context.Context, int64) error { return nil })
}

// AcceptIf is Accept for who may not be allowed to any more. allowed is asked
// before anything is answered, and again whenever the catalogue has changed;
// what it says must hold as of the version of the catalogue that it is told,
// and is checked with that version in the transaction that commits.
func (d *Dispatcher) AcceptIf(ctx context.Context, events []NewEvent, respond Respond, allowed func(ctx context.Context, catalogue int64) error) ([]Accepted, error) {
	began := d.o.Now()
	accepted, err := d.accept(ctx, &offer{events, respond, allowed})
	d.o.ObserveIntake(ctx, IntakeObservation{Began: began, Ended: d.o.Now(), Events: len(events), Accepted: accepted, Err: err})
	return accepted, err
}

func (d *Dispatcher) accept(ctx context.Context, r *offer) ([]Accepted, error) {
	for range optimistic {
		in, accepted, err := d.prepare(ctx, r)
		if err == nil {
			err = d.commit(ctx, in)
		}
		if err == nil {
			return accepted, nil
		}
		if !store.IsStale(err) {
			return nil, err
		}
		if err := d.refresh(ctx); err != nil {
			return nil, err
		}
	}
	return d.acceptInTurn(ctx, r)
}

// commit stores an intake and sends what this process kept of it.
func (d *Dispatcher) commit(ctx context.Context, in *store.Intake) error {
	since := time.Now()
	if d.worker != nil && d.runs.Load() {
		d.worker.keeper.take(in, d.now())
	}
	if err := d.o.Store.Accept(ctx, in); err != nil {
		if d.worker != nil {
			d.worker.keeper.dropped(in)
		}
		return err
	}
	failpoint.Hit(failpoint.EventCommitted)
	for i := range in.Deliveries {
		switch nd := &in.Deliveries[i]; {
		case nd.Parked:
			d.worker.feeder.parked(gateKey(nd.SubscriptionID))
		case !nd.LeaseUntil.IsZero():
			d.worker.keeper.send(nd, in.Catalogue, since)
		default:
			d.hintNew(nd)
		}
	}
	return nil
}

// optimistic is how often an intake is matched from memory. When the
// catalogue changed each time between the match and the commit, the next
// match is made while it cannot change.
const optimistic = 4

// acceptInTurn matches while the catalogue is locked. It holds one connection
// and uses a second one, so intakes take turns here.
func (d *Dispatcher) acceptInTurn(ctx context.Context, r *offer) ([]Accepted, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var in *store.Intake
	var accepted []Accepted
	err := d.o.Store.AcceptWith(ctx, func() (*store.Intake, error) {
		err := d.refresh(ctx)
		if err == nil {
			in, accepted, err = d.prepare(ctx, r)
		}
		return in, err
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.EventCommitted)
	for i := range in.Deliveries {
		d.hintNew(&in.Deliveries[i])
	}
	return accepted, nil
}

// refresh reads what has changed in the catalogue.
func (d *Dispatcher) refresh(ctx context.Context) error {
	return errors.Join(d.o.Subscriptions.Refresh(ctx), d.types.reload(ctx))
}

// prepare checks, matches and builds, by the catalogue in memory.
func (d *Dispatcher) prepare(ctx context.Context, r *offer) (*store.Intake, []Accepted, error) {
	types, index, events := d.types.table(), d.o.Subscriptions.Index(), r.events
	in := &store.Intake{
		Messages:  make([]webhook.Message, 0, len(events)),
		Catalogue: min(types.version, index.Version),
	}
	if err := r.allowed(ctx, in.Catalogue); err != nil {
		return nil, nil, err
	}
	var f webhook.Faults
	now := d.now()
	for i := range events {
		in.Messages = append(in.Messages, d.message(&events[i], types, now, &f))
	}
	accepted := make([]Accepted, len(events))
	for i := range events {
		subs := match(&events[i], index, &f)
		accepted[i].Message = in.Messages[i]
		for _, sub := range subs {
			nd := newDelivery(&in.Messages[i], sub, now)
			in.Deliveries = append(in.Deliveries, nd)
			accepted[i].Deliveries = append(accepted[i].Deliveries, AcceptedDelivery{nd.ID, sub.ID})
		}
	}
	if err := f.Err(); err != nil {
		return nil, nil, errors.Join(d.staleSince(ctx, in.Catalogue), err)
	}
	if r.respond != nil {
		idem, err := r.respond(accepted)
		if err != nil {
			return nil, nil, err
		}
		in.Idempotency = idem
	}
	return in, accepted, nil
}

// staleSince tells whether a fault may come from a catalogue that another
// process has changed since: then the event is looked at again.
func (d *Dispatcher) staleSince(ctx context.Context, version int64) error {
	return d.o.Store.CheckCatalogue(ctx, version)
}

// message checks one event and builds what is sent for it.
func (d *Dispatcher) message(e *NewEvent, types *typeTable, now time.Time, f *webhook.Faults) webhook.Message {
	m := webhook.Message{
		ID: webhook.NewEventID(), Kind: webhook.KindEvent, ClientID: e.ClientID, Type: e.Type,
		OccurredAt: e.OccurredAt, CreatedAt: now, Target: e.SubscriptionID,
	}
	if m.OccurredAt.IsZero() {
		m.OccurredAt = now
	}
	if msg := e.ClientID.Fault(); msg != "" {
		f.Add(e.Path+"/client_id", "%s", msg)
	}
	if why := e.Type.Reserved(); why != "" {
		f.Add(e.Path+"/type", "%s %s", e.Type, why)
		return m
	}
	t := types.bySlug[e.Type]
	if t == nil {
		f.Add(e.Path+"/type", "%q is no known event type. Known are %s; add one with PUT /v1/event-types/{slug}.", clip(string(e.Type)), types.slugs())
		return m
	}
	before := len(*f)
	t.check(e.Data, e.Path+"/data", f)
	if len(*f) > before {
		return m
	}
	m.DataLength = len(e.Data)
	m.Body, m.DataStart = wrapBody(t.head, e.Data, now)
	return m
}

// match finds who gets an event.
func match(e *NewEvent, index *subscriptions.Index, f *webhook.Faults) []*webhook.Subscription {
	if e.SubscriptionID == "" {
		return index.Match(e.ClientID, e.Type)
	}
	path := e.Path + "/subscription_id"
	sub := index.Get(e.SubscriptionID)
	switch {
	case sub == nil || (sub.ClientID != e.ClientID && sub.ClientID != webhook.AllClients):
		f.Add(path, "client %q has no subscription %q", clip(string(e.ClientID)), clip(string(e.SubscriptionID)))
	case !sub.Wants(e.ClientID, e.Type):
		f.Add(path, "subscription %s does not want %s events; its event_types are %v", sub.ID, clip(string(e.Type)), sub.EventTypes)
	default:
		return []*webhook.Subscription{sub}
	}
	return nil
}

func newDelivery(m *webhook.Message, sub *webhook.Subscription, now time.Time) store.NewDelivery {
	return store.NewDelivery{
		ID: webhook.NewDeliveryID(), Message: m, SubscriptionID: sub.ID, URL: sub.URL, Method: sub.Method,
		Held: sub.State == webhook.SubscriptionPaused, CheckAt: now.Add(checkAgain),
	}
}

// hintNew tells the workers of a fresh delivery.
func (d *Dispatcher) hintNew(nd *store.NewDelivery) {
	if !nd.Held {
		d.hints.add(laneFor(true, nd.RunID != ""), nd.Ref(), time.Time{})
	}
}

func clip(s string) string { return webhook.Clip(s) }
