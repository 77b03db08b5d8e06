package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What an operator sees at a glance. Nothing here reads everything: what is not
// succeeded is counted in its partial index, what was created is counted once
// for each span of five minutes and remembered, one client's deliveries are
// walked from the newest one down, and the rest is a sample of the newest.

const (
	// StatsSpan is how far back the counts go at most.
	StatsSpan = 7 * 24 * time.Hour
	// statsOpen is how many deliveries of one state and one hour are counted.
	statsOpen = 100_000
	// statsWalk is how many rows are read, where each must be looked at: one
	// client's newest deliveries, and what waits of all clients.
	statsWalk = 20_000
)

// StatsFilter selects what is counted.
type StatsFilter struct {
	Since    time.Time        // created at or after it; it is taken back to five full minutes
	ClientID webhook.ClientID // "": of all clients
	// VisibleTo is as in DeliveryFilter: a client does not see what went to the
	// platform's own subscriptions.
	VisibleTo webhook.ClientID
}

func (f StatsFilter) client() webhook.ClientID {
	if f.VisibleTo != "" {
		return f.VisibleTo
	}
	return f.ClientID
}

// newest selects the newest deliveries of the filter's client.
func (f StatsFilter) newest(since time.Time) where {
	var w where
	w.add("client_id = ?", string(f.client()))
	if f.VisibleTo != "" {
		w.add(notPlatforms)
	}
	if !since.IsZero() {
		w.add("id >= ?", webhook.FirstIDAt(webhook.PrefixDelivery, since))
	}
	return w
}

// StateCounts is how many deliveries are in each state.
type StateCounts map[webhook.DeliveryState]int64

// HourCounts are the deliveries that were created in one hour, by the state
// that they are in now.
type HourCounts struct {
	At     time.Time // the hour's begin; the first and the last hour are parts
	States StateCounts
}

// DeliveryCounts are deliveries by state.
type DeliveryCounts struct {
	From  time.Time // created at or after it
	Hours []HourCounts
	// Complete is false when there are too many to be counted. Of all clients:
	// an hour has more than 100,000 in one state that is not "succeeded"; the
	// rest of them is among the succeeded ones. Of one client: it has more than
	// 20,000, and From says since when these were created.
	Complete bool
}

// Sum adds the hours up.
func (c *DeliveryCounts) Sum() StateCounts {
	sum := StateCounts{}
	for _, h := range c.Hours {
		for state, n := range h.States {
			sum[state] += n
		}
	}
	return sum
}

// DeliveryCounts counts deliveries by the hour in which they were created and
// by the state in which they are now.
func (s *Store) DeliveryCounts(ctx context.Context, f StatsFilter) (DeliveryCounts, error) {
	now := s.stamp()
	from := f.Since.Truncate(statsSlot)
	if earliest := now.Add(-StatsSpan).Truncate(statsSlot).Add(statsSlot); from.Before(earliest) {
		from = earliest
	}
	if f.client() != "" {
		return s.countClient(ctx, f, from)
	}
	created, err := s.created.count(ctx, s, from, now)
	if err != nil {
		return DeliveryCounts{}, err
	}
	out := DeliveryCounts{From: from, Complete: true, Hours: hoursOf(from, now)}
	for i := range out.Hours {
		h := &out.Hours[i]
		h.States[webhook.StateSucceeded] = created[h.At.Unix()]
	}
	for _, state := range webhook.States {
		if state == webhook.StateSucceeded {
			continue
		}
		counts, err := s.countOpen(ctx, state, from, out.Hours)
		if err != nil {
			return DeliveryCounts{}, err
		}
		for i, n := range counts {
			out.Complete = out.Complete && n < statsOpen
			states := out.Hours[i].States
			states[state] = n
			states[webhook.StateSucceeded] = max(0, states[webhook.StateSucceeded]-n)
		}
	}
	return out, nil
}

// hoursOf are the hours that a span touches, without counts.
func hoursOf(from, to time.Time) []HourCounts {
	var out []HourCounts
	for at := from.Truncate(time.Hour); !at.After(to); at = at.Add(time.Hour) {
		out = append(out, HourCounts{At: at, States: StateCounts{}})
	}
	return out
}

// countOpen counts the deliveries of a state, each hour by itself. Only the
// partial index is read.
func (s *Store) countOpen(ctx context.Context, state webhook.DeliveryState, from time.Time, hours []HourCounts) ([]int64, error) {
	out := make([]int64, len(hours))
	spans := make([]idSpan, len(hours))
	for i, h := range hours {
		spans[i] = idSpan{maxTime(h.At, from), h.At.Add(time.Hour)}
	}
	// The state is written out, or SQLite could not use the partial index.
	return out, s.countSpans(ctx, `SELECT v_n, (SELECT count(*) FROM (
		SELECT 1 FROM deliveries WHERE state = '`+string(state)+`' AND `+open+` AND id >= v_from AND id < v_to LIMIT `+strconv.Itoa(statsOpen)+`) AS few) FROM v`, spans, out)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// idSpan is a span of time in which ids were made.
type idSpan struct{ from, to time.Time }

var spanColumns = []column{{"v_n", number}, {"v_from", text}, {"v_to", text}}

// countSpans runs a query that has a number for each row of v, which are the
// spans.
func (s *Store) countSpans(ctx context.Context, query string, spans []idSpan, out []int64) error {
	rows := make([][]any, len(spans))
	for i, span := range spans {
		rows[i] = []any{int64(i), webhook.FirstIDAt(webhook.PrefixDelivery, span.from), webhook.FirstIDAt(webhook.PrefixDelivery, span.to)}
	}
	for part := range s.d.chunks(rows) {
		cte, args := s.d.values("v", spanColumns, part)
		_, err := list(ctx, s, `WITH `+cte+` `+query, args, func(row interface{ Scan(...any) error }) (struct{}, error) {
			var i, n int64
			err := row.Scan(&i, &n)
			if err == nil {
				out[i] = n
			}
			return struct{}{}, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countClient counts one client's newest deliveries.
func (s *Store) countClient(ctx context.Context, f StatsFilter, from time.Time) (DeliveryCounts, error) {
	type group struct {
		state webhook.DeliveryState
		hour  int64
		n     int64
		first sql.NullInt64
	}
	w := f.newest(from)
	groups, err := list(ctx, s, `
		SELECT state, created_at / 3600000000, count(*), min(created_at) FROM (
			SELECT state, created_at FROM deliveries`+w.sql()+` ORDER BY id DESC`+w.limit(Page{Limit: statsWalk - 1})+`) AS few
		GROUP BY 1, 2`, w.args, func(row interface{ Scan(...any) error }) (g group, err error) {
		err = row.Scan(&g.state, &g.hour, &g.n, &g.first)
		return g, err
	})
	if err != nil {
		return DeliveryCounts{}, err
	}
	out := DeliveryCounts{From: from, Complete: true}
	var walked int64
	first := s.stamp()
	for _, g := range groups {
		walked += g.n
		if at := maybeStored(g.first); at.Before(first) {
			first = at
		}
	}
	if walked >= statsWalk {
		out.From, out.Complete = first, false
	}
	out.Hours = hoursOf(out.From, s.stamp())
	for _, g := range groups {
		for i := range out.Hours {
			if out.Hours[i].At.Unix() == g.hour*3600 {
				out.Hours[i].States[g.state] = g.n
			}
		}
	}
	return out, nil
}
