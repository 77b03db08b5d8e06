package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// subscriptionView is a subscription with its secrets where they may be shown.
type subscriptionView struct {
	webhook.Subscription
	SecretView
}

// SecretView is a subscription's signing secrets. (Exported because huma describes
// embedded fields of exported types only.)
type SecretView struct {
	Secret            string     `json:"secret,omitempty" doc:"whsec_…: signs each request, and verifies it (hmac)"`
	PublicKey         string     `json:"public_key,omitempty" doc:"whpk_…: verifies each request (ed25519); the private key is never shown"`
	PreviousSecret    string     `json:"previous_secret,omitempty" doc:"signs too, while a rotation overlaps (hmac)"`
	PreviousPublicKey string     `json:"previous_public_key,omitempty" doc:"verifies too, while a rotation overlaps (ed25519)"`
	PreviousUntil     *time.Time `json:"previous_until,omitempty" doc:"end of the overlap"`
}

// viewSubscription is a subscription as it may be shown: static headers and
// credentials hide their values by themselves, and say so here.
func viewSubscription(sub *webhook.Subscription) webhook.Subscription {
	v := *sub
	v.Headers = sub.Headers.Redacted()
	return v
}

func (a *api) viewSecret(s webhook.SigningSecrets) SecretView {
	var v SecretView
	v.Secret, v.PublicKey = shownKey(s.Current)
	if len(s.At(a.o.Now())) > 1 {
		v.PreviousSecret, v.PreviousPublicKey = shownKey(s.Previous)
		v.PreviousUntil = &s.PreviousUntil
	}
	return v
}

// shownKey is what a receiver verifies with: the secret that both sides share,
// or the public key. A private key is never shown.
func shownKey(s webhook.Secret) (secret, public string) {
	if s.Signing() == webhook.SigningEd25519 {
		return "", s.Verifier()
	}
	return s.Verifier(), ""
}

type createSubscription struct {
	Keyed
	Content jsonBody[newSubscription] `json:"-"`
}

func (a *api) createSubscription(ctx context.Context, in *createSubscription) (*reply[subscriptionView], error) {
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil { // before the URL's host is looked up
		if err := a.o.Store.FindIdempotent(ctx, key); err != nil {
			return openBefore[subscriptionView](a, key, err, subscriptionURL)
		}
	}
	var body []byte
	sub, err := a.o.Subscriptions.Create(ctx, in.Content.value.subscription(), func(sub *webhook.Subscription) (*store.Idempotency, error) {
		var err error
		body, err = encodeJSON(subscriptionView{viewSubscription(sub), a.viewSecret(sub.Secrets)})
		if err != nil || key == nil {
			return nil, err
		}
		return answered(key, http.StatusCreated, a.o.Keys.Seal(body, seal.Answer(key.Scope, key.Key))), nil
	})
	if err != nil {
		return openBefore[subscriptionView](a, key, err, subscriptionURL)
	}
	return &reply[subscriptionView]{Location: subscriptionURL(string(sub.ID)), Raw: body}, nil
}

func subscriptionURL(id string) string { return "/v1/subscriptions/" + id }

const listSubscriptions = "subscriptions"

type subscriptionsQuery struct {
	Paging
	ClientID  webhook.ClientID          `query:"client_id" doc:"a client, or * for those to every client's events"`
	EventType webhook.Slug              `query:"event_type" doc:"those that would get this event type"`
	State     webhook.SubscriptionState `query:"state" enum:"active,paused"`
}

// Resolve checks the filters.
func (q *subscriptionsQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, true)
	checkSlug(&f, "event_type", q.EventType)
	return asErrors(f)
}

func (a *api) listSubscriptions(ctx context.Context, in *subscriptionsQuery) (*reply[list[webhook.Subscription]], error) {
	page, err := in.page(listSubscriptions)
	if err != nil {
		return nil, err
	}
	filter := store.SubscriptionFilter{ClientID: in.ClientID, EventType: in.EventType, State: in.State}
	rows, next, err := a.o.Subscriptions.List(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	return listOf(listSubscriptions, rows, next, viewSubscription), nil
}

type subscriptionPath struct {
	ID webhook.SubscriptionID `path:"id"`
}

// emptyToSubscription is a request about one subscription that says no more.
type emptyToSubscription struct {
	ID      webhook.SubscriptionID `path:"id"`
	Content jsonBody[noFields]     `json:"-"`
}

// mustBeSubscription refuses what has not the form of an id: it does not exist.
func mustBeSubscription(id webhook.SubscriptionID) error {
	if !webhook.ValidID(webhook.PrefixSubscription, string(id)) {
		return webhook.NotFound("subscription", clip(string(id)))
	}
	return nil
}

// onSubscription does something to one subscription and shows it.
func onSubscription(ctx context.Context, id webhook.SubscriptionID,
	do func(context.Context, webhook.SubscriptionID) (*webhook.Subscription, error),
) (*reply[webhook.Subscription], error) {
	if err := mustBeSubscription(id); err != nil {
		return nil, err
	}
	sub, err := do(ctx, id)
	if err != nil {
		return nil, err
	}
	return &reply[webhook.Subscription]{Value: viewSubscription(sub)}, nil
}

func (a *api) getSubscription(ctx context.Context, in *subscriptionPath) (*reply[webhook.Subscription], error) {
	return onSubscription(ctx, in.ID, a.o.Subscriptions.Get)
}

func (a *api) pauseSubscription(ctx context.Context, in *emptyToSubscription) (*reply[webhook.Subscription], error) {
	return onSubscription(ctx, in.ID, a.o.Subscriptions.Pause)
}

func (a *api) resumeSubscription(ctx context.Context, in *emptyToSubscription) (*reply[webhook.Subscription], error) {
	return onSubscription(ctx, in.ID, a.o.Subscriptions.Resume)
}

func (a *api) deleteSubscription(ctx context.Context, in *subscriptionPath) (*reply[nothing], error) {
	if err := mustBeSubscription(in.ID); err != nil {
		return nil, err
	}
	return &reply[nothing]{}, a.o.Subscriptions.Delete(ctx, in.ID)
}

type rotateSecret struct {
	ID      webhook.SubscriptionID `path:"id"`
	Content jsonBody[rotateBody]   `json:"-"`
}

type rotateBody struct {
	Overlap *webhook.Duration `json:"overlap,omitempty" doc:"how long the old secret signs too, from 0s to 168h; 24h when nothing is given"`
	Signing webhook.Signing   `json:"signing,omitempty" enum:"hmac,ed25519" doc:"the kind of the new one; as before when nothing is given"`
}

func (b *rotateBody) decode(o *object) {
	var d webhook.Duration
	if o.duration("overlap", &d) == given {
		b.Overlap = &d
	}
	filled(o, "signing", &b.Signing)
}

func (b *rotateBody) bodyRules() bodyRules { return bodyRules{limit: maxBody, optional: true} }

func (b *rotateBody) rotation() webhook.Rotation {
	how := webhook.Rotation{Overlap: webhook.DefaultOverlap, Signing: b.Signing}
	if b.Overlap != nil {
		how.Overlap = time.Duration(*b.Overlap)
	}
	return how
}

func (a *api) rotateSecret(ctx context.Context, in *rotateSecret) (*reply[subscriptionView], error) {
	if err := mustBeSubscription(in.ID); err != nil {
		return nil, err
	}
	sub, err := a.o.Subscriptions.RotateSecret(ctx, in.ID, in.Content.value.rotation())
	if err != nil {
		return nil, err
	}
	return &reply[subscriptionView]{Value: subscriptionView{viewSubscription(sub), a.viewSecret(sub.Secrets)}}, nil
}

func (a *api) getSecret(ctx context.Context, in *subscriptionPath) (*reply[SecretView], error) {
	if err := mustBeSubscription(in.ID); err != nil {
		return nil, err
	}
	sub, err := a.o.Subscriptions.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &reply[SecretView]{Value: a.viewSecret(sub.Secrets)}, a.o.Store.Audit(ctx, webhook.AuditEntry{
		Resource: webhook.ResourceSubscription, ResourceID: string(sub.ID), ClientID: sub.ClientID, Fields: []string{"secret"},
	})
}
