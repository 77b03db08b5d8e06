package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type createAPIKey struct {
	Keyed
	Content jsonBody[apiKeyBody] `json:"-"`
}

type apiKeyBody struct {
	Name      string           `json:"name" doc:"for people: who uses it, and for what"`
	Role      webhook.Role     `json:"role" enum:"admin,operator,producer,viewer" doc:"what it may do"`
	ClientID  webhook.ClientID `json:"client_id,omitempty" doc:"bind it to this client: it sees nothing of another; not for the role admin"`
	ExpiresAt time.Time        `json:"expires_at,omitzero" doc:"from then on it is refused; never, when nothing is given"`
	RateLimit int              `json:"rate_limit,omitempty" doc:"requests a second in each process, 0: any number; the server's setting, when nothing is given"`

	key webhook.APIKey
}

func (b *apiKeyBody) decode(o *object) {
	text(o, "name", &b.Name)
	text(o, "role", &b.Role)
	b.key = webhook.APIKey{Name: b.Name, Role: b.Role}
	if filled(o, "client_id", &b.ClientID) == given {
		b.key.ClientID = &b.ClientID
	}
	if o.time("expires_at", &b.ExpiresAt) == given {
		at := b.ExpiresAt.Truncate(time.Microsecond)
		b.key.ExpiresAt = &at
	}
	if o.integer("rate_limit", 0, &b.RateLimit) == given {
		b.key.RateLimit = &b.RateLimit
	}
	o.need("name", "role")
}

// newAPIKey is a key that was made, with its text.
type newAPIKey struct {
	webhook.APIKey
	Key string `json:"key" doc:"the key itself; it is shown this once, and cannot be asked for again"`
}

// createAPIKey shows the key. Its repeat with the same Idempotency-Key shows
// it again, to the same caller: the answer is kept sealed, as long as answers
// are kept.
func (a *api) createAPIKey(ctx context.Context, in *createAPIKey) (*reply[newAPIKey], error) {
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil { // before the time of its end is looked at
		if err := a.o.Store.FindIdempotent(ctx, key); err != nil {
			return openBefore[newAPIKey](a, key, err, apiKeyURL)
		}
	}
	var body []byte
	var id webhook.KeyID
	k := in.Content.value.key
	k.CreatedBy = callOf(ctx).who.id
	err := a.o.Access.Create(ctx, k, func(k *webhook.APIKey, text webhook.KeyText) (*store.Idempotency, error) {
		var err error
		id = k.ID
		body, err = encodeJSON(newAPIKey{*k, text.Reveal()})
		if err != nil || key == nil {
			return nil, err
		}
		return answered(key, http.StatusCreated, a.o.Keys.Seal(body, seal.Answer(key.Scope, key.Key))), nil
	})
	if err != nil {
		return openBefore[newAPIKey](a, key, err, apiKeyURL)
	}
	return &reply[newAPIKey]{Location: apiKeyURL(string(id)), Raw: body}, nil
}

func apiKeyURL(id string) string { return "/v1/api-keys/" + id }

const listAPIKeys = "api-keys"

func (a *api) listAPIKeys(ctx context.Context, in *struct{ Paging }) (*reply[list[webhook.APIKey]], error) {
	page, err := in.page(listAPIKeys)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.APIKeys(ctx, page)
	if err != nil {
		return nil, err
	}
	return listOf(listAPIKeys, rows, next, func(k *webhook.APIKey) webhook.APIKey { return *k }), nil
}

type apiKeyPath struct {
	ID webhook.KeyID `path:"id"`
}

// check refuses what cannot be a key in the database.
func (p *apiKeyPath) check() error {
	switch {
	case p.ID == webhook.AdminKeyID:
		return &webhook.Error{
			Kind: webhook.KindNotFound, Code: "not_found",
			Message: "This is the key of the setting CARTEIRO_ADMIN_KEY (or of the file admin.key). It is changed there, not here.",
		}
	case !webhook.ValidID(webhook.PrefixKey, string(p.ID)):
		return webhook.NotFound("API key", clip(string(p.ID)))
	}
	return nil
}

func (a *api) getAPIKey(ctx context.Context, in *apiKeyPath) (*reply[webhook.APIKey], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	k, err := a.o.Store.APIKey(ctx, in.ID)
	return &reply[webhook.APIKey]{Value: k}, err
}

func (a *api) revokeAPIKey(ctx context.Context, in *apiKeyPath) (*reply[nothing], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return &reply[nothing]{}, a.o.Access.Revoke(ctx, in.ID)
}
