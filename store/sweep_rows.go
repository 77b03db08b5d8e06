package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What each sweep removes. The rows to look at are a table v (v_id, v_now,
// v_before, v_again).

// unreleased is a condition on a message m: it is a page of a run under way
// that is no delivery yet.
const unreleased = `m.kind = 'export_page' AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.message_id = m.id)
	AND EXISTS (SELECT 1 FROM runs AS r WHERE r.finished_at IS NULL AND r.created_at <= m.created_at)`

// clearBodies removes payloads that nobody sends any more.
func (s *Store) clearBodies(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	return removed(tx.ExecContext(ctx, `WITH `+cte+`
		UPDATE messages AS m SET body = NULL, body_gone_at = v_now, body_gone_why = 'retention'
		FROM v WHERE m.id = v_id AND m.body IS NOT NULL AND NOT (`+unreleased+`)
			AND NOT EXISTS (SELECT 1 FROM deliveries AS o WHERE o.message_id = m.id AND NOT (`+deliveryOver("o")+`))`, args...))
}

// removed is the answer of a statement that has no limit of its own.
func removed(res sql.Result, err error) (int64, bool, error) {
	n, err := affected(res, err)
	return n, false, err
}

// limited is the answer of a statement that removes sweepRows at most.
func limited(res sql.Result, err error) (int64, bool, error) {
	n, err := affected(res, err)
	return n, n == sweepRows, err
}

func (s *Store) removeAttempts(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	return limited(tx.ExecContext(ctx, fmt.Sprintf(`WITH %s
		DELETE FROM attempts WHERE (delivery_id, number) IN (
			SELECT a.delivery_id, a.number FROM v JOIN deliveries AS d ON d.id = v_id JOIN attempts AS a ON a.delivery_id = d.id
			WHERE %s LIMIT %d)`, cte, deliveryOver("d"), sweepRows), args...))
}

// removeDeliveries removes deliveries from the log, with what is left of their
// attempts. The pages of a run go after the run: its receipt counts them.
func (s *Store) removeDeliveries(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	attempts, full, err := s.removeAttempts(ctx, tx, cte, args)
	if err != nil || full {
		return attempts, full, err
	}
	n, err := affected(tx.ExecContext(ctx, `WITH `+cte+`
		DELETE FROM deliveries WHERE id IN (
			SELECT d.id FROM v JOIN deliveries AS d ON d.id = v_id
			WHERE `+deliveryOver("d")+` AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.id = d.run_id))`, args...))
	return attempts + n, false, err
}

// removeMessages removes messages from the log that have no delivery any more.
func (s *Store) removeMessages(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	return removed(tx.ExecContext(ctx, `WITH `+cte+`
		DELETE FROM messages WHERE id IN (
			SELECT m.id FROM v JOIN messages AS m ON m.id = v_id
			WHERE NOT EXISTS (SELECT 1 FROM deliveries AS o WHERE o.message_id = m.id) AND NOT (`+unreleased+`))`, args...))
}

// clearVerifications removes what tells of a person; the line stays.
func (s *Store) clearVerifications(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	return removed(tx.ExecContext(ctx, `WITH `+cte+`
		UPDATE verifications SET metadata = NULL, national_id_masked = '', wiped_at = v_now,
			callback_url = `+fmt.Sprintf(s.d.beforeQuery, "callback_url")+`
		FROM v WHERE id = v_id AND status <> 'PENDING' AND updated_at <= v_before AND wiped_at IS NULL`, args...))
}

func (s *Store) removeVerifications(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	return removed(tx.ExecContext(ctx, `WITH `+cte+`
		DELETE FROM verifications WHERE id IN (
			SELECT w.id FROM v JOIN verifications AS w ON w.id = v_id WHERE w.status <> 'PENDING' AND w.updated_at <= v_before)`, args...))
}

// removeRun removes a run that is over, its receipt first.
func (s *Store) removeRun(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	over := `SELECT r.id FROM v JOIN runs AS r ON r.id = v_id WHERE r.finished_at <= v_before`
	var all int64
	for _, part := range []struct{ table, key, keyOf string }{
		{"pages", "run_id, client_id, number", "p.run_id, p.client_id, p.number"},
		{"run_refusals", "run_id, client_id, key", "p.run_id, p.client_id, p.key"},
		{"run_clients", "run_id, client_id", "p.run_id, p.client_id"},
	} {
		n, full, err := limited(tx.ExecContext(ctx, fmt.Sprintf(`WITH %[1]s
			DELETE FROM %[2]s WHERE (%[3]s) IN (SELECT %[4]s FROM %[2]s AS p WHERE p.run_id IN (%[5]s) LIMIT %[6]d)`,
			cte, part.table, part.key, part.keyOf, over, sweepRows), args...))
		if all += n; err != nil || full || n > 0 { // at most one part in a transaction
			return all, true, err
		}
	}
	return removed(tx.ExecContext(ctx, `WITH `+cte+` DELETE FROM runs WHERE id IN (`+over+`)`, args...))
}

// removeJob removes a bulk job that is over, its parts first.
func (s *Store) removeJob(ctx context.Context, tx txn, cte string, args []any) (int64, bool, error) {
	over := `SELECT j.id FROM v JOIN jobs AS j ON j.id = v_id WHERE j.finished_at <= v_before`
	n, full, err := limited(tx.ExecContext(ctx, fmt.Sprintf(`WITH %s
		DELETE FROM job_parts WHERE (job_id, subscription_id) IN (
			SELECT p.job_id, p.subscription_id FROM job_parts AS p WHERE p.job_id IN (%s) LIMIT %d)`, cte, over, sweepRows), args...))
	if err != nil || full {
		return n, full, err
	}
	jobs, err := affected(tx.ExecContext(ctx, `WITH `+cte+` DELETE FROM jobs WHERE id IN (`+over+`)`, args...))
	return n + jobs, false, err
}

// removeRecords removes records that are over: none of their times is still to
// come, and a scheduled run has had them if one was to. Its position is the
// arrival of the last one that it removed.
func (s *Store) removeRecords(ctx context.Context, tx txn, t SweepTerms) (Swept, error) {
	var position string
	err := tx.QueryRowContext(ctx, `SELECT position FROM sweeps WHERE name = $1`, string(SweepRecords)).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Swept{}, err
	}
	after, _ := strconv.ParseInt(position, 10, 64) // "": from the first
	rows, err := tx.QueryContext(ctx, `
		DELETE FROM records WHERE (dataset, client_id, key) IN (
			SELECT dataset, client_id, key FROM records
			WHERE received_at >= $1 AND received_at <= $2 AND NOT late AND COALESCE(at3, at2, at1) <= $2
			ORDER BY received_at LIMIT $3)
		RETURNING received_at`, after, micros(t.Before), sweepRows)
	if err != nil {
		return Swept{}, err
	}
	gone, err := collect(rows, func(row interface{ Scan(...any) error }) (at int64, err error) {
		err = row.Scan(&at)
		return at, err
	})
	if err != nil {
		return Swept{}, err
	}
	more := len(gone) == sweepRows
	position = "" // the next sweep begins anew: what was left may be over by then
	if more {
		for _, at := range gone {
			after = max(after, at)
		}
		position = strconv.FormatInt(after, 10)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sweeps (name, position) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET position = excluded.position`, string(SweepRecords), position)
	return Swept{int64(len(gone)), more}, err
}

func (s *Store) removeIdempotency(ctx context.Context, tx txn, t SweepTerms) (Swept, error) {
	n, more, err := limited(tx.ExecContext(ctx, `
		DELETE FROM idempotency_keys WHERE (scope, key) IN (
			SELECT scope, key FROM idempotency_keys WHERE created_at <= $1 ORDER BY created_at LIMIT $2)`, micros(t.Before), sweepRows))
	return Swept{n, more}, err
}

func (s *Store) removeAudit(ctx context.Context, tx txn, t SweepTerms) (Swept, error) {
	n, more, err := limited(tx.ExecContext(ctx, `
		DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)`,
		webhook.FirstIDAt(webhook.PrefixAudit, t.Before), sweepRows))
	return Swept{n, more}, err
}
