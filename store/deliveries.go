package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const deliveryColumns = `id, message_id, kind, event_type, client_id, subscription_id, url, method, state, hold_reason, cancel_reason,
	attempt_count, automatic_count, next_attempt_at, manual_at, lease_until, created_at, finished_at, run_id, page,
	last_status, last_error, job_id`

func (s *Store) scanDelivery(row interface{ Scan(...any) error }) (webhook.Delivery, error) {
	var d webhook.Delivery
	var kind webhook.MessageKind
	var created int64
	var next, manual, lease, finished sql.NullInt64
	err := row.Scan(&d.ID, &d.MessageID, &kind, &d.EventType, &d.ClientID, &d.SubscriptionID, &d.URL, &d.Method, &d.State,
		&d.HoldReason, &d.CancelReason, &d.AttemptCount, &d.AutomaticCount, &next, &manual, &lease, &created, &finished, &d.RunID, &d.Page,
		&d.LastStatus, &d.LastError, &d.JobID)
	if err != nil {
		return d, err
	}
	if kind == webhook.KindEvent {
		d.EventID = &d.MessageID
	}
	d.Test = kind == webhook.KindTest
	if d.State == webhook.StatePending || d.State == webhook.StateRetrying {
		d.NextAttemptAt = pointerStored(next)
	}
	d.CreatedAt, d.FinishedAt = stored(created), pointerStored(finished)
	d.RetryRequested = manual.Valid
	d.InFlight = lease.Valid && maybeStored(lease).After(s.now())
	return d, nil
}

// DeliveryFilter selects deliveries; empty fields select all.
type DeliveryFilter struct {
	State          webhook.DeliveryState
	HoldReason     webhook.HoldReason // of those that are held
	ClientID       webhook.ClientID
	SubscriptionID webhook.SubscriptionID
	EventType      webhook.Slug
	MessageID      webhook.MessageID
	RunID          webhook.RunID
	JobID          webhook.JobID // the job that made it, or asked for its last retry
	Since, Until   time.Time     // created in [Since, Until)
	// VisibleTo selects what a client may see: its own, without those to
	// subscriptions to every client's events, which are the platform's.
	VisibleTo webhook.ClientID
}

// notPlatforms leaves out what goes to subscriptions to every client's events.
const notPlatforms = `subscription_id NOT IN (SELECT s.id FROM subscriptions AS s WHERE s.client_id = '*')`

// quarantined is the condition of the index of what crashed us.
const quarantined = `hold_reason = 'quarantine'`

// Quarantined is how many deliveries are put aside because sending them
// crashed us, of all clients or of one.
func (s *Store) Quarantined(ctx context.Context, client webhook.ClientID) (n int64, err error) {
	var w where
	w.add(quarantined)
	w.equal("client_id", string(client))
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM deliveries`+w.sql(), w.args...).Scan(&n)
	return n, s.wrap(err)
}

// Deliveries lists deliveries, newest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter, p Page) ([]webhook.Delivery, string, error) {
	var w where
	w.equal("client_id", string(f.ClientID))
	w.equal("subscription_id", string(f.SubscriptionID))
	w.equal("event_type", string(f.EventType))
	w.equal("message_id", string(f.MessageID))
	w.equal("run_id", string(f.RunID))
	if f.JobID != "" {
		w.add("job_id = ? AND job_id IS NOT NULL", string(f.JobID)) // as its partial index has it
	}
	switch f.HoldReason {
	case webhook.HoldNone:
	case webhook.HoldQuarantine:
		w.add(quarantined) // in its index there is nothing else
	default:
		f.State = webhook.StateHeld
		w.equal("hold_reason", string(f.HoldReason))
	}
	if f.State != "" {
		w.equal("state", string(f.State))
		if f.State != webhook.StateSucceeded {
			w.add(open)
		}
	}
	if f.VisibleTo != "" {
		w.equal("client_id", string(f.VisibleTo))
		w.add(notPlatforms)
	}
	w.span(webhook.PrefixDelivery, f.Since, f.Until)
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+deliveryColumns+` FROM deliveries`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, s.scanDelivery)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(d *webhook.Delivery) string { return string(d.ID) })
	return out, next, nil
}

// Delivery returns one delivery.
func (s *Store) Delivery(ctx context.Context, id webhook.DeliveryID) (webhook.Delivery, error) {
	d, err := s.scanDelivery(s.read.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return d, webhook.NotFound("delivery", string(id))
	}
	return d, s.wrap(err)
}

// RequestRetry notes that an operator wants another attempt now. The schedule
// stays as it is. It returns the hint to send, and a conflict when the
// delivery is canceled or its payload is gone.
func (s *Store) RequestRetry(ctx context.Context, id webhook.DeliveryID, checkAt time.Time, i *Idempotency) (Ref, error) {
	ref := Ref{ID: id}
	err := s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		d, err := s.scanDelivery(tx.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, string(id)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return webhook.NotFound("delivery", string(id))
		case err != nil:
			return err
		case d.State == webhook.StateCanceled:
			return deliveryCanceled(id)
		}
		if err := mustHaveBody(ctx, tx, d.MessageID); err != nil {
			return err
		}
		if err := mustHaveSubscription(ctx, tx, &d); err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `
			UPDATE deliveries SET manual_at = $2, parked = FALSE,
				check_at = CASE WHEN check_at < $3 THEN check_at ELSE $3 END
			WHERE id = $1 AND state <> 'canceled'
			RETURNING generation`, string(id), micros(s.stamp()), micros(checkAt)).Scan(&ref.Generation)
		if errors.Is(err, sql.ErrNoRows) { // canceled since we looked
			return deliveryCanceled(id)
		}
		if err != nil {
			return err
		}
		return s.note(ctx, tx, deliveryEntry(&d))
	})
	return ref, err
}

// deliveryEntry is the line of what somebody does to a delivery.
func deliveryEntry(d *webhook.Delivery) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceDelivery, ResourceID: string(d.ID), ClientID: d.ClientID}
}

func deliveryCanceled(id webhook.DeliveryID) error {
	return webhook.Conflict("delivery_canceled",
		"Delivery %s was canceled, and a canceled delivery is never sent. Replay its event to send it as a new delivery.", id)
}

func mustHaveBody(ctx context.Context, tx txn, id webhook.MessageID) error {
	var there bool
	var at sql.NullInt64
	var gone webhook.Gone
	err := tx.QueryRowContext(ctx, `SELECT body IS NOT NULL, body_gone_at, body_gone_why FROM messages WHERE id = $1`, string(id)).
		Scan(&there, &at, &gone.Why)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && !there) {
		gone.At = maybeStored(at)
		return webhook.Conflict("payload_gone", "The payload of message %s %s; there is nothing left to send.", id, &gone)
	}
	return err
}

// mustHaveSubscription refuses what nobody signs any more.
func mustHaveSubscription(ctx context.Context, tx txn, d *webhook.Delivery) error {
	var gone bool
	err := tx.QueryRowContext(ctx, `SELECT deleted_at IS NOT NULL FROM subscriptions WHERE id = $1`, string(d.SubscriptionID)).Scan(&gone)
	switch {
	case errors.Is(err, sql.ErrNoRows): // a verification's callback has none
		return nil
	case err == nil && gone:
		return webhook.Conflict("subscription_gone",
			"The subscription of delivery %s was deleted, and its secret with it: nothing can be signed any more. Replay its event to a subscription that is there.", d.ID)
	}
	return err
}

// Cancel stops a delivery. An attempt under way may finish and is recorded; where
// the receiver acknowledges it, the delivery has succeeded.
func (s *Store) Cancel(ctx context.Context, id webhook.DeliveryID) (webhook.Delivery, error) {
	var d webhook.Delivery
	err := s.tx(ctx, func(tx txn) error {
		row := tx.QueryRowContext(ctx, `
			UPDATE deliveries SET state = 'canceled', hold_reason = '', finished_at = $2, next_attempt_at = NULL,
				manual_at = NULL, check_at = NULL, parked = FALSE
			WHERE id = $1 AND state IN ('pending', 'retrying', 'held')
			RETURNING `+deliveryColumns, string(id), micros(s.stamp()))
		var err error
		if d, err = s.scanDelivery(row); err == nil {
			return s.note(ctx, tx, deliveryEntry(&d))
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		d, err = s.scanDelivery(tx.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, string(id)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return webhook.NotFound("delivery", string(id))
		case err != nil || d.State == webhook.StateCanceled:
			return err
		}
		return webhook.Conflict("delivery_finished",
			"Delivery %s has already %s; only one that still waits can be canceled.", id, d.State)
	})
	return d, err
}
