package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Waiting is a group of deliveries that wait, or that are being sent.
type Waiting struct {
	State  webhook.DeliveryState // pending or retrying
	Page   bool                  // pages of exports
	What   WaitsFor
	Count  int64
	Oldest time.Time // the earliest time at which one of them is, or was, due
}

// WaitsFor is what a delivery waits for.
type WaitsFor string

// What deliveries wait for.
const (
	WaitsForWorker     WaitsFor = "worker"     // it is due
	WaitsForSubscriber WaitsFor = "subscriber" // it is due, and its subscription has all the attempts in flight that it may
	WaitsForTime       WaitsFor = "time"       // its next attempt is due later
	WaitsForAnswer     WaitsFor = "answer"     // an attempt is under way
)

// Queue is what waits now.
type Queue struct {
	Groups   []Waiting
	Complete bool // false: of more than 20,000 that wait in a state, the oldest were looked at; of one client, the newest
}

// Queue tells what waits for its attempt, of all clients or of one.
func (s *Store) Queue(ctx context.Context, f StatsFilter) (Queue, error) {
	out := Queue{Complete: true}
	for _, state := range []webhook.DeliveryState{webhook.StatePending, webhook.StateRetrying} {
		groups, err := s.waiting(ctx, f, state)
		if err != nil {
			return out, err
		}
		var n int64
		for _, g := range groups {
			n += g.Count
		}
		out.Complete = out.Complete && n < statsWalk
		out.Groups = append(out.Groups, groups...)
	}
	return out, nil
}

// waitingRows are the rows that are looked at for a state, as a subquery.
func (f StatsFilter) waitingRows(columns string, state webhook.DeliveryState) (string, where) {
	if f.client() == "" {
		var w where
		w.add("state = '" + string(state) + "' AND " + open)
		return `(SELECT ` + columns + ` FROM deliveries` + w.sql() + ` ORDER BY id` + w.limit(Page{Limit: statsWalk - 1}) + `) AS few WHERE TRUE`, w
	}
	w := f.newest(time.Time{})
	return `(SELECT ` + columns + `, state FROM deliveries` + w.sql() + ` ORDER BY id DESC` + w.limit(Page{Limit: statsWalk - 1}) +
		`) AS few WHERE state = '` + string(state) + `'`, w
}

func (s *Store) waiting(ctx context.Context, f StatsFilter, state webhook.DeliveryState) ([]Waiting, error) {
	rows, w := f.waitingRows(`run_id, parked, lease_until, next_attempt_at, manual_at`, state)
	w.args = append(w.args, micros(s.stamp()))
	now := "$" + strconv.Itoa(len(w.args))
	return list(ctx, s, `
		SELECT run_id IS NOT NULL, CASE WHEN lease_until > `+now+` THEN 'answer' WHEN parked THEN 'subscriber'
			WHEN next_attempt_at > `+now+` AND manual_at IS NULL THEN 'time' ELSE 'worker' END, count(*), min(next_attempt_at)
		FROM `+rows+` GROUP BY 1, 2 ORDER BY 1, 2`, w.args, func(row interface{ Scan(...any) error }) (Waiting, error) {
		g := Waiting{State: state}
		var oldest sql.NullInt64
		err := row.Scan(&g.Page, &g.What, &g.Count, &oldest)
		g.Oldest = maybeStored(oldest)
		return g, err
	})
}

// Failing is one cause of failures of one subscription.
type Failing struct {
	SubscriptionID webhook.SubscriptionID // "": callbacks of verifications
	ClientID       webhook.ClientID
	Error          webhook.ErrorCode // of the last attempt
	Status         int               // of the last attempt; 0: no status line was read
	Waiting        int64             // deliveries that are tried again
	Failed         int64             // deliveries that were given up, created since the time that was asked for
}

// maxFailing is how many causes are told.
const maxFailing = 50

// Failing tells which subscriptions fail and why: those with the most
// deliveries first.
func (s *Store) Failing(ctx context.Context, f StatsFilter) ([]Failing, error) {
	type cause struct {
		sub    webhook.SubscriptionID
		client webhook.ClientID
		code   webhook.ErrorCode
		status int
	}
	all := map[cause]*Failing{}
	for _, state := range []webhook.DeliveryState{webhook.StateRetrying, webhook.StateFailed} {
		rows, err := s.failing(ctx, f, state)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			key := cause{r.SubscriptionID, r.ClientID, r.Error, r.Status}
			if all[key] == nil {
				all[key] = &r
				continue
			}
			all[key].Waiting += r.Waiting
			all[key].Failed += r.Failed
		}
	}
	out := make([]Failing, 0, len(all))
	for _, r := range all {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Failing) int {
		if more := b.Waiting + b.Failed - a.Waiting - a.Failed; more != 0 {
			return int(more)
		}
		if a.SubscriptionID != b.SubscriptionID {
			return cmp.Compare(a.SubscriptionID, b.SubscriptionID)
		}
		return cmp.Compare(a.Error, b.Error)
	})
	return out[:min(len(out), maxFailing)], nil
}

func (s *Store) failing(ctx context.Context, f StatsFilter, state webhook.DeliveryState) ([]Failing, error) {
	var since time.Time // what waits counts whenever it was created
	if state == webhook.StateFailed {
		since = f.Since
	}
	var w where
	if f.client() != "" {
		w = f.newest(since)
	} else {
		w.add("state = '" + string(state) + "' AND " + open)
		if !since.IsZero() {
			w.add("id >= ?", webhook.FirstIDAt(webhook.PrefixDelivery, since))
		}
	}
	return list(ctx, s, `
		SELECT subscription_id, client_id, last_error, COALESCE(last_status, 0), count(*) FROM (
			SELECT subscription_id, client_id, last_error, last_status, state FROM deliveries`+w.sql()+` ORDER BY id DESC`+
		w.limit(Page{Limit: statsWalk - 1})+`) AS few WHERE state = '`+string(state)+`' AND last_error <> ''
		GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1 LIMIT 100`, w.args, func(row interface{ Scan(...any) error }) (r Failing, err error) {
		var n int64
		err = row.Scan(&r.SubscriptionID, &r.ClientID, &r.Error, &r.Status, &n)
		if state == webhook.StateFailed {
			r.Failed = n
		} else {
			r.Waiting = n
		}
		return r, err
	})
}
