package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The life of a due delivery in four columns:
//
//	generation   grows with each claim and each result. A hint names the
//	             generation it was made for, and a result the one it was
//	             claimed with: whoever comes late changes nothing.
//	lease_until  set while a worker has the delivery. After it, the worker is
//	             taken for dead and the delivery may be claimed again.
//	check_at     when the reconciler looks after it if nothing happened;
//	             NULL when there is nothing to do.
//	parked       it is due, but its subscription has all the attempts in
//	             flight that it may; it is fed when one of them ends.

// Ref names a delivery at a generation: what a hint carries.
type Ref struct {
	ID         webhook.DeliveryID
	Generation int64
}

// ClaimTerms are the times of a claim.
type ClaimTerms struct {
	Now     time.Time
	Horizon time.Time // deliveries due until then may be claimed
	Lease   time.Time // the claim ends then
}

// Claimed is a delivery that this process may send, with all that the sender
// needs but the subscription.
type Claimed struct {
	Ref            // Generation is the claim's own: results must name it
	MessageID      webhook.MessageID
	Kind           webhook.MessageKind
	ClientID       webhook.ClientID
	EventType      webhook.Slug
	SubscriptionID webhook.SubscriptionID
	URL, Method    string
	AttemptCount   int
	CrashCount     int // claims that ended without any result, this one included
	Standing       webhook.Standing
	ManualAt       time.Time // when an operator asked for this attempt; zero: the schedule's own
	RunID          webhook.RunID
	Page, Pages    int
	Body           []byte // nil when retention has removed it
	LeaseUntil     time.Time
	Catalogue      int64 // version of the catalogue at the claim
}

// Manual tells whether an operator asked for the attempt.
func (c *Claimed) Manual() bool { return !c.ManualAt.IsZero() }

// Due is when the attempt is to start.
func (c *Claimed) Due() time.Time {
	if c.Manual() {
		return c.ManualAt
	}
	return c.Standing.NextAttemptAt
}

type claimCall struct {
	refs  []Ref
	terms ClaimTerms
}

// Claim takes those of the given deliveries that are due, at the given
// generation and in nobody's hands. Claims that wait at the same time share a
// transaction.
func (s *Store) Claim(ctx context.Context, refs []Ref, t ClaimTerms) ([]Claimed, error) {
	return join(ctx, s, s.claims, claimCall{refs, t})
}

// queueTimeout bounds one statement batch of the queue.
const queueTimeout = 10 * time.Second

func (s *Store) runClaims(calls []claimCall) []batch.Result[[]Claimed] {
	out := make([]batch.Result[[]Claimed], len(calls))
	owner := map[Ref]int{}
	var rows [][]any
	for i, c := range calls {
		for _, r := range c.refs {
			if _, twice := owner[r]; twice {
				continue // two hints for one delivery: the first has it
			}
			owner[r] = i
			rows = append(rows, []any{string(r.ID), r.Generation, micros(c.terms.Now), micros(c.terms.Horizon), micros(c.terms.Lease)})
		}
	}
	inLockOrder(rows)
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout)
	defer cancel()
	claimed, err := s.claimRows(ctx, rows)
	for i := range out {
		out[i].Err = err
	}
	if err != nil {
		return out
	}
	for _, c := range claimed {
		i := owner[Ref{c.ID, c.Generation - 1}]
		out[i].Value = append(out[i].Value, c)
	}
	return out
}

func (s *Store) claimRows(ctx context.Context, rows [][]any) (claimed []Claimed, err error) {
	if s.hot != nil {
		return s.claimAtOnce(ctx, rows)
	}
	err = s.tx(ctx, func(tx txn) error {
		claimed, err = s.claim(ctx, tx, rows)
		return err
	})
	return claimed, err
}

const claimedColumns = `id, generation, message_id, kind, client_id, event_type, subscription_id, url, method,
	attempt_count, crash_count, state, next_attempt_at, automatic_count, manual_at, run_id, page, pages, lease_until`

func scanClaimed(row interface{ Scan(...any) error }) (Claimed, error) {
	var c Claimed
	var next, manual, page, pages sql.NullInt64
	var lease int64
	var run sql.NullString
	err := row.Scan(&c.ID, &c.Generation, &c.MessageID, &c.Kind, &c.ClientID, &c.EventType, &c.SubscriptionID, &c.URL, &c.Method,
		&c.AttemptCount, &c.CrashCount, &c.Standing.State, &next, &c.Standing.Spent, &manual, &run, &page, &pages, &lease)
	c.Standing.NextAttemptAt = maybeStored(next)
	c.ManualAt = maybeStored(manual)
	c.RunID, c.Page, c.Pages = webhook.RunID(run.String), int(page.Int64), int(pages.Int64)
	c.LeaseUntil = stored(lease)
	return c, err
}

var claimColumns = []column{{"v_id", text}, {"v_generation", number}, {"v_now", number}, {"v_horizon", number}, {"v_lease", number}}

// claimUpdate changes no indexed column, so that PostgreSQL can update in place.
//
//	in:  a delivery at a generation; out: the rows taken
//	taken when: the generation is still that one, no lease runs, it is not
//	parked, and either an operator asked for an attempt or the schedule's next
//	one is due by the horizon
const claimUpdate = `
	UPDATE deliveries AS d SET generation = generation + 1, crash_count = crash_count + 1, lease_until = v_lease
	FROM v
	WHERE d.id = v_id AND d.generation = v_generation
		AND (d.lease_until IS NULL OR d.lease_until <= v_now) AND NOT d.parked
		AND (d.manual_at IS NOT NULL OR (d.state IN ('pending', 'retrying') AND d.next_attempt_at <= v_horizon))
	RETURNING ` + claimedColumns

func (s *Store) claim(ctx context.Context, tx txn, rows [][]any) ([]Claimed, error) {
	var out []Claimed
	for part := range s.d.chunks(rows) {
		cte, args := s.d.values("v", claimColumns, part)
		taken, err := tx.QueryContext(ctx, `WITH `+cte+claimUpdate, args...)
		if err != nil {
			return nil, err
		}
		some, err := collect(taken, scanClaimed)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, s.complete(ctx, tx, out)
}

// complete adds the bodies and the catalogue's version to claimed deliveries.
func (s *Store) complete(ctx context.Context, tx txn, claimed []Claimed) error {
	if len(claimed) == 0 {
		return nil
	}
	version, err := catalogueVersion(ctx, tx)
	if err != nil {
		return err
	}
	bodies := map[webhook.MessageID][]byte{}
	var ids [][]any
	for _, c := range claimed {
		if _, known := bodies[c.MessageID]; !known {
			bodies[c.MessageID] = nil
			ids = append(ids, []any{string(c.MessageID)})
		}
	}
	for part := range s.d.chunks(ids) {
		cte, args := s.d.values("v", []column{{"v_id", text}}, part)
		rows, err := tx.QueryContext(ctx, `WITH `+cte+` SELECT id, body FROM v JOIN messages ON id = v_id`, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id webhook.MessageID
			var body []byte
			if err := rows.Scan(&id, &body); err != nil {
				return errors.Join(err, rows.Close())
			}
			bodies[id] = body
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	for i := range claimed {
		claimed[i].Body, claimed[i].Catalogue = bodies[claimed[i].MessageID], version
	}
	return nil
}

// FeedLimits is how many parked deliveries one feed may claim.
type FeedLimits struct {
	Most  int // in all
	Pages int // pages of exports among them
	More  int // events beyond Most
}

// Feed claims parked deliveries of a subscription, the longest due first, and
// pages of exports only when there are no events.
func (s *Store) Feed(ctx context.Context, sub webhook.SubscriptionID, n FeedLimits, t ClaimTerms) (claimed []Claimed, err error) {
	err = s.tx(ctx, func(tx txn) error {
		if claimed, err = s.feed(ctx, tx, parkedRows{`subscription_id = $1 AND run_id IS NULL`, string(sub), n.Most + n.More}, t); err != nil {
			return err
		}
		if left := min(n.Pages, n.Most-len(claimed)); left > 0 {
			pages, err := s.feed(ctx, tx, parkedRows{`subscription_id = $1 AND run_id IS NOT NULL`, string(sub), left}, t)
			if err != nil {
				return err
			}
			claimed = append(claimed, pages...)
		}
		return s.complete(ctx, tx, claimed)
	})
	if err != nil { // nothing of it was committed
		return nil, err
	}
	return claimed, nil
}

// FeedHost is Feed for deliveries without a subscription: a verification's
// callbacks are parked by their host.
func (s *Store) FeedHost(ctx context.Context, host string, n int, t ClaimTerms) (claimed []Claimed, err error) {
	err = s.tx(ctx, func(tx txn) error {
		if claimed, err = s.feed(ctx, tx, parkedRows{`host = $1 AND host > ''`, host, n}, t); err != nil {
			return err
		}
		return s.complete(ctx, tx, claimed)
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// parkedRows are rows that one statement claims.
type parkedRows struct {
	whose string // a condition on $1
	key   string // $1
	limit int
}

func (s *Store) feed(ctx context.Context, tx txn, which parkedRows, t ClaimTerms) ([]Claimed, error) {
	rows, err := tx.QueryContext(ctx, `
		WITH c AS MATERIALIZED (
			SELECT id AS c_id FROM deliveries
			WHERE parked AND `+which.whose+` AND state IN ('pending', 'retrying')
			ORDER BY next_attempt_at LIMIT $2`+s.d.skipLocked+`)
		UPDATE deliveries AS d SET generation = generation + 1, crash_count = crash_count + 1, parked = FALSE,
			lease_until = $3, check_at = $3
		FROM c WHERE d.id = c_id RETURNING `+claimedColumns, which.key, which.limit, micros(t.Lease))
	if err != nil {
		return nil, err
	}
	claimed, err := collect(rows, scanClaimed)
	// RETURNING promises no order.
	slices.SortFunc(claimed, func(a, b Claimed) int { return a.Standing.NextAttemptAt.Compare(b.Standing.NextAttemptAt) })
	return claimed, err
}

// ParkedSubscriptions returns the subscriptions that have parked deliveries.
func (s *Store) ParkedSubscriptions(ctx context.Context) ([]webhook.SubscriptionID, error) {
	return hop[webhook.SubscriptionID](ctx, s, "subscription_id", `parked AND subscription_id > ''`)
}

// ParkedHosts returns the hosts that have parked deliveries without a subscription.
func (s *Store) ParkedHosts(ctx context.Context) ([]string, error) {
	return hop[string](ctx, s, "host", `parked AND host > ''`)
}

// hop returns the different values of an indexed column. It goes from one to
// the next in the index instead of reading every row.
func hop[T ~string](ctx context.Context, s *Store, column, cond string) ([]T, error) {
	return list(ctx, s, `
		WITH RECURSIVE hop(v) AS (
			SELECT min(`+column+`) FROM deliveries WHERE `+cond+`
			UNION ALL
			SELECT (SELECT min(`+column+`) FROM deliveries WHERE `+cond+` AND `+column+` > hop.v)
			FROM hop WHERE hop.v IS NOT NULL)
		SELECT v FROM hop WHERE v IS NOT NULL`, nil,
		func(row interface{ Scan(...any) error }) (v T, err error) {
			err = row.Scan(&v)
			return v, err
		})
}

// DueRef is a delivery that the reconciler turns into a hint.
type DueRef struct {
	Ref
	At    time.Time // when the attempt is to start; zero: at once
	First bool      // nothing has been sent for it yet
	RunID webhook.RunID
}

// DueTerms are the times of a look for due deliveries.
type DueTerms struct {
	Now   time.Time
	Ahead time.Duration // what is due until Now+Ahead is taken
	Again time.Duration // when to look again at what was taken, if nothing happens
	Limit int
}

// Due takes deliveries whose check_at has come. One that is due later than
// Ahead, or that a live worker has, is only put off. more tells whether the
// limit was reached.
//
//	a lease runs          → check_at = its end
//	due after Now+Ahead   → check_at = due - Ahead
//	otherwise             → check_at = max(due, Now) + Again, and returned
func (s *Store) Due(ctx context.Context, t DueTerms) (due []DueRef, more bool, err error) {
	taken := 0
	err = s.tx(ctx, func(tx txn) error {
		due, taken = nil, 0 // it may be the second try
		rows, err := tx.QueryContext(ctx, `
			WITH c AS MATERIALIZED (
				SELECT id AS c_id FROM deliveries WHERE check_at <= $1 ORDER BY check_at LIMIT $2`+s.d.skipLocked+`)
			UPDATE deliveries AS d SET check_at = CASE
				WHEN lease_until > $1 THEN lease_until
				WHEN manual_at IS NULL AND state NOT IN ('pending', 'retrying') THEN NULL
				WHEN manual_at IS NULL AND next_attempt_at > $3 THEN next_attempt_at - $4
				WHEN manual_at IS NULL AND next_attempt_at > $1 THEN next_attempt_at + $5
				ELSE $6 END
			FROM c WHERE d.id = c_id
			RETURNING id, generation, CASE WHEN manual_at IS NULL THEN next_attempt_at END, attempt_count = 0, run_id,
				(lease_until IS NULL OR lease_until <= $1) AND (manual_at IS NOT NULL
					OR (state IN ('pending', 'retrying') AND next_attempt_at <= $3))`,
			micros(t.Now), t.Limit, micros(t.Now.Add(t.Ahead)), t.Ahead.Microseconds(), t.Again.Microseconds(), micros(t.Now.Add(t.Again)))
		if err != nil {
			return err
		}
		for rows.Next() {
			taken++
			var d DueRef
			var at sql.NullInt64
			var run sql.NullString
			var ready bool
			if err := rows.Scan(&d.ID, &d.Generation, &at, &d.First, &run, &ready); err != nil {
				return errors.Join(err, rows.Close())
			}
			if ready {
				d.At, d.RunID = maybeStored(at), webhook.RunID(run.String)
				due = append(due, d)
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	return due, taken == t.Limit, err
}

// CheckAllNow ends all leases and makes the reconciler look at everything
// that is due before soon: for the start of a process that knows itself to be
// the only one and its queue to be empty.
func (s *Store) CheckAllNow(ctx context.Context, soon time.Time) error {
	now := micros(s.stamp())
	return s.tx(ctx, func(tx txn) error {
		if _, err := tx.ExecContext(ctx, `
			UPDATE deliveries SET check_at = $1, lease_until = NULL
			WHERE check_at IS NOT NULL AND (manual_at IS NOT NULL OR next_attempt_at <= $2 OR lease_until IS NOT NULL)`,
			now, micros(soon)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET check_at = $1, parked = FALSE WHERE parked`, now)
		return err
	})
}
