package access

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Owner is the client that a resource belongs to. Kinds are those whose ids
// tell nothing of their client: subscriptions, events, verifications,
// deliveries. What has not the form of an id does not exist.
func (r *Registry) Owner(ctx context.Context, kind webhook.Resource, id string) (webhook.ClientID, error) {
	s := r.o.Store
	switch {
	case kind == webhook.ResourceSubscription && webhook.ValidID(webhook.PrefixSubscription, id):
		sub, err := s.Subscription(ctx, webhook.SubscriptionID(id))
		return sub.ClientID, err
	case kind == webhook.ResourceEvent && webhook.ValidID(webhook.PrefixEvent, id):
		m, err := s.Message(ctx, webhook.MessageID(id))
		if webhook.IsKind(err, webhook.KindNotFound) {
			err = webhook.NotFound(string(kind), id)
		}
		return m.ClientID, err
	case kind == webhook.ResourceVerification && webhook.ValidID(webhook.PrefixVerification, id):
		v, err := s.Verification(ctx, webhook.VerificationID(id))
		return v.ClientID, err
	case kind == webhook.ResourceDelivery && webhook.ValidID(webhook.PrefixDelivery, id):
		d, err := s.Delivery(ctx, webhook.DeliveryID(id))
		if err != nil || d.SubscriptionID == "" { // a callback's
			return d.ClientID, err
		}
		// A client's event also goes to those who listen to every client: that is
		// the platform's own delivery, with its URL and its server's answers.
		return s.SubscriptionOwner(ctx, d.SubscriptionID)
	case kind == webhook.ResourceJob && webhook.ValidID(webhook.PrefixJob, id):
		j, err := s.Job(ctx, webhook.JobID(id))
		return j.VisibleTo, err // one that a key for all clients made is nobody's
	}
	return "", webhook.NotFound(string(kind), webhook.Clip(id))
}

// HasPart refuses a run in which a client has no part.
func (r *Registry) HasPart(ctx context.Context, client webhook.ClientID, id string) error {
	notFound := webhook.NotFound("run", webhook.Clip(id))
	if !webhook.ValidID(webhook.PrefixRun, id) {
		return notFound
	}
	run, err := r.o.Store.Run(ctx, webhook.RunID(id))
	if err != nil || run.ClientID == client {
		return err
	}
	totals, err := r.o.Store.RunTotals(ctx, run.ID, client)
	if err == nil && totals.Clients == 0 {
		err = notFound
	}
	return err
}
