package api

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Spoken is a read whose sentences come in the caller's language. (Exported
// because huma reads parameters of exported embedded fields only.)
type Spoken struct {
	Accept string `header:"Accept-Language" doc:"the language of the sentences: en or pt-BR; en when it asks for neither"`
}

func (s Spoken) language() webhook.Language { return webhook.PreferredLanguage(s.Accept) }

type explainDelivery struct {
	Spoken
	ID webhook.DeliveryID `path:"id"`
}

func (a *api) explainDelivery(ctx context.Context, in *explainDelivery) (*reply[webhook.Explanation], error) {
	if _, err := a.delivery(ctx, in.ID); err != nil {
		return nil, err
	}
	e, err := a.o.Dispatcher.Explain(ctx, in.ID, in.language())
	return &reply[webhook.Explanation]{Value: e, Language: e.Language}, err
}
