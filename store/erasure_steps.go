package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The steps of an erasure. Each does one batch and tells whether it is done.

func (s *Store) erasePayloads(ctx context.Context, tx txn, b erasing) (bool, error) {
	ids, last, err := b.ids(ctx, tx, "messages", "COALESCE(octet_length(x.body), 0)")
	if err != nil || len(ids) == 0 {
		return true, err
	}
	cte, args := b.rows(s.d, ids)
	n, err := affected(tx.ExecContext(ctx, `WITH `+cte+` UPDATE messages AS m SET body = NULL, body_gone_at = v_now, body_gone_why = 'erasure'
		FROM v WHERE m.id = v_id AND m.body IS NOT NULL`, args...))
	b.Erased.Payloads += n
	return last, err
}

// leaseSlack is how long after the end of a lease a result may still be
// committed under it.
const leaseSlack = 5 * time.Second

// eraseDeliveries cancels what is open. An attempt that is under way ends and
// is recorded: the next step waits for it.
func (s *Store) eraseDeliveries(ctx context.Context, tx txn, b erasing) (bool, error) {
	ids, last, err := b.ids(ctx, tx, "deliveries", "0")
	if err != nil || len(ids) == 0 {
		return true, err
	}
	cte, args := b.rows(s.d, ids)
	rows, err := tx.QueryContext(ctx, `WITH `+cte+` UPDATE deliveries AS d SET
			cancel_reason = CASE WHEN state IN ('pending', 'retrying', 'held') THEN 'erased' ELSE cancel_reason END,
			finished_at = CASE WHEN state IN ('pending', 'retrying', 'held') THEN v_now ELSE finished_at END,
			state = CASE WHEN state IN ('pending', 'retrying', 'held') THEN 'canceled' ELSE state END,
			hold_reason = '', next_attempt_at = NULL, manual_at = NULL, check_at = NULL, parked = FALSE,
			url = CASE WHEN subscription_id = '' THEN `+fmt.Sprintf(s.d.beforeQuery, "url")+` ELSE url END
		FROM v WHERE d.id = v_id
		RETURNING CASE WHEN cancel_reason = 'erased' THEN finished_at ELSE 0 END, COALESCE(lease_until, 0)`, args...)
	if err != nil {
		return false, err
	}
	changed, err := collect(rows, func(row interface{ Scan(...any) error }) (c struct{ erased, lease int64 }, err error) {
		err = row.Scan(&c.erased, &c.lease)
		return c, err
	})
	for _, c := range changed {
		if c.erased == micros(b.now) { // not by an erasure before
			b.Erased.Canceled++
		}
		if until := stored(c.lease); until.After(b.now) && until.Add(leaseSlack).After(b.NotBefore) {
			b.NotBefore = until.Add(leaseSlack)
		}
	}
	return last, err
}

// answer is what is stored of an attempt, as far as it may be personal.
type answer struct {
	delivery string
	number   int64
	detail   []byte
	callback bool // its delivery has no subscription
}

// eraseAnswers removes the bodies and headers of answers, and the queries of
// callbacks' URLs. That there was an attempt, when, and what came of it, stays.
func (s *Store) eraseAnswers(ctx context.Context, tx txn, b erasing) (bool, error) {
	delivery, after, _ := strings.Cut(b.Position, " ")
	last, _ := strconv.ParseInt(after, 10, 64) // "": from the first
	rows, err := tx.QueryContext(ctx, `
		SELECT a.delivery_id, a.number, a.detail, d.subscription_id = '' FROM deliveries AS d JOIN attempts AS a ON a.delivery_id = d.id
		WHERE d.client_id = $1 AND d.id >= $2 AND d.created_at <= $4 AND (d.id > $2 OR a.number > $3)
		ORDER BY d.id, a.number LIMIT $5`, string(b.ClientID), delivery, last, micros(b.RequestedAt), sweepRows)
	if err != nil {
		return false, err
	}
	found, err := collect(rows, func(row interface{ Scan(...any) error }) (a answer, err error) {
		err = row.Scan(&a.delivery, &a.number, &a.detail, &a.callback)
		return a, err
	})
	if err != nil || len(found) == 0 {
		return true, err
	}
	bare := make([][]any, len(found))
	for i := range found {
		detail, err := found[i].bare()
		if err != nil {
			return false, err
		}
		bare[i] = []any{found[i].delivery, found[i].number, detail}
	}
	for part := range s.d.chunks(bare) {
		cte, args := s.d.values("v", []column{{"v_id", text}, {"v_number", number}, {"v_detail", binary}}, part)
		if _, err := tx.ExecContext(ctx, `WITH `+cte+` UPDATE attempts AS a SET response_body = NULL, detail = v_detail
			FROM v WHERE a.delivery_id = v_id AND a.number = v_number`, args...); err != nil {
			return false, err
		}
	}
	b.Erased.Answers += int64(len(found))
	end := found[len(found)-1]
	b.Position = end.delivery + " " + strconv.FormatInt(end.number, 10)
	return len(found) < sweepRows, nil
}

// bare is the detail without what a receiver sent, and without a query.
func (a *answer) bare() ([]byte, error) {
	var d attemptDetail
	if err := json.Unmarshal(a.detail, &d); err != nil {
		return nil, fmt.Errorf("attempt %d of %s: detail: %w", a.number, a.delivery, err)
	}
	d.ResponseHeaders = nil
	if a.callback {
		d.URL = webhook.WithoutQuery(d.URL)
	}
	return json.Marshal(&d)
}

func (s *Store) eraseRecords(ctx context.Context, tx txn, b erasing) (bool, error) {
	for _, dataset := range webhook.Datasets() {
		n, full, err := limited(tx.ExecContext(ctx, `
			DELETE FROM records WHERE (dataset, client_id, key) IN (
				SELECT dataset, client_id, key FROM records WHERE dataset = $1 AND client_id = $2 AND received_at <= $3 LIMIT $4)`,
			string(dataset), string(b.ClientID), micros(b.RequestedAt), sweepRows))
		b.Erased.Records += n
		if err != nil || full {
			return false, err
		}
	}
	return true, nil
}

// eraseVerifications keeps that there was a verification and how it ended. One
// that is pending expires: nobody could be told how it ends.
func (s *Store) eraseVerifications(ctx context.Context, tx txn, b erasing) (bool, error) {
	ids, last, err := b.ids(ctx, tx, "verifications", "0")
	if err != nil || len(ids) == 0 {
		return true, err
	}
	cte, args := b.rows(s.d, ids)
	n, err := affected(tx.ExecContext(ctx, `WITH `+cte+` UPDATE verifications SET
			metadata = NULL, national_id_masked = '', wiped_at = v_now, callback_url = `+fmt.Sprintf(s.d.beforeQuery, "callback_url")+`,
			updated_at = CASE WHEN status = 'PENDING' THEN v_now ELSE updated_at END,
			status = CASE WHEN status = 'PENDING' THEN 'EXPIRED' ELSE status END
		FROM v WHERE id = v_id AND wiped_at IS NULL`, args...))
	b.Erased.Verifications += n
	return last, err
}

func (s *Store) eraseKeys(ctx context.Context, tx txn, b erasing) (bool, error) {
	n, full, err := limited(tx.ExecContext(ctx, `
		DELETE FROM idempotency_keys WHERE (scope, key) IN (
			SELECT scope, key FROM idempotency_keys WHERE client_id = $1 AND client_id > '' AND created_at <= $2 LIMIT $3)`,
		string(b.ClientID), micros(b.RequestedAt), sweepRows))
	b.Erased.IdempotencyKeys += n
	return !full, err
}

// eraseReceipts removes the keys of records from the receipts of the client's
// runs. A run that is under way ends for this client where it is.
func (s *Store) eraseReceipts(ctx context.Context, tx txn, b erasing) (bool, error) {
	var run string
	rows, err := tx.QueryContext(ctx, `SELECT r.id FROM runs AS r JOIN run_clients AS c ON c.run_id = r.id AND c.client_id = $1
		WHERE r.id > $2 AND r.created_at <= $3 ORDER BY r.id LIMIT 1`, string(b.ClientID), b.Position, micros(b.RequestedAt))
	if err != nil {
		return false, err
	}
	found, err := collect(rows, func(row interface{ Scan(...any) error }) (struct{}, error) { return struct{}{}, row.Scan(&run) })
	if err != nil || len(found) == 0 {
		return true, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE run_clients SET position = '', finished_at = COALESCE(finished_at, $3), state = 'done'
		WHERE run_id = $1 AND client_id = $2`, run, string(b.ClientID), micros(b.now))
	if err != nil {
		return false, err
	}
	_, full, err := limited(tx.ExecContext(ctx, `UPDATE pages SET first_position = '', last_position = '' WHERE run_id = $1 AND client_id = $2
		AND number IN (SELECT number FROM pages WHERE run_id = $1 AND client_id = $2 AND last_position <> '' ORDER BY number LIMIT $3)`,
		run, string(b.ClientID), sweepRows))
	if err != nil || full {
		return false, err
	}
	n, full, err := limited(tx.ExecContext(ctx, `DELETE FROM run_refusals WHERE run_id = $1 AND client_id = $2
		AND key IN (SELECT key FROM run_refusals WHERE run_id = $1 AND client_id = $2 LIMIT $3)`, run, string(b.ClientID), sweepRows))
	b.Erased.RefusedRecords += n
	if err == nil && !full {
		b.Position = run
	}
	return false, err
}
