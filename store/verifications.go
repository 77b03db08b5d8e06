package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const verificationColumns = `id, client_id, status, type, national_id_masked, callback_url, callback_method, metadata,
	message_id, delivery_id, created_at, updated_at, expires_at, wiped_at`

func scanVerification(row interface{ Scan(...any) error }) (webhook.Verification, error) {
	var v webhook.Verification
	var c webhook.Callback
	var created, updated, expires int64
	var wiped sql.NullInt64
	err := row.Scan(&v.ID, &v.ClientID, &v.Status, &v.Type, &v.NationalIDMasked, &c.URL, &c.Method, &v.Metadata,
		&v.MessageID, &v.DeliveryID, &created, &updated, &expires, &wiped)
	if c.URL != "" {
		v.Callback = &c
	}
	v.CreatedAt, v.UpdatedAt, v.ExpiresAt, v.WipedAt = stored(created), stored(updated), stored(expires), pointerStored(wiped)
	return v, err
}

// CreateVerification stores a new verification, and its client where it is new.
// A *[Replay] tells that the idempotency key was used before.
func (s *Store) CreateVerification(ctx context.Context, v *webhook.Verification, i *Idempotency) error {
	c := webhook.Callback{}
	if v.Callback != nil {
		c = *v.Callback
	}
	return s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		if err := ensureClient(ctx, tx, v.ClientID, micros(v.CreatedAt)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO verifications (`+verificationColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL)`,
			string(v.ID), string(v.ClientID), string(v.Status), v.Type, v.NationalIDMasked, c.URL, c.Method, v.Metadata,
			string(v.MessageID), string(v.DeliveryID), micros(v.CreatedAt), micros(v.UpdatedAt), micros(v.ExpiresAt))
		if err != nil {
			return err
		}
		return s.note(ctx, tx, verificationEntry(v))
	})
}

// verificationEntry is the line of what somebody does to a verification.
func verificationEntry(v *webhook.Verification) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceVerification, ResourceID: string(v.ID), ClientID: v.ClientID}
}

// Verification returns one verification.
func (s *Store) Verification(ctx context.Context, id webhook.VerificationID) (webhook.Verification, error) {
	v, err := readVerification(ctx, s.read, id)
	return v, s.wrap(err)
}

func readVerification(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, id webhook.VerificationID,
) (webhook.Verification, error) {
	v, err := scanVerification(q.QueryRowContext(ctx, `SELECT `+verificationColumns+` FROM verifications WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return v, webhook.NotFound("verification", string(id))
	}
	return v, err
}

// Ending is the end of a verification and what is sent of it.
type Ending struct {
	ID       webhook.VerificationID
	Status   webhook.VerificationStatus // COMPLETED or FAILED
	At       time.Time
	Message  *webhook.Message // nil: it has no callback
	Delivery NewDelivery      // of Message
	Host     string           // of the callback: what is parked for it is fed by it
}

// EndVerification ends a pending verification and brings its one message in,
// in one transaction: one without the other cannot be. repeat tells that it
// had ended in the same status before: then nothing was changed. That it has
// ended in another status is a conflict.
func (s *Store) EndVerification(ctx context.Context, e Ending) (v webhook.Verification, repeat bool, err error) {
	err = s.tx(ctx, func(tx txn) error {
		var message, delivery string
		if e.Message != nil {
			message, delivery = string(e.Message.ID), string(e.Delivery.ID)
		}
		v, err = scanVerification(tx.QueryRowContext(ctx, `
			UPDATE verifications SET status = $2, message_id = $3, delivery_id = $4, updated_at = $5
			WHERE id = $1 AND status = 'PENDING' RETURNING `+verificationColumns,
			string(e.ID), string(e.Status), message, delivery, micros(e.At)))
		if errors.Is(err, sql.ErrNoRows) { // it is not pending, or not there
			if v, err = readVerification(ctx, tx, e.ID); err == nil {
				repeat, err = v.Report(e.Status)
			}
			return err
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, tx, verificationEntry(&v)); err != nil || e.Message == nil {
			return err
		}
		if err := s.insert(ctx, tx, "messages", messageColumns, appendMessages(nil, webhook.ActorOf(ctx), []webhook.Message{*e.Message})); err != nil {
			return err
		}
		row := append(appendDeliveries(nil, []NewDelivery{e.Delivery})[0], e.Host)
		return s.insert(ctx, tx, "deliveries", append(newDeliveryColumns[:len(newDeliveryColumns):len(newDeliveryColumns)], column{"host", text}), [][]any{row})
	})
	return v, repeat, err
}

// ExpireVerifications ends up to limit pending verifications whose time is
// over, the longest overdue first, and tells how many.
func (s *Store) ExpireVerifications(ctx context.Context, now time.Time, limit int) (n int64, err error) {
	err = s.tx(ctx, func(tx txn) error {
		res, err := tx.ExecContext(ctx, `
			WITH c AS MATERIALIZED (
				SELECT id AS c_id FROM verifications WHERE status = 'PENDING' AND expires_at <= $1
				ORDER BY expires_at LIMIT $2`+s.d.skipLocked+`)
			UPDATE verifications SET status = 'EXPIRED', updated_at = $1 FROM c WHERE id = c_id AND status = 'PENDING'`,
			micros(now), limit)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// VerificationFilter selects verifications; empty fields select all.
type VerificationFilter struct {
	ClientID     webhook.ClientID
	Status       webhook.VerificationStatus
	Since, Until time.Time // created in [Since, Until)
}

// Verifications lists verifications, newest first.
func (s *Store) Verifications(ctx context.Context, f VerificationFilter, p Page) ([]webhook.Verification, string, error) {
	var w where
	w.equal("client_id", string(f.ClientID))
	if f.Status != "" {
		w.equal("status", string(f.Status))
		if f.Status != webhook.VerificationCompleted {
			w.add("status <> 'COMPLETED'") // as in the partial index
		}
	}
	w.span(webhook.PrefixVerification, f.Since, f.Until)
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+verificationColumns+` FROM verifications`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanVerification)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(v *webhook.Verification) string { return string(v.ID) })
	return out, next, nil
}

// VerificationStats are counts of verifications.
type VerificationStats struct {
	Pending   int64     // now
	NextEnd   time.Time // when the next pending one expires; zero: none is pending
	Completed int64     // since the time that was asked for, as the other two
	Failed    int64
	Expired   int64
}

// VerificationStats counts the verifications that are pending now, and those
// that ended since a time; of one client, unless that is "".
func (s *Store) VerificationStats(ctx context.Context, only webhook.ClientID, since time.Time) (VerificationStats, error) {
	var out VerificationStats
	var next sql.NullInt64
	var pending, ended where
	pending.add("status = 'PENDING'")
	pending.equal("client_id", string(only))
	err := s.read.QueryRowContext(ctx, `SELECT count(*), min(expires_at) FROM verifications`+pending.sql(), pending.args...).
		Scan(&out.Pending, &next)
	if err != nil {
		return out, s.wrap(err)
	}
	out.NextEnd = maybeStored(next)
	ended.add("status <> 'PENDING'")
	ended.add("updated_at >= ?", micros(since))
	ended.equal("client_id", string(only))
	err = s.read.QueryRowContext(ctx, `
		SELECT count(*) FILTER (WHERE status = 'COMPLETED'), count(*) FILTER (WHERE status = 'FAILED'),
			count(*) FILTER (WHERE status = 'EXPIRED')
		FROM verifications`+ended.sql(), ended.args...).
		Scan(&out.Completed, &out.Failed, &out.Expired)
	return out, s.wrap(err)
}
