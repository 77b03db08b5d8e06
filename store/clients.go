package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const clientColumns = `id, name, created_at, updated_at`

func scanClient(row interface{ Scan(...any) error }) (webhook.Client, error) {
	var c webhook.Client
	var created, updated int64
	err := row.Scan(&c.ID, &c.Name, &created, &updated)
	c.CreatedAt, c.UpdatedAt = stored(created), stored(updated)
	return c, err
}

// PutClient stores a client's name and tells whether the client is new.
func (s *Store) PutClient(ctx context.Context, id webhook.ClientID, name string) (c webhook.Client, created bool, err error) {
	now := micros(s.stamp())
	err = s.tx(ctx, func(tx txn) error {
		c, err = scanClient(tx.QueryRowContext(ctx, `
			INSERT INTO clients (id, name, created_at, updated_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT (id) DO UPDATE SET name = $2, updated_at = $3
			RETURNING `+clientColumns, string(id), name, now))
		if err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceClient, ResourceID: string(id), ClientID: id})
	})
	return c, err == nil && micros(c.CreatedAt) == now, err
}

// Client returns one client.
func (s *Store) Client(ctx context.Context, id webhook.ClientID) (webhook.Client, error) {
	c, err := scanClient(s.read.QueryRowContext(ctx, `SELECT `+clientColumns+` FROM clients WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return c, webhook.NotFound("client", string(id))
	}
	return c, s.wrap(err)
}

// Clients lists clients, the highest id first; only one, unless that is "".
func (s *Store) Clients(ctx context.Context, only webhook.ClientID, p Page) ([]webhook.Client, string, error) {
	return s.clients(ctx, only, p, keyOrder{after: "id < ?", by: ` ORDER BY id DESC`})
}

// ClientsByID is Clients in the order in which people look for them: the lowest
// id first.
func (s *Store) ClientsByID(ctx context.Context, only webhook.ClientID, p Page) ([]webhook.Client, string, error) {
	return s.clients(ctx, only, p, keyOrder{after: "id > ?", by: ` ORDER BY id`})
}

// keyOrder is an order of a list by its key, and the condition of what comes
// after a row.
type keyOrder struct{ after, by string }

func (s *Store) clients(ctx context.Context, only webhook.ClientID, p Page, order keyOrder) ([]webhook.Client, string, error) {
	var w where
	w.equal("id", string(only))
	if p.After != "" {
		w.add(order.after, p.After)
	}
	rows, err := list(ctx, s, `SELECT `+clientColumns+` FROM clients`+w.sql()+order.by+w.limit(p), w.args, scanClient)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(c *webhook.Client) string { return string(c.ID) })
	return out, next, nil
}

// ensureClient makes a client that is not there yet.
func ensureClient(ctx context.Context, tx txn, id webhook.ClientID, now int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO clients (id, name, created_at, updated_at) VALUES ($1, $1, $2, $2)
		ON CONFLICT (id) DO NOTHING`, string(id), now)
	return err
}

// list runs a query and scans each row.
func list[T any](ctx context.Context, s *Store, query string, args []any, scan func(interface{ Scan(...any) error }) (T, error)) ([]T, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.wrap(err)
	}
	out, err := collect(rows, scan)
	return out, s.wrap(err)
}

// collect scans and closes rows.
func collect[T any](rows *sql.Rows, scan func(interface{ Scan(...any) error }) (T, error)) ([]T, error) {
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, v)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
