package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Keyed is a request that creates something, with the key under which it may
// be repeated. (Exported because huma reads parameters of exported embedded
// fields only.)
type Keyed struct {
	Key string `header:"Idempotency-Key" doc:"1 to 255 printable ASCII characters; the same key and request answer as the first time, with Idempotency-Replayed: true"`

	request *http.Request
}

// Resolve checks the key. huma takes an empty header for none and the first of
// two; here both are faults, since the caller believes in a key.
func (k *Keyed) Resolve(ctx huma.Context) []error {
	k.request = humagin.Unwrap(ctx).Request
	values := k.request.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil
	}
	var f webhook.Faults
	if len(values) > 1 {
		f.Add("Idempotency-Key", "is given more than once")
	} else if !printable(values[0]) || len(values[0]) > maxIdempotencyKey {
		f.Add("Idempotency-Key", "must be 1 to %d printable ASCII characters", maxIdempotencyKey)
	}
	return asErrors(f)
}

// idempotency is the row of this request: its scope, key and hash, without an
// answer. It is nil when no key was given.
func (k *Keyed) idempotency(ctx context.Context, body []byte) *store.Idempotency {
	if k.Key == "" {
		return nil
	}
	c := callOf(ctx)
	hash := sha256.New()
	hash.Write([]byte(k.request.URL.Path + "\n"))
	hash.Write(body)
	return &store.Idempotency{
		Scope: string(c.who.id) + " " + k.request.Method + " " + c.route, Key: k.Key, RequestHash: hash.Sum(nil),
	}
}

// answered completes a row with the answer.
func answered(i *store.Idempotency, status int, body []byte) *store.Idempotency {
	if i == nil {
		return nil
	}
	row := *i
	row.Status, row.Response = status, body
	return &row
}

// replayed is the answer to an earlier request with the same key, or nil when
// err says something else.
func replayed[T any](err error) *reply[T] {
	var r *store.Replay
	if !errors.As(err, &r) {
		return nil
	}
	return &reply[T]{Status: r.Status, Raw: r.Response, Replayed: true}
}

// openBefore opens the sealed answer to an earlier request with the same key,
// if err is one. location makes the address of what was created from its id.
func openBefore[T any](a *api, key *store.Idempotency, err error, location func(id string) string) (*reply[T], error) {
	r := replayed[T](err)
	if r == nil {
		return nil, err
	}
	if r.Raw, err = a.o.Keys.Open(r.Raw, seal.Answer(key.Scope, key.Key)); err != nil {
		return nil, err
	}
	return r, r.locate(location)
}

// madeBefore is the answer to an earlier request with the same key, if err is
// one. location makes the address of what was created from its id.
func madeBefore[T any, ID ~string](err error, location func(ID) string) (*reply[T], error) {
	r := replayed[T](err)
	if r == nil {
		return nil, err
	}
	return r, r.locate(func(id string) string { return location(ID(id)) })
}

// locate sets the address of what an earlier request has made: the answer is to
// be that of the first time, its header too.
func (r *reply[T]) locate(location func(id string) string) error {
	var made struct{ ID string }
	if err := json.Unmarshal(r.Raw, &made); err != nil {
		return err
	}
	r.Location = location(made.ID)
	return nil
}
