package console

import (
	"context"
	"net/url"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// testParam names the delivery of a test, whose attempt the page of its
// subscription shows.
const testParam = "test"

// turn pauses or resumes the subscription of the path.
func (v *visit) turn(do func(context.Context, webhook.SubscriptionID) (*webhook.Subscription, error), done string) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := do(ctx, sub.ID); err != nil {
		return err
	}
	return v.finish(subscriptionPath(sub.ID), done)
}

// samples are the event types that a test can send.
func (v *visit) samples(sub *webhook.Subscription) ([]choice, error) {
	slugs, err := v.c.o.Dispatcher.Samples(v.ctx, sub)
	if err != nil {
		return nil, err
	}
	out := make([]choice, len(slugs))
	for i, slug := range slugs {
		out[i] = choice{Value: slug, Label: slug}
	}
	return out, nil
}

// testSubscription sends an example now and leads to its attempt. That the
// attempt failed is what the operator wants to know, and no error.
func (c *console) testSubscription(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	f := v.typed()
	got, err := c.o.Dispatcher.Test(v.ctx, sub.ID, webhook.Slug(f.text(typeParam)))
	if f.refused(err) {
		return v.showSubscription(f)
	}
	if err != nil {
		return err
	}
	to := address(subscriptionPath(sub.ID), url.Values{testParam: {string(got.Delivery.ID)}})
	return v.to(to + "#test")
}

// testResult is a test of a subscription that is over.
type testResult struct {
	Delivery webhook.Delivery
	Attempt  attemptView
}

// testResult reads the test that the address names; nil: it names none.
func (v *visit) testResult(sub *webhook.Subscription) (*testResult, error) {
	id := v.r.URL.Query().Get(testParam)
	if !webhook.ValidID(webhook.PrefixDelivery, id) {
		return nil, nil
	}
	d, err := v.c.o.Store.Delivery(v.ctx, webhook.DeliveryID(id))
	if webhook.IsKind(err, webhook.KindNotFound) || (err == nil && (d.SubscriptionID != sub.ID || !d.Test)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	attempts, err := v.c.o.Store.Attempts(v.ctx, d.ID)
	if err != nil || len(attempts) == 0 {
		return nil, err
	}
	one := viewAttempt(&attempts[0], v.redacted())
	one.Method, one.Open = d.Method, true
	return &testResult{Delivery: v.redacted().Delivery(&d), Attempt: one}, nil
}
