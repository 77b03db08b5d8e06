package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// env is a fresh store with a clock that stands still, and what a check needs
// to fill it.
type env struct {
	*Store
	address string
	clock   *clock
	ids     *counter

	attemptsMayBeGone bool // retention was at work
}

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// startOfTime has microseconds, and nanoseconds that a store must drop.
func startOfTime() time.Time { return time.Date(2026, 2, 28, 23, 59, 58, 123456789, time.UTC) }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now.Truncate(time.Microsecond)
}

// counter numbers ids.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func newEnv(tb testing.TB, address string) *env {
	tb.Helper()
	e := &env{address: address, clock: &clock{now: startOfTime()}, ids: &counter{}}
	e.Store = e.open(tb)
	if _, err := e.Migrate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	e.wipe(tb)
	return e
}

// open opens one more handle on the database of e.
func (e *env) open(tb testing.TB) *Store {
	tb.Helper()
	s, err := Open(context.Background(), e.address, Options{Now: e.clock.Now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() }) // a second Close answers with an error of no interest
	return s
}

// now is the clock's time as a store keeps it.
func (e *env) now() time.Time { return e.clock.Now().Truncate(time.Microsecond) }

// id makes an id that sorts as one made at the clock's time does.
func (e *env) id(prefix string) string { return idAt(prefix, e.clock.Now(), e.ids.next()) }

// idAt makes the n-th id of a time. The first ten characters after the prefix
// hold the milliseconds of the time.
func idAt(prefix string, at time.Time, n int) string {
	return webhook.FirstIDAt(prefix, at)[:len(prefix)+10] + fmt.Sprintf("%015d0", n)
}

const (
	someType   webhook.Slug     = "shop.product.redemption"
	someClient webhook.ClientID = "acme"
	someURL                     = "https://example.com/hook"
)

// message makes an event of someClient.
func (e *env) message() webhook.Message {
	return webhook.Message{
		ID: webhook.MessageID(e.id(webhook.PrefixEvent)), Kind: webhook.KindEvent, ClientID: someClient, Type: someType,
		Body: []byte(`{"data":{"n":1}}`), DataStart: 8, DataLength: 7,
		OccurredAt: e.now().Add(-time.Minute), CreatedAt: e.now(),
	}
}

// delivery makes a delivery of a message.
func (e *env) delivery(m *webhook.Message, sub webhook.SubscriptionID) NewDelivery {
	return NewDelivery{
		ID: webhook.DeliveryID(e.id(webhook.PrefixDelivery)), Message: m, SubscriptionID: sub,
		URL: someURL, Method: "POST", CheckAt: e.now().Add(checkAfter),
	}
}

const (
	checkAfter = 30 * time.Second // when the reconciler looks after what nothing happened to
	leaseFor   = 40 * time.Second
)

// intake makes one message with one delivery to each subscription.
func (e *env) intake(subs ...webhook.SubscriptionID) *Intake {
	in := &Intake{Messages: []webhook.Message{e.message()}}
	for _, sub := range subs {
		in.Deliveries = append(in.Deliveries, e.delivery(&in.Messages[0], sub))
	}
	return in
}

// accept commits one delivery and returns the hint for it.
func (e *env) accept(tb testing.TB, sub webhook.SubscriptionID) Ref {
	tb.Helper()
	in := e.intake(sub)
	e.mustAccept(tb, in)
	return Ref{in.Deliveries[0].ID, 1}
}

func (e *env) mustAccept(tb testing.TB, in *Intake) {
	tb.Helper()
	if err := e.Accept(context.Background(), in); err != nil {
		tb.Fatal(err)
	}
}

// subscribe stores an active subscription.
func (e *env) subscribe(tb testing.TB) webhook.SubscriptionID {
	tb.Helper()
	sub := e.subscription(someClient, "*")
	if err := e.CreateSubscription(context.Background(), &sub, nil); err != nil {
		tb.Fatal(err)
	}
	return sub.ID
}

func (e *env) subscription(client webhook.ClientID, types ...webhook.Pattern) Subscription {
	sub := Subscription{
		Subscription: webhook.Subscription{
			ID: webhook.SubscriptionID(e.id(webhook.PrefixSubscription)), ClientID: client, URL: someURL,
			EventTypes: types, CreatedAt: e.now(), UpdatedAt: e.now(), Version: 1,
		},
		SealedHeaders: []byte("{}"), SealedSecret: []byte("sealed"),
	}
	sub.SetDefaults()
	sub.Headers, sub.Signing = nil, "" // they are sealed
	return sub
}

// terms are the times of a claim at the clock's time.
func (e *env) terms() ClaimTerms {
	return ClaimTerms{Now: e.now(), Horizon: e.now(), Lease: e.now().Add(leaseFor)}
}

// claim claims one delivery that must be claimable.
func (e *env) claim(tb testing.TB, ref Ref) Claimed {
	tb.Helper()
	got := e.tryClaim(tb, ref)
	if len(got) != 1 {
		tb.Fatalf("claimed %d deliveries with %v, want 1", len(got), ref)
	}
	return got[0]
}

func (e *env) tryClaim(tb testing.TB, refs ...Ref) []Claimed {
	tb.Helper()
	got, err := e.Claim(context.Background(), refs, e.terms())
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// record commits a result that must not be fenced.
func (e *env) record(tb testing.TB, r Result) Recorded {
	tb.Helper()
	rec := e.tryRecord(tb, r)
	if rec.Fenced {
		tb.Fatalf("the result for %v was fenced", r.Ref)
	}
	return rec
}

func (e *env) tryRecord(tb testing.TB, r Result) Recorded {
	tb.Helper()
	rec, err := e.Record(context.Background(), r)
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// get reads a delivery back.
func (e *env) get(tb testing.TB, id webhook.DeliveryID) webhook.Delivery {
	tb.Helper()
	d, err := e.Delivery(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}
