package api

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

type testSubscription struct {
	ID      webhook.SubscriptionID `path:"id"`
	Content jsonBody[probeBody]    `json:"-"`
}

type probeBody struct {
	EventType webhook.Slug `json:"event_type,omitempty" doc:"whose example is sent; the first exact slug of the subscription when nothing is given"`
}

func (b *probeBody) decode(o *object) { filled(o, "event_type", &b.EventType) }

func (b *probeBody) bodyRules() bodyRules { return bodyRules{limit: maxBody, optional: true} }

// probeView is a test that is over: the attempt, and where it is recorded.
type probeView struct {
	AttemptView
	DeliveryID   webhook.DeliveryID    `json:"delivery_id" doc:"where it is recorded; its list entry has test: true"`
	MessageID    webhook.MessageID     `json:"message_id" doc:"the webhook-id header"`
	EventType    webhook.Slug          `json:"event_type"`
	Acknowledged bool                  `json:"acknowledged" doc:"the subscriber took it"`
	State        webhook.DeliveryState `json:"state" enum:"succeeded,failed" doc:"of the delivery; a test is never sent again by itself"`
}

// testSubscription answers 200 when the attempt failed too: that is what the
// operator wants to know.
func (a *api) testSubscription(ctx context.Context, in *testSubscription) (*reply[probeView], error) {
	if err := mustBeSubscription(in.ID); err != nil {
		return nil, err
	}
	got, err := a.o.Dispatcher.Test(ctx, in.ID, in.Content.value.EventType)
	if err != nil {
		return nil, err
	}
	return &reply[probeView]{Value: probeView{
		AttemptView: viewAttempt(got.Attempt, a.redacted()),
		DeliveryID:  got.Delivery.ID, MessageID: got.Delivery.MessageID, EventType: got.Delivery.EventType,
		Acknowledged: got.Attempt.Acknowledged(), State: got.Delivery.State,
	}}, nil
}
