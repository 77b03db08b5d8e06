package api

import (
	"context"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// failingView is a cause of failures and whom it concerns.
type failingView struct {
	Error         webhook.ErrorCode     `json:"error" doc:"of the last attempt"`
	Status        int                   `json:"status" doc:"of the last attempt; 0: no status line was read"`
	Waiting       int64                 `json:"waiting" doc:"deliveries that are tried again"`
	Failed        int64                 `json:"failed" doc:"deliveries, created since, that were given up"`
	Subscriptions []failingSubscription `json:"subscriptions" nullable:"false" doc:"the one with the most deliveries first"`
}

type failingSubscription struct {
	SubscriptionID webhook.SubscriptionID `json:"subscription_id" doc:"empty: callbacks of verifications"`
	ClientID       webhook.ClientID       `json:"client_id"`
	Waiting        int64                  `json:"waiting"`
	Failed         int64                  `json:"failed"`
	Health         *subscriptionHealth    `json:"health" doc:"null for callbacks"`
}

// subscriptionHealth is how the newest 100 deliveries of a subscription stand.
type subscriptionHealth struct {
	States        stateCounts `json:"states" doc:"of its newest 100 deliveries"`
	LastSuccessAt *time.Time  `json:"last_success_at" doc:"when the last of these that succeeded ended; null: none did"`
}

func (a *api) failingStats(ctx context.Context, f store.StatsFilter, out *statsView) error {
	rows, err := a.o.Store.Failing(ctx, f)
	if err != nil {
		return err
	}
	var ids []webhook.SubscriptionID
	for _, r := range rows {
		if r.SubscriptionID != "" && !slices.Contains(ids, r.SubscriptionID) {
			ids = append(ids, r.SubscriptionID)
		}
	}
	health, err := a.o.Store.Health(ctx, ids)
	out.Failing = groupFailing(rows, health)
	return err
}

// groupFailing puts together what has one cause. The rows are in order.
func groupFailing(rows []store.Failing, health map[webhook.SubscriptionID]store.Health) []failingView {
	out := []failingView{}
	for _, r := range rows {
		i := slices.IndexFunc(out, func(v failingView) bool { return v.Error == r.Error && v.Status == r.Status })
		if i < 0 {
			i = len(out)
			out = append(out, failingView{Error: r.Error, Status: r.Status})
		}
		v := &out[i]
		v.Waiting += r.Waiting
		v.Failed += r.Failed
		s := failingSubscription{SubscriptionID: r.SubscriptionID, ClientID: r.ClientID, Waiting: r.Waiting, Failed: r.Failed}
		if h, ok := health[r.SubscriptionID]; ok {
			s.Health = &subscriptionHealth{States: viewCounts(h.States), LastSuccessAt: maybe(h.LastSuccess)}
		}
		v.Subscriptions = append(v.Subscriptions, s)
	}
	slices.SortStableFunc(out, func(a, b failingView) int { return int(b.Waiting + b.Failed - a.Waiting - a.Failed) })
	return out
}
