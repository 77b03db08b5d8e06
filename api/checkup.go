package api

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

type checkSubscription struct {
	Spoken
	ID      webhook.SubscriptionID `path:"id"`
	Content jsonBody[noFields]     `json:"-"`
}

// checkupView is a check of a subscription's URL that is over.
type checkupView struct {
	SubscriptionID webhook.SubscriptionID `json:"subscription_id"`
	Language       webhook.Language       `json:"language" enum:"en,pt-BR" doc:"of the sentences"`
	Result         webhook.CheckResult    `json:"result" enum:"ok,warn,fail" doc:"the worst of all findings"`
	Findings       []webhook.Finding      `json:"findings" nullable:"false" doc:"one for each check, in the order of the way"`
	DeliveryID     *webhook.DeliveryID    `json:"delivery_id" doc:"where the three requests are recorded, as a test: wrongly signed, rightly signed, and again; null when none was sent"`
	DurationMS     float64                `json:"duration_ms"`
}

// checkSubscription answers 200 when something is wrong with the receiver too:
// that is what the operator wants to know.
func (a *api) checkSubscription(ctx context.Context, in *checkSubscription) (*reply[checkupView], error) {
	if err := mustBeSubscription(in.ID); err != nil {
		return nil, err
	}
	got, err := a.o.Dispatcher.Check(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	lang := in.language()
	findings := webhook.Diagnose(got.Facts, lang)
	v := checkupView{
		SubscriptionID: in.ID, Language: lang, Result: webhook.Worst(findings), Findings: findings, DurationMS: milliseconds(got.Took),
	}
	if got.Delivery != nil {
		v.DeliveryID = &got.Delivery.ID
	}
	return &reply[checkupView]{Value: v, Language: lang}, nil
}
