package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Subscription is a subscription as it is stored: what is secret is sealed,
// and Headers, Auth, Signing and Secrets of the noun are empty.
type Subscription struct {
	webhook.Subscription
	SealedHeaders []byte    // the static headers
	SealedAuth    []byte    // the credentials; nil: none
	SealedSecret  []byte    // the current signing secret
	SealedOld     []byte    // the one before, while a rotation overlaps
	OldUntil      time.Time // end of the overlap
}

const subscriptionColumns = `id, client_id, url, event_types, description, method, headers, ack, timeout_us,
	rate_limit, max_in_flight, send_empty, state, secret, secret_old, secret_old_end, version, created_at, updated_at, auth`

func scanSubscription(row interface{ Scan(...any) error }) (Subscription, error) {
	var s Subscription
	var eventTypes, ack string
	var timeout, created, updated int64
	var oldEnd sql.NullInt64
	err := row.Scan(&s.ID, &s.ClientID, &s.URL, &eventTypes, &s.Description, &s.Method, &s.SealedHeaders, &ack, &timeout,
		&s.RateLimit, &s.MaxInFlight, &s.SendEmpty, &s.State, &s.SealedSecret, &s.SealedOld, &oldEnd, &s.Version, &created, &updated, &s.SealedAuth)
	if err != nil {
		return s, err
	}
	s.Timeout = webhook.Duration(time.Duration(timeout) * time.Microsecond)
	s.OldUntil = maybeStored(oldEnd)
	s.CreatedAt, s.UpdatedAt = stored(created), stored(updated)
	if err := json.Unmarshal([]byte(eventTypes), &s.EventTypes); err != nil {
		return s, fmt.Errorf("subscription %s: event_types: %w", s.ID, err)
	}
	if err := json.Unmarshal([]byte(ack), &s.Ack); err != nil {
		return s, fmt.Errorf("subscription %s: ack: %w", s.ID, err)
	}
	return s, nil
}

func subscriptionArgs(s *Subscription) ([]any, error) {
	eventTypes, err := json.Marshal(s.EventTypes)
	if err != nil {
		return nil, err
	}
	ack, err := json.Marshal(s.Ack)
	if err != nil {
		return nil, err
	}
	return []any{
		string(s.ID), string(s.ClientID), s.URL, string(eventTypes), s.Description, s.Method, s.SealedHeaders, string(ack),
		time.Duration(s.Timeout).Microseconds(), s.RateLimit, s.MaxInFlight, s.SendEmpty, string(s.State),
		s.SealedSecret, s.SealedOld, maybeMicros(s.OldUntil), s.Version, micros(s.CreatedAt), micros(s.UpdatedAt), s.SealedAuth,
	}, nil
}

// CreateSubscription stores a new subscription, and its client where it is new.
func (s *Store) CreateSubscription(ctx context.Context, sub *Subscription, i *Idempotency) error {
	args, err := subscriptionArgs(sub)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		if sub.ClientID != webhook.AllClients {
			if err := ensureClient(ctx, tx, sub.ClientID, micros(sub.CreatedAt)); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO subscriptions (`+subscriptionColumns+`, catalogue)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
			append(args, catalogue)...)
		if err != nil {
			return err
		}
		return s.note(ctx, tx, subscriptionEntry(sub.ID, sub.ClientID))
	})
}

// UpdateSubscription stores a changed subscription, its state apart. It is a
// conflict when somebody else changed it since sub was read.
func (s *Store) UpdateSubscription(ctx context.Context, sub *Subscription) error {
	changed := *sub // sub itself changes only when the database did
	changed.Version, changed.UpdatedAt = sub.Version+1, s.stamp()
	args, err := subscriptionArgs(&changed)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx txn) error {
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE subscriptions SET url = $3, event_types = $4, description = $5, method = $6, headers = $7, ack = $8,
				timeout_us = $9, rate_limit = $10, max_in_flight = $11, send_empty = $12, secret = $13, secret_old = $14,
				secret_old_end = $15, version = $16, updated_at = $17, auth = $18, catalogue = $19
			WHERE id = $1 AND version = $2 AND deleted_at IS NULL`,
			args[0], sub.Version, args[2], args[3], args[4], args[5], args[6], args[7], args[8], args[9], args[10], args[11],
			args[13], args[14], args[15], args[16], args[18], args[19], catalogue)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, webhook.Conflict("changed_meanwhile",
				"Subscription %s was changed by another request at the same moment. Read it and try again.", sub.ID))
		}
		return s.note(ctx, tx, subscriptionEntry(sub.ID, sub.ClientID))
	})
	if err == nil {
		*sub = changed
	}
	return err
}

// subscriptionEntry is the line of a change of a subscription.
func subscriptionEntry(id webhook.SubscriptionID, client webhook.ClientID) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceSubscription, ResourceID: string(id), ClientID: client}
}

// open is the condition of the partial index deliveries_open. SQLite can use
// the index only where it reads the same words.
const open = `state <> 'succeeded'`

// PauseSubscription stops a subscription; its waiting deliveries are held.
func (s *Store) PauseSubscription(ctx context.Context, id webhook.SubscriptionID) error {
	return s.changeState(ctx, id, webhook.SubscriptionPaused, s.hold)
}

func (s *Store) hold(ctx context.Context, tx txn, id webhook.SubscriptionID, _ int64) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE deliveries`+s.d.byOpen+` SET state = 'held', hold_reason = 'paused', parked = FALSE,
			check_at = CASE WHEN manual_at IS NULL THEN NULL ELSE check_at END
		WHERE subscription_id = $1 AND state IN ('pending', 'retrying') AND `+open, string(id))
	return err
}

// ResumeSubscription starts a subscription again; what it held is due now, or
// when the schedule says if that is later.
func (s *Store) ResumeSubscription(ctx context.Context, id webhook.SubscriptionID) error {
	return s.changeState(ctx, id, webhook.SubscriptionActive, s.unhold)
}

func (s *Store) unhold(ctx context.Context, tx txn, id webhook.SubscriptionID, now int64) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE deliveries`+s.d.byOpen+` SET state = CASE WHEN automatic_count > 0 THEN 'retrying' ELSE 'pending' END, hold_reason = '',
			next_attempt_at = CASE WHEN next_attempt_at > $2 THEN next_attempt_at ELSE $2 END, check_at = $2
		WHERE subscription_id = $1 AND state = 'held' AND hold_reason = 'paused' AND `+open, string(id), now)
	return err
}

func (s *Store) changeState(ctx context.Context, id webhook.SubscriptionID, to webhook.SubscriptionState,
	deliveries func(context.Context, txn, webhook.SubscriptionID, int64) error,
) error {
	now := micros(s.stamp())
	return s.tx(ctx, func(tx txn) error {
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		var client webhook.ClientID
		err = tx.QueryRowContext(ctx, `UPDATE subscriptions SET state = $2, version = version + 1, updated_at = $3, catalogue = $4
			WHERE id = $1 AND deleted_at IS NULL AND state <> $2 RETURNING client_id`, string(id), string(to), now, catalogue).Scan(&client)
		if errors.Is(err, sql.ErrNoRows) {
			return mustExist(ctx, tx, id) // it was in that state already, or is not there
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, tx, subscriptionEntry(id, client)); err != nil {
			return err
		}
		return deliveries(ctx, tx, id, now)
	})
}

func mustExist(ctx context.Context, tx txn, id webhook.SubscriptionID) error {
	var one int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM subscriptions WHERE id = $1 AND deleted_at IS NULL`, string(id)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return webhook.NotFound("subscription", string(id))
	}
	return err
}

// DeleteSubscription ends a subscription and cancels what it still waits for.
// The log of its deliveries stays.
func (s *Store) DeleteSubscription(ctx context.Context, id webhook.SubscriptionID) error {
	now := micros(s.stamp())
	return s.tx(ctx, func(tx txn) error {
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		var client webhook.ClientID
		err = tx.QueryRowContext(ctx, `UPDATE subscriptions SET deleted_at = $2, version = version + 1, catalogue = $3,
				headers = $4, secret = $4, secret_old = NULL, auth = NULL
			WHERE id = $1 AND deleted_at IS NULL RETURNING client_id`, string(id), now, catalogue, []byte{}).Scan(&client)
		if errors.Is(err, sql.ErrNoRows) {
			return webhook.NotFound("subscription", string(id))
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, tx, subscriptionEntry(id, client)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE deliveries`+s.d.byOpen+` SET state = 'canceled', hold_reason = '', finished_at = $2, next_attempt_at = NULL,
				manual_at = NULL, check_at = NULL, parked = FALSE
			WHERE subscription_id = $1 AND state IN ('pending', 'retrying', 'held') AND `+open, string(id), now)
		return err
	})
}

// Subscription returns one subscription.
func (s *Store) Subscription(ctx context.Context, id webhook.SubscriptionID) (Subscription, error) {
	sub, err := scanSubscription(s.read.QueryRowContext(ctx,
		`SELECT `+subscriptionColumns+` FROM subscriptions WHERE id = $1 AND deleted_at IS NULL`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return sub, webhook.NotFound("subscription", string(id))
	}
	return sub, s.wrap(err)
}

// SubscriptionOwner is the client of a subscription, of a deleted one too.
func (s *Store) SubscriptionOwner(ctx context.Context, id webhook.SubscriptionID) (owner webhook.ClientID, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT client_id FROM subscriptions WHERE id = $1`, string(id)).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return "", webhook.NotFound("subscription", string(id))
	}
	return owner, s.wrap(err)
}

// SubscriptionFilter selects subscriptions; empty fields select all.
type SubscriptionFilter struct {
	ClientID  webhook.ClientID
	EventType webhook.Slug // those that would get this event type
	State     webhook.SubscriptionState
}

// Subscriptions lists subscriptions, newest first.
func (s *Store) Subscriptions(ctx context.Context, f SubscriptionFilter, p Page) ([]Subscription, string, error) {
	var w where
	w.add("deleted_at IS NULL")
	w.equal("client_id", string(f.ClientID))
	w.equal("state", string(f.State))
	if f.EventType != "" {
		conds, args := eventTypeCondition(f.EventType)
		w.add(conds, args...)
	}
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+subscriptionColumns+` FROM subscriptions`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanSubscription)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(sub *Subscription) string { return string(sub.ID) })
	return out, next, nil
}

// Changed is a subscription that changed, or that is gone.
type Changed struct {
	Subscription
	Deleted bool
}

// SubscriptionsSince returns what changed after a version of the catalogue;
// version 0 gives every subscription. The index in memory is kept with it.
func (s *Store) SubscriptionsSince(ctx context.Context, version int64) ([]Changed, error) {
	return list(ctx, s, `SELECT deleted_at IS NOT NULL, `+subscriptionColumns+` FROM subscriptions
		WHERE catalogue > $1 AND (deleted_at IS NULL OR $1 > 0)`, []any{version},
		func(row interface{ Scan(...any) error }) (c Changed, err error) {
			c.Subscription, err = scanSubscription(scanAfter{row, &c.Deleted})
			return c, err
		})
}

// scanAfter scans one column of its own before those of another scan function.
type scanAfter struct {
	row   interface{ Scan(...any) error }
	first any
}

func (s scanAfter) Scan(dest ...any) error { return s.row.Scan(append([]any{s.first}, dest...)...) }

// eventTypeCondition finds a slug's patterns in the JSON list of event_types.
func eventTypeCondition(slug webhook.Slug) (string, []any) {
	escape := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	patterns := []string{"*", string(slug)}
	for i, r := range slug {
		if r == '.' {
			patterns = append(patterns, string(slug)[:i]+".*")
		}
	}
	conds := make([]string, len(patterns))
	args := make([]any, len(patterns))
	for i, p := range patterns {
		conds[i] = `event_types LIKE ? ESCAPE '\'`
		args[i] = `%"` + escape.Replace(p) + `"%`
	}
	return "(" + strings.Join(conds, " OR ") + ")", args
}
