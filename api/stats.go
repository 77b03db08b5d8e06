package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// statsSpan is how far back the counts go when no time is given.
const statsSpan = 24 * time.Hour

type statsQuery struct {
	ClientID webhook.ClientID `query:"client_id" doc:"of one client only"`
	Since    string           `query:"since" doc:"count from this time on (RFC 3339); 24 hours ago when nothing is given. Deliveries are counted for seven days at most"`

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
	Queue         queueStats        `json:"queue"`
	Attempts      attemptStats      `json:"attempts"`
	Failing       []failingView     `json:"failing" nullable:"false" doc:"why deliveries fail, by the last attempt's error; the most first, at most 50 pairs of a subscription and a cause"`
	Verifications verificationStats `json:"verifications"`
}

// deliveryStats counts deliveries.
type deliveryStats struct {
	Quarantined int64       `json:"quarantined" doc:"now: sending each of them crashed us three times; GET /v1/deliveries?hold_reason=quarantine lists them, and POST /v1/deliveries/{id}/retry tries one again"`
	From        time.Time   `json:"from" doc:"deliveries that were created from then on are counted: since, taken back to five full minutes, and at most seven days ago"`
	Complete    bool        `json:"complete" doc:"false: there are too many to be counted. Of all clients, an hour has more than 100,000 in a state that is not succeeded, and the rest of them is among the succeeded ones; of one client, only its newest 20,000 are counted, and from tells since when"`
	States      stateCounts `json:"states" doc:"in which state they are now"`
	Hours       []hourView  `json:"hours" nullable:"false" doc:"the same, by the hour (UTC) in which they were created, the first hour first"`
}

// stateCounts is how many deliveries are in each state.
type stateCounts struct {
	Pending   int64 `json:"pending"`
	Retrying  int64 `json:"retrying"`
	Held      int64 `json:"held"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	Canceled  int64 `json:"canceled"`
}

func viewCounts(c store.StateCounts) stateCounts {
	return stateCounts{
		Pending: c[webhook.StatePending], Retrying: c[webhook.StateRetrying], Held: c[webhook.StateHeld],
		Succeeded: c[webhook.StateSucceeded], Failed: c[webhook.StateFailed], Canceled: c[webhook.StateCanceled],
	}
}

type hourView struct {
	At     time.Time   `json:"at" doc:"the hour's begin"`
	States stateCounts `json:"states"`
}

// queueStats is what waits now, whenever it was created.
type queueStats struct {
	Complete    bool       `json:"complete" doc:"false: more than 20,000 wait in a state, and only the oldest of them are counted; of one client, only its newest 20,000 deliveries are looked at"`
	OldestDueAt *time.Time `json:"oldest_due_at" doc:"since when the delivery that waits longest for a worker is due; null: none waits. One that waits for its subscriber's limit is not looked at here"`
	OldestDueMS float64    `json:"oldest_due_ms" doc:"how long that is ago"`
	Lanes       []laneView `json:"lanes" nullable:"false"`
}

// laneView is one kind of work.
type laneView struct {
	Lane       string     `json:"lane" enum:"first,retry,export" doc:"first attempts, further attempts, or pages of exports"`
	Due        int64      `json:"due" doc:"they wait for a worker"`
	InFlight   int64      `json:"in_flight" doc:"a worker has them"`
	Parked     int64      `json:"parked" doc:"they are due, but their subscription has all the attempts in flight that it may"`
	Scheduled  int64      `json:"scheduled" doc:"their next attempt is due later"`
	NextDueAt  *time.Time `json:"next_due_at" doc:"when the next of the scheduled ones is due"`
	OldestDue  *time.Time `json:"oldest_due_at" doc:"since when the one that waits longest for a worker is due"`
	OldestPark *time.Time `json:"oldest_parked_at" doc:"since when the one that waits longest for its subscriber is due"`
}

// attemptStats tells of a sample: the newest 2,000 attempts of deliveries that
// were created since.
type attemptStats struct {
	Sampled      int          `json:"sampled" doc:"attempts that this tells of: the newest ones, at most 2,000, of deliveries created since; tests are left out"`
	Acknowledged int          `json:"acknowledged" doc:"of those"`
	Duration     quantileView `json:"duration" doc:"how long they took, until the answer was read"`
	Late         quantileView `json:"late" doc:"how long after its due time each was started; without those that waited for their subscriber's limit"`
}

type quantileView struct {
	Count int     `json:"count" doc:"attempts that this is told from"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

func viewQuantiles(q store.Quantiles) quantileView {
	return quantileView{Count: q.Count, P50: milliseconds(q.P50), P95: milliseconds(q.P95), P99: milliseconds(q.P99), Max: milliseconds(q.Max)}
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
	f := store.StatsFilter{Since: in.since, ClientID: in.ClientID, VisibleTo: callOf(ctx).who.client}
	out := statsView{Since: in.since}
	for _, part := range []func(context.Context, store.StatsFilter, *statsView) error{
		a.deliveryStats, a.queueStats, a.attemptStats, a.failingStats, a.verificationStats,
	} {
		if err := part(ctx, f, &out); err != nil {
			return nil, err
		}
	}
	return &reply[statsView]{Value: out}, nil
}

func (a *api) verificationStats(ctx context.Context, f store.StatsFilter, out *statsView) error {
	v, err := a.o.Store.VerificationStats(ctx, f.ClientID, f.Since)
	out.Verifications = verificationStats{Pending: v.Pending, Completed: v.Completed, Failed: v.Failed, Expired: v.Expired}
	out.Verifications.NextExpiresAt = maybe(v.NextEnd)
	return err
}

func (a *api) deliveryStats(ctx context.Context, f store.StatsFilter, out *statsView) error {
	quarantined, err := a.o.Store.Quarantined(ctx, f.ClientID)
	if err != nil {
		return err
	}
	c, err := a.o.Store.DeliveryCounts(ctx, f)
	out.Deliveries = deliveryStats{Quarantined: quarantined, From: c.From, Complete: c.Complete, States: viewCounts(c.Sum()), Hours: []hourView{}}
	for _, h := range c.Hours {
		out.Deliveries.Hours = append(out.Deliveries.Hours, hourView{h.At, viewCounts(h.States)})
	}
	return err
}

func (a *api) attemptStats(ctx context.Context, f store.StatsFilter, out *statsView) error {
	s, err := a.o.Store.AttemptStats(ctx, f)
	out.Attempts = attemptStats{s.Sampled, s.Acknowledged, viewQuantiles(s.Duration), viewQuantiles(s.Late)}
	return err
}

func (a *api) queueStats(ctx context.Context, f store.StatsFilter, out *statsView) error {
	q, err := a.o.Store.Queue(ctx, f)
	if err != nil {
		return err
	}
	lanes := []laneView{{Lane: "first"}, {Lane: "retry"}, {Lane: "export"}}
	for _, g := range q.Groups {
		i := 0
		switch {
		case g.Page:
			i = 2
		case g.State == webhook.StateRetrying:
			i = 1
		}
		lanes[i].add(g)
	}
	out.Queue = queueStats{Complete: q.Complete, Lanes: lanes}
	for _, l := range lanes {
		out.Queue.OldestDueAt = earlier(out.Queue.OldestDueAt, l.OldestDue)
	}
	if at := out.Queue.OldestDueAt; at != nil {
		out.Queue.OldestDueMS = milliseconds(max(0, a.o.Now().Sub(*at)))
	}
	return nil
}

// add counts a group in.
func (l *laneView) add(g store.Waiting) {
	at := maybe(g.Oldest)
	switch g.What {
	case store.WaitsForAnswer:
		l.InFlight += g.Count
	case store.WaitsForSubscriber:
		l.Parked += g.Count
		l.OldestPark = earlier(l.OldestPark, at)
	case store.WaitsForTime:
		l.Scheduled += g.Count
		l.NextDueAt = earlier(l.NextDueAt, at)
	case store.WaitsForWorker:
		l.Due += g.Count
		l.OldestDue = earlier(l.OldestDue, at)
	}
}

// maybe is a time, or nil for the zero time.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || (b != nil && b.Before(*a)) {
		return b
	}
	return a
}
