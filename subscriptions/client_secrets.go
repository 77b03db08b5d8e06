package subscriptions

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// HasSecret refuses a client that does not exist, and so has no secret. The one
// that owns the verifications of requests that name none always exists.
func (r *Registry) HasSecret(ctx context.Context, id webhook.ClientID) error {
	if id == webhook.DefaultVerificationClient {
		return nil
	}
	if id.Fault() != "" {
		return webhook.NotFound("client", webhook.Clip(string(id)))
	}
	_, err := r.o.Store.Client(ctx, id)
	return err
}

// ClientSecrets returns the secrets that sign what goes to a client's
// callbacks. At the first need they are made, and the client too where it is
// new; of two processes that do so at the same moment, the database takes one
// secret, and both get it.
func (r *Registry) ClientSecrets(ctx context.Context, id webhook.ClientID) (webhook.SigningSecrets, error) {
	row, err := r.o.Store.ClientSecret(ctx, id)
	if webhook.IsKind(err, webhook.KindNotFound) {
		sealed, _ := r.sealSecrets(webhook.SigningSecrets{Current: webhook.NewSecret()}, seal.ClientSecret(string(id)))
		if err = r.o.Store.AddClientSecret(ctx, id, sealed); err != nil {
			return webhook.SigningSecrets{}, err
		}
		r.settle(ctx)
		row, err = r.o.Store.ClientSecret(ctx, id)
	}
	if err != nil {
		return webhook.SigningSecrets{}, err
	}
	return r.openClientSecret(&row)
}

// RotateClientSecret gives a client a fresh secret for its callbacks, as
// [Registry.RotateSecret] does for a subscription.
func (r *Registry) RotateClientSecret(ctx context.Context, id webhook.ClientID, how webhook.Rotation) (webhook.SigningSecrets, error) {
	if err := checkRotation(how); err != nil {
		return webhook.SigningSecrets{}, err
	}
	for tries := 0; ; tries++ {
		if _, err := r.ClientSecrets(ctx, id); err != nil {
			return webhook.SigningSecrets{}, err
		}
		next, err := r.rotateClientSecret(ctx, id, how)
		if webhook.IsKind(err, webhook.KindConflict) && tries < 3 { // somebody else was faster
			continue
		}
		return next, err
	}
}

func (r *Registry) rotateClientSecret(ctx context.Context, id webhook.ClientID, how webhook.Rotation) (next webhook.SigningSecrets, err error) {
	row, err := r.o.Store.ClientSecret(ctx, id)
	if err != nil {
		return next, err
	}
	was, err := r.openClientSecret(&row)
	if err != nil {
		return next, err
	}
	if next, err = was.Rotate(how, r.now()); err != nil {
		return webhook.SigningSecrets{}, err
	}
	row.Sealed, row.Old = r.sealSecrets(next, seal.ClientSecret(string(id)))
	row.OldUntil = next.PreviousUntil
	if err := r.o.Store.UpdateClientSecret(ctx, row); err != nil {
		return webhook.SigningSecrets{}, err
	}
	r.settle(ctx)
	return next, nil
}

func (r *Registry) openClientSecret(row *store.ClientSecret) (webhook.SigningSecrets, error) {
	return r.openSecrets(row.Sealed, row.Old, row.OldUntil, seal.ClientSecret(string(row.ClientID)))
}
