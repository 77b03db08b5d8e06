package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Result is an attempt that ended and what it means for its delivery.
type Result struct {
	Ref     // as claimed
	Attempt *webhook.Attempt
	Outcome webhook.Outcome
	// ManualAt is Claimed.ManualAt: the request of an operator that this
	// attempt answers. Zero: the schedule's own attempt.
	ManualAt time.Time
	Method   string
	CheckAt  time.Time // when the reconciler looks after it next; zero: never
}

// Recorded is what the database says after a result.
type Recorded struct {
	Fenced        bool // the claim had ended: nothing was changed
	Generation    int64
	State         webhook.DeliveryState
	NextAttemptAt time.Time // zero: the schedule sends nothing more
	Manual        bool      // an operator asked for another attempt meanwhile
}

// Record commits the result of an attempt. Results that come at the same time
// share a transaction.
func (s *Store) Record(ctx context.Context, r Result) (Recorded, error) {
	return join(ctx, s, s.results, r)
}

func (s *Store) runResults(rs []Result) []batch.Result[Recorded] {
	out := make([]batch.Result[Recorded], len(rs))
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout)
	defer cancel()
	err := s.recordAll(ctx, rs, out)
	s.ready.results.note(err)
	if err == nil {
		return out
	}
	if len(rs) > 1 && !webhook.IsKind(err, webhook.KindUnavailable) {
		for i := range rs { // one bad row must not take the others with it
			out[i] = s.runResults(rs[i : i+1])[0]
		}
		return out
	}
	for i := range out {
		out[i].Err = err
	}
	return out
}

func (s *Store) recordAll(ctx context.Context, rs []Result, out []batch.Result[Recorded]) error {
	if s.hot != nil {
		return s.recordAtOnce(ctx, rs, out)
	}
	return s.tx(ctx, func(tx txn) error { return s.record(ctx, tx, rs, out) })
}

var resultColumns = []column{
	{"v_id", text},
	{"v_generation", number},
	{"v_state", text},
	{"v_next", number},
	{"v_spent", number},
	{"v_keep", boolean},
	{"v_manual_at", number},
	{"v_ended", number},
	{"v_url", text},
	{"v_method", text},
	{"v_status", number},
	{"v_error", text},
	{"v_check", number},
}

// record applies results to their deliveries.
//
//	claimed with this generation    → the new state, one attempt more
//	a manual attempt that failed    → state and schedule stay as they are now
//	canceled meanwhile              → stays canceled, unless it was acknowledged; the attempt is logged
//	held meanwhile, result no end   → stays held, with its next time kept
//	another manual retry asked      → looked after at once
//	claimed by somebody else        → nothing
func (s *Store) record(ctx context.Context, tx txn, rs []Result, out []batch.Result[Recorded]) error {
	rows, index := resultRows(rs)
	for i := range out {
		out[i] = batch.Result[Recorded]{Value: Recorded{Fenced: true}}
	}
	for part := range s.d.chunks(rows) {
		if err := s.recordPart(ctx, tx, part, index, out); err != nil {
			return err
		}
	}
	attempts := make([][]any, 0, len(rs))
	for i, r := range rs {
		if out[i].Value.Fenced {
			continue
		}
		attempts = append(attempts, attemptRow(r.ID, r.Attempt))
	}
	failpoint.Hit(failpoint.ResultWritten)
	return s.insert(ctx, tx, "attempts", attemptColumns, attempts)
}

func (s *Store) recordPart(ctx context.Context, tx txn, part [][]any, index map[Ref]int, out []batch.Result[Recorded]) error {
	cte, args := s.d.values("v", resultColumns, part)
	changed, err := tx.QueryContext(ctx, `WITH `+cte+recordUpdate, args...)
	if err != nil {
		return err
	}
	return scanRecorded(changed, index, out)
}

const recordUpdate = `
	UPDATE deliveries AS d SET
		generation = generation + 1, crash_count = 0, lease_until = NULL, attempt_count = attempt_count + 1,
		url = v_url, method = v_method, last_status = v_status, last_error = v_error,
		automatic_count = CASE WHEN v_keep THEN automatic_count ELSE v_spent END,
		state = CASE WHEN v_keep OR (state = 'canceled' AND v_state <> 'succeeded') THEN state
			WHEN state = 'held' AND v_state NOT IN ('succeeded', 'failed') THEN state ELSE v_state END,
		hold_reason = CASE WHEN NOT v_keep AND v_state IN ('succeeded', 'failed') THEN '' ELSE hold_reason END,
		cancel_reason = CASE WHEN NOT v_keep AND v_state = 'succeeded' THEN '' ELSE cancel_reason END,
		next_attempt_at = CASE WHEN v_keep OR state = 'canceled' THEN next_attempt_at ELSE v_next END,
		manual_at = CASE WHEN manual_at = v_manual_at THEN NULL ELSE manual_at END,
		check_at = CASE WHEN manual_at IS NOT NULL AND manual_at <> COALESCE(v_manual_at, 0) THEN v_ended
			WHEN v_keep AND state IN ('pending', 'retrying') THEN v_ended
			WHEN v_keep OR state = 'canceled' OR state = 'held' THEN NULL
			ELSE v_check END,
		finished_at = CASE WHEN NOT v_keep AND v_state IN ('succeeded', 'failed') AND state <> v_state
			AND (state <> 'canceled' OR v_state = 'succeeded') THEN v_ended ELSE finished_at END
	FROM v WHERE d.id = v_id AND d.generation = v_generation
	RETURNING id, generation, state, next_attempt_at, manual_at IS NOT NULL AS manual`

// scanRecorded reads what recordUpdate returns.
func scanRecorded(changed *sql.Rows, index map[Ref]int, out []batch.Result[Recorded]) error {
	_, err := collect(changed, func(row interface{ Scan(...any) error }) (struct{}, error) {
		var id webhook.DeliveryID
		var rec Recorded
		var next sql.NullInt64
		err := row.Scan(&id, &rec.Generation, &rec.State, &next, &rec.Manual)
		rec.NextAttemptAt = maybeStored(next)
		out[index[Ref{id, rec.Generation - 1}]].Value = rec
		return struct{}{}, err
	})
	return err
}

// resultRows also tells which result a claim belongs to. A second result for
// one claim is left out, and so fenced: which of two rows for one delivery
// wins an UPDATE is not defined.
func resultRows(rs []Result) ([][]any, map[Ref]int) {
	rows := make([][]any, 0, len(rs))
	index := make(map[Ref]int, len(rs))
	for i, r := range rs {
		if _, twice := index[r.Ref]; twice {
			continue
		}
		index[r.Ref] = i
		a := r.Attempt
		var status any
		if a.Status != 0 {
			status = int64(a.Status)
		}
		rows = append(rows, []any{
			string(r.ID), r.Generation, string(r.Outcome.State), maybeMicros(r.Outcome.NextAttemptAt), int64(r.Outcome.Spent),
			!r.ManualAt.IsZero() && !a.Acknowledged(), maybeMicros(r.ManualAt), micros(a.EndedAt()), a.URL, r.Method,
			status, string(a.ErrorCode()), maybeMicros(r.CheckAt),
		})
	}
	return inLockOrder(rows), index
}

// ReleaseWhy tells why a claimed delivery is given back without an attempt.
type ReleaseWhy string

// The reasons to give a delivery back.
const (
	// ReleaseUnsent: it was not sent; somebody else should, as soon as Check.
	ReleaseUnsent ReleaseWhy = ""
	// ReleaseParked: its subscription is at its limit. It waits to be fed,
	// unless an operator asked for it.
	ReleaseParked ReleaseWhy = "parked"
	// ReleasePaused: its subscription was found paused. It is held, if that is
	// still so.
	ReleasePaused ReleaseWhy = "paused"
	// ReleaseGone: its subscription was deleted. It is canceled, if that is so.
	ReleaseGone ReleaseWhy = "gone"
	// ReleaseQuarantine: sending it crashes us. It is held, and what an
	// operator asked is dropped, or it would crash us again.
	ReleaseQuarantine ReleaseWhy = "quarantine"
	// ReleaseBodyGone: its payload was removed. It has failed; where its
	// client's personal data were erased, it is canceled.
	ReleaseBodyGone ReleaseWhy = "body_gone"
)

// Release gives a claimed delivery back without an attempt.
type Release struct {
	Ref   // as claimed
	Why   ReleaseWhy
	Check time.Time // when the reconciler looks after it, if it still waits; zero: at once
}

// GiveBack commits a release. Releases that come at the same time share a
// transaction.
func (s *Store) GiveBack(ctx context.Context, r Release) error {
	_, err := join(ctx, s, s.releases, r)
	return err
}

var releaseColumns = []column{{"v_id", text}, {"v_generation", number}, {"v_why", text}, {"v_check", number}, {"v_now", number}}

func (s *Store) runReleases(rs []Release) []batch.Result[struct{}] {
	out := make([]batch.Result[struct{}], len(rs))
	now := s.stamp()
	rows := make([][]any, len(rs))
	for i, r := range rs {
		if r.Check.IsZero() {
			r.Check = now
		}
		rows[i] = []any{string(r.ID), r.Generation, string(r.Why), micros(r.Check), micros(now)}
	}
	inLockOrder(rows)
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout)
	defer cancel()
	err := s.tx(ctx, func(tx txn) error {
		for part := range s.d.chunks(rows) {
			if err := s.release(ctx, tx, part); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range out {
		out[i].Err = err
	}
	return out
}

// release ends claims without a result. A pause or a deletion is looked at
// again under a lock of the subscription's row, so that it cannot be taken
// back between the look and the commit.
func (s *Store) release(ctx context.Context, tx txn, rows [][]any) error {
	cte, args := s.d.values("v", releaseColumns, rows)
	locked, err := tx.QueryContext(ctx, `WITH `+cte+`
		SELECT s.id FROM subscriptions AS s WHERE s.id IN (
			SELECT subscription_id FROM deliveries JOIN v ON id = v_id WHERE v_why IN ('paused', 'gone'))
		ORDER BY s.id`+s.d.forShare, args...)
	if err != nil {
		return err
	}
	for locked.Next() { // the lock is all that is wanted
	}
	if err := errors.Join(locked.Err(), locked.Close()); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `WITH `+cte+`,
		r AS MATERIALIZED (
			SELECT v_id AS r_id, v_generation AS r_generation, v_check AS r_check, v_now AS r_now, v_why AS r_why, CASE
				WHEN v_why = 'quarantine' THEN 'held'
				WHEN v_why = 'body_gone' AND EXISTS (
					SELECT 1 FROM messages AS m WHERE m.id = x.message_id AND m.body_gone_why = 'erasure') THEN 'canceled'
				WHEN v_why = 'body_gone' THEN 'failed'
				WHEN v_why = 'paused' AND s.state = 'paused' AND s.deleted_at IS NULL THEN 'held'
				WHEN v_why = 'gone' AND s.deleted_at IS NOT NULL THEN 'canceled'
				ELSE '' END AS r_state
			FROM v JOIN deliveries AS x ON x.id = v_id LEFT JOIN subscriptions AS s ON s.id = x.subscription_id)
		UPDATE deliveries AS d SET
			generation = generation + 1, lease_until = NULL, crash_count = 0,
			parked = (r_why = 'parked' AND manual_at IS NULL AND state IN ('pending', 'retrying')),
			state = CASE WHEN r_state <> '' AND state IN ('pending', 'retrying') THEN r_state ELSE state END,
			hold_reason = CASE WHEN r_state = 'held' AND state IN ('pending', 'retrying') THEN r_why ELSE hold_reason END,
			cancel_reason = CASE WHEN r_state = 'canceled' AND r_why = 'body_gone' AND state IN ('pending', 'retrying') THEN 'erased' ELSE cancel_reason END,
			finished_at = CASE WHEN r_state IN ('canceled', 'failed') AND state IN ('pending', 'retrying') THEN r_now ELSE finished_at END,
			next_attempt_at = CASE WHEN r_state IN ('canceled', 'failed') AND state IN ('pending', 'retrying') THEN NULL ELSE next_attempt_at END,
			manual_at = CASE WHEN r_why IN ('quarantine', 'body_gone') OR r_state = 'canceled' THEN NULL ELSE manual_at END,
			check_at = CASE
				WHEN r_why IN ('quarantine', 'body_gone') OR r_state = 'canceled' THEN NULL
				WHEN manual_at IS NOT NULL THEN r_check
				WHEN r_state <> '' OR r_why = 'parked' OR state NOT IN ('pending', 'retrying') THEN NULL
				ELSE r_check END
		FROM r WHERE d.id = r_id AND d.generation = r_generation`, args...)
	return err
}
