package dispatcher

import (
	"context"
	"net/http"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// SignedRequest is the request that a delivery's next attempt would make,
// signed now. The values of the subscription's static headers and its
// credentials are secrets and are not in it.
type SignedRequest struct {
	Method   string
	URL      string
	Header   http.Header // static headers have webhook.Redacted as their value
	Body     []byte      // exactly what goes on the wire
	Redacted bool        // there are static headers
}

// SignedRequest shows a delivery's next request, for a person to try by hand.
// It sends nothing and changes nothing.
func (d *Dispatcher) SignedRequest(ctx context.Context, id webhook.DeliveryID) (*SignedRequest, error) {
	row, err := d.o.Store.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := d.o.Store.Message(ctx, row.MessageID)
	if err != nil {
		return nil, err
	}
	if m.Body == nil {
		return nil, webhook.PayloadGone(id, m.Gone)
	}
	sub, err := d.subscriptionOf(ctx, &row)
	if err != nil {
		return nil, err
	}
	secrets, err := d.secretsOf(ctx, &row, sub)
	if err != nil {
		return nil, err
	}
	r := request(claimedFor(&row, &m), sub, secrets.At(d.now()))
	r.Headers = r.Headers.Redacted()
	header := d.o.Sender.Headers(r, d.now())
	if r.Pages == 0 {
		header.Del(sender.HeaderPages)
	}
	return &SignedRequest{Method: r.Method, URL: r.URL, Header: header, Body: r.Body, Redacted: len(r.Headers) > 0}, nil
}

// subscriptionOf returns the subscription that signs a delivery; nil for a
// delivery that has none.
func (d *Dispatcher) subscriptionOf(ctx context.Context, row *webhook.Delivery) (*webhook.Subscription, error) {
	if row.SubscriptionID == "" {
		return nil, nil
	}
	sub, err := d.o.Subscriptions.Get(ctx, row.SubscriptionID)
	if webhook.IsKind(err, webhook.KindNotFound) {
		return nil, webhook.Conflict("subscription_gone",
			"The subscription of delivery %s was deleted, and its secret with it: nothing can be signed any more.", row.ID)
	}
	return sub, err
}

// secretsOf returns the secrets that sign a delivery: its subscription's, or
// for a callback its client's own.
func (d *Dispatcher) secretsOf(ctx context.Context, row *webhook.Delivery, sub *webhook.Subscription) (webhook.SigningSecrets, error) {
	if sub != nil {
		return sub.Secrets, nil
	}
	return d.o.Subscriptions.ClientSecrets(ctx, row.ClientID)
}

// claimedFor is what a claim of the delivery would hold, as far as a request
// is made of it. How many pages its run has is not known here.
func claimedFor(row *webhook.Delivery, m *webhook.Message) *store.Claimed {
	c := &store.Claimed{
		MessageID: row.MessageID, Kind: m.Kind, ClientID: row.ClientID, EventType: row.EventType,
		SubscriptionID: row.SubscriptionID, URL: row.URL, Method: row.Method, AttemptCount: row.AttemptCount, Body: m.Body,
	}
	c.ID = row.ID
	if row.RunID != nil {
		c.RunID = *row.RunID
	}
	if row.Page != nil {
		c.Page = *row.Page
	}
	return c
}
