package api

import "context"

func (a *api) getCurl(ctx context.Context, in *deliveryPath) (*reply[plainText], error) {
	d, err := a.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := a.o.Dispatcher.SignedRequest(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s, err := a.sightOf(ctx, in.Revealing, deliveryAudit(&d))
	if err != nil {
		return nil, err
	}
	return &reply[plainText]{Raw: r.Curl(s)}, nil
}
