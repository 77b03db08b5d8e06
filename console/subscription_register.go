package console

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func (c *console) newSubscription(v *visit) error {
	sub := webhook.Subscription{ClientID: v.client(), EventTypes: []webhook.Pattern{}}
	if slug := v.r.Form.Get(typeParam); slug != "" {
		sub.EventTypes = append(sub.EventTypes, webhook.Pattern(slug))
	}
	sub.SetDefaults()
	return v.showSubscriptionForm(formOf(&sub), nil)
}

// createSubscription registers what was typed and shows its secret, this once.
func (c *console) createSubscription(v *visit) error {
	f := v.typed()
	sub := webhook.Subscription{ClientID: v.client(), Signing: webhook.Signing(f.text("signing"))}
	faults := v.typedSubscription(f, &sub)
	if sub.ClientID == webhook.AllClients && !v.can(admin) {
		faults.Add("/client_id", "%s", v.t("subscription.all_clients_admin"))
	}
	if len(faults) > 0 {
		sub.SetDefaults()
		v.tellAll(f, &sub, faults)
		return v.showSubscriptionForm(f, nil)
	}
	ctx, cancel := v.outliving()
	defer cancel()
	made, err := c.o.Subscriptions.Create(ctx, sub, v.once())
	if f.refused(err) {
		return v.showSubscriptionForm(f, nil)
	}
	var before *store.Replay
	if errors.As(err, &before) {
		return v.finish(subscriptionPath(webhook.SubscriptionID(before.Response)), "subscription.sent_before")
	}
	if err != nil {
		return err
	}
	p := v.subscriptionSecret(made)
	p.Title, p.Fresh = v.t("subscription.was_registered"), true
	return v.showWith(http.StatusCreated, "secret", p)
}

// tellAll notes, beside what cannot be read, what the owners of the rules find:
// all that is wrong is told at once.
func (v *visit) tellAll(f *form, sub *webhook.Subscription, faults webhook.Faults) {
	sub.Validate(&faults)
	if msg := v.c.o.Subscriptions.CheckURL(v.ctx, sub.URL); msg != "" {
		faults.Add("/url", "%s", msg)
	}
	f.refused(faults.Err())
}

// prefixOnce is that of the key of a form.
const prefixOnce = "once_"

// once has a form that is sent a second time do nothing: it leads to what it
// registered at first. Its answer is not kept, which holds a secret, but the id.
func (v *visit) once() func(*webhook.Subscription) (*store.Idempotency, error) {
	key := v.r.PostForm.Get("once")
	if !webhook.ValidID(prefixOnce, key) {
		return nil
	}
	sum := sha256.Sum256([]byte(key))
	return func(sub *webhook.Subscription) (*store.Idempotency, error) {
		return &store.Idempotency{
			Scope: string(v.who.ID) + " POST " + v.route.path, Key: key, RequestHash: sum[:],
			Status: http.StatusCreated, Response: []byte(sub.ID),
		}, nil
	}
}

func (c *console) editSubscription(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	return v.showSubscriptionForm(formOf(sub), sub)
}

// changeSubscription stores what was typed. Whoever has opened the form before
// somebody else's change would undo that: they are told so.
func (c *console) changeSubscription(v *visit) error {
	was, err := v.subscription()
	if err != nil {
		return err
	}
	f := v.typed()
	next := *was
	if faults := v.typedSubscription(f, &next); len(faults) > 0 {
		v.tellAll(f, &next, faults)
		return v.showSubscriptionForm(f, was)
	}
	v.changing(changedFields(was, &next))
	ctx, cancel := v.outliving()
	defer cancel()
	_, err = c.o.Subscriptions.Update(ctx, was.ID, func(sub *webhook.Subscription) error {
		if strconv.FormatInt(sub.Version, 10) != f.Get("version") {
			return webhook.Conflict("changed_meanwhile", "%s", v.t("subscription.changed_meanwhile"))
		}
		return v.typedSubscription(f, sub).Err()
	})
	if f.refused(err) {
		return v.showSubscriptionForm(f, was)
	}
	if err != nil {
		return err
	}
	return v.finish(subscriptionPath(was.ID), "subscription.was_changed")
}
