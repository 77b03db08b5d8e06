package dispatcher

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A test of a subscription sends an event type's example now, so that an
// operator knows that a URL is right before real data goes there. It goes
// from the process that was asked, past the queue and the gate; it is recorded
// as a delivery of its own, marked, and is never retried by itself.

const (
	// maxTests bounds the tests under way in one process: they take no slot.
	maxTests = 16
	// recordTimeout bounds the commit of a test's result. It starts after the
	// exchange, whatever became of the request that asked.
	recordTimeout = 5 * time.Second
)

// TestResult is a test that is over.
type TestResult struct {
	Delivery webhook.Delivery
	Attempt  *webhook.Attempt
}

// Test sends the example of an event type to a subscription, paused or not,
// and records what came of it. slug "" stands for the first exact slug that
// the subscription has. That the attempt failed is no error: it says so itself.
//
// Errors: KindNotFound; KindInvalid when there is nothing to send;
// KindRateLimited when too many tests are under way.
func (d *Dispatcher) Test(ctx context.Context, id webhook.SubscriptionID, slug webhook.Slug) (*TestResult, error) {
	sub, err := d.o.Subscriptions.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := d.types.reload(ctx); err != nil {
		return nil, err
	}
	t, err := d.sample(sub, slug)
	if err != nil {
		return nil, err
	}
	leave, err := d.enterTest()
	if err != nil {
		return nil, err
	}
	defer leave()
	return d.probe(ctx, sub, d.testDelivery(sub, t))
}

// enterTest takes the place of one test; leave gives it back.
func (d *Dispatcher) enterTest() (leave func(), err error) {
	select {
	case d.tests <- struct{}{}:
		return func() { <-d.tests }, nil
	default:
		return nil, &webhook.Error{
			Kind: webhook.KindRateLimited, Code: "too_many_tests", RetryAfter: time.Second,
			Message: "Too many tests are under way in this process. Try again in a moment.",
		}
	}
}

// testDelivery is a delivery of an event type's example.
func (d *Dispatcher) testDelivery(sub *webhook.Subscription, t *eventType) *store.NewDelivery {
	now := d.now()
	m := &webhook.Message{
		ID: webhook.NewMessageID(), Kind: webhook.KindTest, ClientID: sub.ClientID, Type: t.Slug,
		OccurredAt: now, CreatedAt: now, Target: sub.ID, DataLength: len(t.Example),
	}
	m.Body, m.DataStart = wrapBody(t.head, t.Example, now)
	nd := newDelivery(m, sub, now)
	return &nd
}

// testRequest is the first request of a test.
func (d *Dispatcher) testRequest(sub *webhook.Subscription, nd *store.NewDelivery) *sender.Request {
	m := nd.Message
	r := &sender.Request{
		DeliveryID: nd.ID, MessageID: m.ID, EventType: m.Type, Number: 1, Trigger: webhook.TriggerTest,
		URL: nd.URL, Method: nd.Method, Body: m.Body, Headers: sub.SentHeaders(), Secrets: sub.Secrets.At(d.now()),
		Ack: sub.Ack, Timeout: d.o.Timeout, Test: true,
	}
	if sub.Timeout > 0 {
		r.Timeout = time.Duration(sub.Timeout)
	}
	if isExport(m.Type) {
		r.ExpectBody = []byte(receivedBody)
	}
	return r
}

// probe makes the exchange and records it. Both go on when the caller has gone
// away: the receiver has seen the request, so the log must have it.
func (d *Dispatcher) probe(ctx context.Context, sub *webhook.Subscription, nd *store.NewDelivery) (*TestResult, error) {
	ctx = context.WithoutCancel(ctx)
	m := nd.Message
	a := d.o.Sender.Send(ctx, d.testRequest(sub, nd))
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	row, err := d.o.Store.RecordTest(ctx, nd, store.TestOutcome{Attempts: []*webhook.Attempt{a}})
	if err != nil {
		return nil, err
	}
	d.o.Log.Info("test", "delivery", nd.ID, "message", m.ID, "type", m.Type, "client", m.ClientID, "subscription", sub.ID,
		"trigger", a.Trigger, "status", a.Status, "error", a.ErrorCode(), "duration_ms", a.Duration.Milliseconds(), "state", row.State)
	return &TestResult{Delivery: row, Attempt: a}, nil
}

// sample finds the event type whose example a test sends.
func (d *Dispatcher) sample(sub *webhook.Subscription, slug webhook.Slug) (*eventType, error) {
	types := d.types.table()
	var f webhook.Faults
	if slug == "" {
		i := slices.IndexFunc(sub.EventTypes, func(p webhook.Pattern) bool { return types.bySlug[webhook.Slug(p)] != nil })
		if i < 0 {
			f.Add("/event_type", "is missing, and the subscription names no event type exactly; it wants %s", orNone(wantedSamples(sub, types)))
			return nil, f.Err()
		}
		slug = webhook.Slug(sub.EventTypes[i])
	}
	t := types.bySlug[slug]
	switch {
	case t == nil:
		f.Add("/event_type", "%q is no known event type", clip(string(slug)))
	case isVerification(slug):
		f.Add("/event_type", "the result of a verification goes to the callback of its request, never to a subscription")
	case !slices.ContainsFunc(sub.EventTypes, func(p webhook.Pattern) bool { return p.Matches(slug) }):
		f.Add("/event_type", "subscription %s does not want %s; its event_types are %v", sub.ID, slug, sub.EventTypes)
	case len(t.Example) == 0:
		f.Add("/event_type", "%s has no example to send; give it one with PUT /v1/event-types/%s", slug, slug)
	default:
		return t, nil
	}
	return nil, f.Err()
}

// Samples are the event types that a test can send to a subscription: those
// that it wants and that have an example, sorted.
func (d *Dispatcher) Samples(ctx context.Context, sub *webhook.Subscription) ([]string, error) {
	if err := d.types.reload(ctx); err != nil {
		return nil, err
	}
	return wantedSamples(sub, d.types.table()), nil
}

// wantedSamples are the event types with an example that a subscription wants.
func wantedSamples(sub *webhook.Subscription, types *typeTable) []string {
	var out []string
	for _, slug := range slices.Sorted(maps.Keys(types.bySlug)) {
		wants := slices.ContainsFunc(sub.EventTypes, func(p webhook.Pattern) bool { return p.Matches(slug) })
		if wants && !isVerification(slug) && len(types.bySlug[slug].Example) > 0 {
			out = append(out, string(slug))
		}
	}
	return out
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none that has an example"
	}
	return strings.Join(names, ", ")
}

func isVerification(slug webhook.Slug) bool {
	return slug == webhook.SlugVerificationCompleted || slug == webhook.SlugVerificationFailed
}

func isExport(slug webhook.Slug) bool { return slug.Reserved() != "" && !isVerification(slug) }
