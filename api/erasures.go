package api

import (
	"context"
	"net/http"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// eraseClient asks for the erasure of a client's personal data. It need not be
// a known client: events are taken for any. While an erasure is under way, the
// answer is that one.
func (a *api) eraseClient(ctx context.Context, in *clientPath) (*reply[webhook.Erasure], error) {
	if msg := in.ClientID.Fault(); msg != "" {
		return nil, webhook.NotFound("client", clip(string(in.ClientID)))
	}
	e, err := a.o.Store.RequestErasure(ctx, in.ClientID, callOf(ctx).who.id)
	if err != nil {
		return nil, err
	}
	return &reply[webhook.Erasure]{Status: http.StatusAccepted, Location: "/v1/clients/" + string(in.ClientID) + "/personal-data", Value: e}, nil
}

// getErasure tells how far the last erasure is.
func (a *api) getErasure(ctx context.Context, in *clientPath) (*reply[webhook.Erasure], error) {
	e, err := a.o.Store.Erasure(ctx, in.ClientID)
	return &reply[webhook.Erasure]{Value: e}, err
}
