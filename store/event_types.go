package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const eventTypeColumns = `slug, name, description, envelope, schema, example, deprecated, created_at, updated_at`

func scanEventType(row interface{ Scan(...any) error }) (webhook.EventType, error) {
	var t webhook.EventType
	var schema, example []byte
	var created, updated int64
	err := row.Scan(&t.Slug, &t.Name, &t.Description, &t.Envelope, &schema, &example, &t.Deprecated, &created, &updated)
	t.Schema, t.Example = schema, example
	t.CreatedAt, t.UpdatedAt = stored(created), stored(updated)
	return t, err
}

// PutEventType stores an event type and tells whether it is new.
func (s *Store) PutEventType(ctx context.Context, t webhook.EventType) (out webhook.EventType, created bool, err error) {
	now := micros(s.stamp())
	err = s.tx(ctx, func(tx txn) error {
		out, err = scanEventType(tx.QueryRowContext(ctx, `
			INSERT INTO event_types (`+eventTypeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
			ON CONFLICT (slug) DO UPDATE SET name = $2, description = $3, envelope = $4, schema = $5,
				example = $6, deprecated = $7, updated_at = $8
			RETURNING `+eventTypeColumns,
			string(t.Slug), t.Name, t.Description, string(t.Envelope), []byte(t.Schema), []byte(t.Example), t.Deprecated, now))
		if err != nil {
			return err
		}
		if _, err = bumpCatalogue(ctx, tx); err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceEventType, ResourceID: string(t.Slug)})
	})
	return out, err == nil && micros(out.CreatedAt) == now, err
}

// AddEventTypes stores those of the given event types that are not there yet.
// One that an operator has changed stays as it is.
func (s *Store) AddEventTypes(ctx context.Context, types []webhook.EventType) error {
	now := micros(s.stamp())
	return s.tx(ctx, func(tx txn) error {
		added := int64(0)
		for _, t := range types {
			res, err := tx.ExecContext(ctx, `
				INSERT INTO event_types (`+eventTypeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
				ON CONFLICT (slug) DO NOTHING`,
				string(t.Slug), t.Name, t.Description, string(t.Envelope), []byte(t.Schema), []byte(t.Example), t.Deprecated, now)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += n
		}
		if added == 0 {
			return nil
		}
		_, err := bumpCatalogue(ctx, tx)
		return err
	})
}

// EventType returns one event type.
func (s *Store) EventType(ctx context.Context, slug webhook.Slug) (webhook.EventType, error) {
	t, err := scanEventType(s.read.QueryRowContext(ctx, `SELECT `+eventTypeColumns+` FROM event_types WHERE slug = $1`, string(slug)))
	if errors.Is(err, sql.ErrNoRows) {
		return t, webhook.NotFound("event type", string(slug))
	}
	return t, s.wrap(err)
}

// EventTypes lists event types by slug, from the end of the alphabet, as all
// lists run from the highest key down.
func (s *Store) EventTypes(ctx context.Context, p Page) ([]webhook.EventType, string, error) {
	var w where
	if p.After != "" {
		w.add("slug < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+eventTypeColumns+` FROM event_types`+w.sql()+` ORDER BY slug DESC`+w.limit(p), w.args, scanEventType)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(t *webhook.EventType) string { return string(t.Slug) })
	return out, next, nil
}

// AllEventTypes returns the whole catalogue of event types.
func (s *Store) AllEventTypes(ctx context.Context) ([]webhook.EventType, error) {
	return list(ctx, s, `SELECT `+eventTypeColumns+` FROM event_types ORDER BY slug`, nil, scanEventType)
}
