package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// statsSpan is how far back the counts go when no time is given.
const statsSpan = 24 * time.Hour

type statsQuery struct {
	ClientID webhook.ClientID `query:"client_id" doc:"of one client only"`
	Since    string           `query:"since" doc:"count from this time on (RFC 3339); 24 hours ago when nothing is given"`

	since time.Time
}

// Resolve checks the time.
func (q *statsQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	q.since = checkTime(&f, "since", q.Since)
	return asErrors(f)
}

type statsView struct {
	Since         time.Time         `json:"since"`
	Deliveries    deliveryStats     `json:"deliveries"`
	Verifications verificationStats `json:"verifications"`
}

// deliveryStats counts deliveries.
type deliveryStats struct {
	Quarantined int64 `json:"quarantined" doc:"now: sending each of them crashed us three times; GET /v1/deliveries?hold_reason=quarantine lists them, and POST /v1/deliveries/{id}/retry tries one again"`
}

// verificationStats counts verifications. One that nobody reported on is
// pending for long, and expired in the end.
type verificationStats struct {
	Pending       int64      `json:"pending" doc:"now"`
	NextExpiresAt *time.Time `json:"next_expires_at" doc:"when the next pending one expires; null when none is pending"`
	Completed     int64      `json:"completed" doc:"ended since"`
	Failed        int64      `json:"failed" doc:"ended since"`
	Expired       int64      `json:"expired" doc:"given up since: nobody reported how they ended"`
}

func (a *api) getStats(ctx context.Context, in *statsQuery) (*reply[statsView], error) {
	if in.since.IsZero() {
		in.since = a.o.Now().UTC().Add(-statsSpan).Truncate(time.Second)
	}
	v, err := a.o.Store.VerificationStats(ctx, in.ClientID, in.since)
	if err != nil {
		return nil, err
	}
	quarantined, err := a.o.Store.Quarantined(ctx, in.ClientID)
	if err != nil {
		return nil, err
	}
	out := statsView{Since: in.since, Deliveries: deliveryStats{quarantined}, Verifications: verificationStats{
		Pending: v.Pending, Completed: v.Completed, Failed: v.Failed, Expired: v.Expired,
	}}
	if !v.NextEnd.IsZero() {
		out.Verifications.NextExpiresAt = &v.NextEnd
	}
	return &reply[statsView]{Value: out}, nil
}
