package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// statsSample is how many of the newest attempts are looked at.
const statsSample = 2000

// AttemptStats is what a sample of the newest attempts says. Tests are not in it.
type AttemptStats struct {
	Sampled      int
	Acknowledged int
	Duration     Quantiles // of all
	// Late is by how much attempts were started after their due time. Those that
	// had to wait for their subscriber's limit are left out, and those that were
	// recorded by an older version.
	Late Quantiles
}

// Quantiles of some durations; all are zero when there were none.
type Quantiles struct {
	Count         int
	P50, P95, P99 time.Duration
	Max           time.Duration
}

func quantiles(all []time.Duration) Quantiles {
	if len(all) == 0 {
		return Quantiles{}
	}
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)*percent+99)/100-1] }
	return Quantiles{Count: len(all), P50: at(50), P95: at(95), P99: at(99), Max: all[len(all)-1]}
}

// AttemptStats looks at the newest attempts, of deliveries that were created
// since a time.
func (s *Store) AttemptStats(ctx context.Context, f StatsFilter) (AttemptStats, error) {
	type sampled struct {
		trigger  webhook.Trigger
		duration int64
		code     webhook.ErrorCode
		detail   []byte
	}
	from, w := `attempts`, where{}
	if f.client() != "" {
		w = f.newest(f.Since)
		from = `(SELECT id FROM deliveries` + w.sql() + ` ORDER BY id DESC` + w.limit(Page{Limit: statsSample - 1}) + `) AS few JOIN attempts ON delivery_id = id`
		w.conds = nil
	} else {
		w.add("delivery_id >= ?", webhook.FirstIDAt(webhook.PrefixDelivery, f.Since))
	}
	rows, err := list(ctx, s, `SELECT trigger, duration_us, error_code, detail FROM `+from+w.sql()+
		` ORDER BY delivery_id DESC, number DESC`+w.limit(Page{Limit: statsSample - 1}), w.args,
		func(row interface{ Scan(...any) error }) (a sampled, err error) {
			err = row.Scan(&a.trigger, &a.duration, &a.code, &a.detail)
			return a, err
		})
	if err != nil {
		return AttemptStats{}, err
	}
	var out AttemptStats
	var durations, late []time.Duration
	for _, a := range rows {
		if a.trigger == webhook.TriggerTest {
			continue
		}
		out.Sampled++
		if a.code == webhook.ErrorNone {
			out.Acknowledged++
		}
		durations = append(durations, time.Duration(a.duration)*time.Microsecond)
		var d struct {
			Late   *time.Duration `json:"late"`
			Waited bool           `json:"waited"`
		}
		if json.Unmarshal(a.detail, &d) == nil && d.Late != nil && !d.Waited {
			late = append(late, *d.Late)
		}
	}
	out.Duration, out.Late = quantiles(durations), quantiles(late)
	return out, nil
}

// healthSample is how many of a subscription's newest deliveries its health is
// told from.
const healthSample = 100

// Health is how the newest hundred deliveries of a subscription stand.
type Health struct {
	States      StateCounts
	LastSuccess time.Time // when the last of them that succeeded ended; zero: none did
}

// Health tells how each of some subscriptions is doing.
func (s *Store) Health(ctx context.Context, ids []webhook.SubscriptionID) (map[webhook.SubscriptionID]Health, error) {
	type group struct {
		state webhook.DeliveryState
		n     int64
		ended int64
	}
	out := map[webhook.SubscriptionID]Health{}
	for _, id := range ids {
		groups, err := list(ctx, s, `
			SELECT state, count(*), COALESCE(max(finished_at), 0) FROM (
				SELECT state, finished_at FROM deliveries WHERE subscription_id = $1 ORDER BY id DESC LIMIT $2) AS few
			GROUP BY state`, []any{string(id), healthSample}, func(row interface{ Scan(...any) error }) (g group, err error) {
			err = row.Scan(&g.state, &g.n, &g.ended)
			return g, err
		})
		if err != nil {
			return nil, err
		}
		h := Health{States: StateCounts{}}
		for _, g := range groups {
			h.States[g.state] = g.n
			if g.state == webhook.StateSucceeded {
				h.LastSuccess = stored(g.ended)
			}
		}
		out[id] = h
	}
	return out, nil
}
