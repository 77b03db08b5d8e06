package cli

import (
	"context"
	"net/url"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
)

// Kinds are the values that Predict knows, as the tag "predictor" names them.
func Kinds() []string { return []string{"client", "subscription", "event-type", "export"} }

// Bounds of a prediction: somebody waits with a finger on the tab key.
const (
	predictTime = time.Second
	predictMost = 200
)

// Predict asks the server for values that a flag or an argument may have. It
// proposes nothing when the server cannot say.
func (s *Session) Predict(kind string) []string {
	if kind == "export" {
		return []string{"cadastros", "vendas", "ingressos", "financeiro"}
	}
	ctx, cancel := context.WithTimeout(s, predictTime)
	defer cancel()
	defer s.Close()
	api, err := s.client()
	if err != nil {
		return nil
	}
	paths := map[string]string{"client": "/v1/clients", "subscription": "/v1/subscriptions", "event-type": "/v1/event-types"}
	var found []string
	_, err = api.List(ctx, paths[kind], url.Values{}, predictMost, func(p apiclient.Page) error {
		return eachOf(p.Data, func(v *struct{ ID, Slug string }) { found = append(found, v.ID+v.Slug) })
	})
	if err != nil {
		return nil
	}
	return found
}
