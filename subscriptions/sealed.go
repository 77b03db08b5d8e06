package subscriptions

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// close seals a subscription for the store.
func (r *Registry) close(sub *webhook.Subscription) (*store.Subscription, error) {
	headers, err := json.Marshal(map[string]string(sub.Headers)) // the type itself hides the values
	if err != nil {
		return nil, err
	}
	row := &store.Subscription{Subscription: *sub}
	row.Headers, row.Auth, row.Signing, row.Secrets = nil, nil, "", webhook.SigningSecrets{}
	row.SealedHeaders = r.o.Keys.Seal(headers, seal.SubscriptionHeaders(string(sub.ID)))
	if row.SealedAuth, err = r.sealAuth(sub); err != nil {
		return nil, err
	}
	row.SealedSecret, row.SealedOld = r.sealSecrets(sub.Secrets, seal.SubscriptionSecret(string(sub.ID)))
	row.OldUntil = sub.Secrets.PreviousUntil
	return row, nil
}

// open unseals a subscription of the store.
func (r *Registry) open(row *store.Subscription) (*webhook.Subscription, error) {
	sub := row.Subscription
	headers, err := r.o.Keys.Open(row.SealedHeaders, seal.SubscriptionHeaders(string(sub.ID)))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(headers, &sub.Headers); err != nil {
		return nil, fmt.Errorf("headers of subscription %s: %w", sub.ID, err)
	}
	if sub.Auth, err = r.openAuth(row); err != nil {
		return nil, err
	}
	sub.Secrets, err = r.openSecrets(row.SealedSecret, row.SealedOld, row.OldUntil, seal.SubscriptionSecret(string(sub.ID)))
	sub.Signing = sub.Secrets.Current.Signing()
	return &sub, err
}

// plainAuth is webhook.Auth as it is sealed: the type itself hides what is
// secret in it.
type plainAuth struct {
	Type     webhook.AuthType
	Username string
	Password string
	Token    string
}

// sealAuth returns nil when there are no credentials.
func (r *Registry) sealAuth(sub *webhook.Subscription) ([]byte, error) {
	a := sub.Auth
	if a == nil {
		return nil, nil
	}
	plain, err := json.Marshal(plainAuth{a.Type, a.Username, a.Password.Reveal(), a.Token.Reveal()})
	if err != nil {
		return nil, err
	}
	return r.o.Keys.Seal(plain, seal.SubscriptionAuth(string(sub.ID))), nil
}

func (r *Registry) openAuth(row *store.Subscription) (*webhook.Auth, error) {
	if len(row.SealedAuth) == 0 {
		return nil, nil
	}
	text, err := r.o.Keys.Open(row.SealedAuth, seal.SubscriptionAuth(string(row.ID)))
	if err != nil {
		return nil, err
	}
	var p plainAuth
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("credentials of subscription %s: %w", row.ID, err)
	}
	return &webhook.Auth{Type: p.Type, Username: p.Username, Password: webhook.Hide(p.Password), Token: webhook.Hide(p.Token)}, nil
}

// sealSecrets seals a pair of secrets for their place; old is nil when there
// is none.
func (r *Registry) sealSecrets(s webhook.SigningSecrets, place string) (current, old []byte) {
	current = r.o.Keys.Seal([]byte(s.Current.Reveal()), place)
	if !s.Previous.IsZero() {
		old = r.o.Keys.Seal([]byte(s.Previous.Reveal()), place)
	}
	return current, old
}

func (r *Registry) openSecrets(current, old []byte, oldUntil time.Time, place string) (s webhook.SigningSecrets, err error) {
	if s.Current, err = r.openSecret(current, place); err != nil || len(old) == 0 {
		return s, err
	}
	s.Previous, err = r.openSecret(old, place)
	s.PreviousUntil = oldUntil
	return s, err
}

func (r *Registry) openSecret(sealed []byte, place string) (webhook.Secret, error) {
	plain, err := r.o.Keys.Open(sealed, place)
	if err != nil {
		return webhook.Secret{}, err
	}
	secret, err := webhook.ParseSecret(string(plain))
	if err != nil {
		return secret, fmt.Errorf("%s: %w", place, err)
	}
	return secret, nil
}
