package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const erasureColumns = `client_id, requested_at, requested_by, finished_at, step, position, not_before, payloads, canceled, answers,
	records, verifications, idempotency_keys, refused_records`

func scanErasure(row interface{ Scan(...any) error }) (webhook.Erasure, error) {
	var e webhook.Erasure
	var requested, notBefore int64
	var finished sql.NullInt64
	n := &e.Erased
	err := row.Scan(&e.ClientID, &requested, &e.RequestedBy, &finished, &e.Step, &e.Position, &notBefore, &n.Payloads, &n.Canceled,
		&n.Answers, &n.Records, &n.Verifications, &n.IdempotencyKeys, &n.RefusedRecords)
	e.RequestedAt, e.FinishedAt, e.NotBefore = stored(requested), pointerStored(finished), stored(notBefore)
	return e, err
}

// erasureSettles is how long after its request an erasure begins: an intake
// that has its time from before the request is committed by then.
const erasureSettles = 3 * time.Second

// RequestErasure asks for the erasure of a client's personal data. While one
// is under way, it answers with that one: what came since then is not in it.
func (s *Store) RequestErasure(ctx context.Context, client webhook.ClientID, by webhook.KeyID) (e webhook.Erasure, err error) {
	err = s.tx(ctx, func(tx txn) error {
		now := s.stamp()
		e, err = scanErasure(tx.QueryRowContext(ctx, `
			INSERT INTO erasures (client_id, requested_at, requested_by, step, position, not_before) VALUES ($1, $2, $3, $4, '', $5)
			ON CONFLICT (client_id) DO UPDATE SET requested_at = $2, requested_by = $3, finished_at = NULL, step = $4, position = '',
				not_before = $5, payloads = 0, canceled = 0, answers = 0, records = 0, verifications = 0, idempotency_keys = 0,
				refused_records = 0
			WHERE erasures.finished_at IS NOT NULL
			RETURNING `+erasureColumns, string(client), micros(now), string(by), string(webhook.ErasePayloads), micros(now.Add(erasureSettles))))
		if errors.Is(err, sql.ErrNoRows) {
			e, err = readErasure(ctx, tx, client)
		}
		if err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceClient, ResourceID: string(client), ClientID: client})
	})
	return e, err
}

// Erasure returns the last erasure that was asked for.
func (s *Store) Erasure(ctx context.Context, client webhook.ClientID) (webhook.Erasure, error) {
	e, err := readErasure(ctx, s.read, client)
	return e, s.wrap(err)
}

func readErasure(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, client webhook.ClientID,
) (webhook.Erasure, error) {
	e, err := scanErasure(q.QueryRowContext(ctx, `SELECT `+erasureColumns+` FROM erasures WHERE client_id = $1`, string(client)))
	if errors.Is(err, sql.ErrNoRows) {
		return e, webhook.NotFound("erasure of the personal data of client", string(client))
	}
	return e, err
}

// NextErasure returns the client whose erasure waits the longest, or "".
func (s *Store) NextErasure(ctx context.Context, now time.Time) (client webhook.ClientID, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT client_id FROM erasures WHERE finished_at IS NULL AND not_before <= $1
		ORDER BY not_before LIMIT 1`, micros(now)).Scan(&client)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return client, s.wrap(err)
}

// Erase does one batch of a client's erasure, from its checkpoint to the next
// one, and returns where it stands. One that has to wait says so in NotBefore.
func (s *Store) Erase(ctx context.Context, h SweepHold, client webhook.ClientID) (e webhook.Erasure, err error) {
	err = s.tx(ctx, func(tx txn) error {
		if err := holdSweep(ctx, tx, h); err != nil {
			return err
		}
		if e, err = readErasure(ctx, tx, client); err != nil || e.FinishedAt != nil {
			return err
		}
		b := erasing{&e, s.stamp()}
		done, err := s.eraseBatch(ctx, tx, b)
		if err != nil {
			return err
		}
		if done {
			e.Step, e.Position = e.Step.Next(), ""
		}
		if e.Step == webhook.EraseDone {
			e.FinishedAt = &b.now
		}
		n := &e.Erased
		_, err = tx.ExecContext(ctx, `UPDATE erasures SET finished_at = $2, step = $3, position = $4, not_before = $5, payloads = $6,
			canceled = $7, answers = $8, records = $9, verifications = $10, idempotency_keys = $11, refused_records = $12
			WHERE client_id = $1`,
			string(client), pointerMicros(e.FinishedAt), string(e.Step), e.Position, micros(e.NotBefore), n.Payloads, n.Canceled,
			n.Answers, n.Records, n.Verifications, n.IdempotencyKeys, n.RefusedRecords)
		return err
	})
	return e, err
}

func pointerMicros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return micros(*t)
}

// erasing is one batch of an erasure.
type erasing struct {
	*webhook.Erasure
	now time.Time
}

// eraseBatch does one batch of the present step and tells whether the step is done.
func (s *Store) eraseBatch(ctx context.Context, tx txn, b erasing) (bool, error) {
	switch b.Step {
	case webhook.ErasePayloads:
		return s.erasePayloads(ctx, tx, b)
	case webhook.EraseDeliveries:
		return s.eraseDeliveries(ctx, tx, b)
	case webhook.EraseAnswers:
		return s.eraseAnswers(ctx, tx, b)
	case webhook.EraseRecords:
		return s.eraseRecords(ctx, tx, b)
	case webhook.EraseVerifications:
		return s.eraseVerifications(ctx, tx, b)
	case webhook.EraseKeys:
		return s.eraseKeys(ctx, tx, b)
	case webhook.EraseReceipts:
		return s.eraseReceipts(ctx, tx, b)
	}
	return false, fmt.Errorf("the erasure of client %s has the unknown step %q", b.ClientID, b.Step)
}

// ids are the client's rows of a table that come next, with the bytes of size.
func (b erasing) ids(ctx context.Context, tx txn, table, size string) (ids []string, last bool, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT x.id, `+size+` FROM `+table+` AS x
		WHERE x.client_id = $1 AND x.id > $2 AND x.created_at <= $3 ORDER BY x.id LIMIT $4`,
		string(b.ClientID), b.Position, micros(b.RequestedAt), sweepRows)
	if err != nil {
		return nil, false, err
	}
	all, err := collect(rows, scanSized)
	if ids = upTo(all); len(ids) > 0 {
		b.Position = ids[len(ids)-1]
	}
	return ids, len(ids) == len(all) && len(all) < sweepRows, err
}

// rows are ids as a table v, with the time of the batch.
func (b erasing) rows(d dialect, ids []string) (string, []any) {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, micros(b.now)}
	}
	return d.values("v", []column{{"v_id", text}, {"v_now", number}}, rows)
}
