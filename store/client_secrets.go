package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// ClientSecret is a client's own signing secret as it is stored: sealed. It
// signs what goes to a callback, which has no subscription.
type ClientSecret struct {
	ClientID webhook.ClientID
	Sealed   []byte
	Old      []byte    // the one before, while a rotation overlaps
	OldUntil time.Time // end of the overlap
	Version  int64     // of the catalogue at its last change
}

const clientSecretColumns = `id, secret, secret_old, secret_old_end, catalogue`

func scanClientSecret(row interface{ Scan(...any) error }) (ClientSecret, error) {
	var c ClientSecret
	var oldEnd sql.NullInt64
	err := row.Scan(&c.ClientID, &c.Sealed, &c.Old, &oldEnd, &c.Version)
	c.OldUntil = maybeStored(oldEnd)
	return c, err
}

// ClientSecret returns a client's secret. A client without one, known or not,
// is KindNotFound.
func (s *Store) ClientSecret(ctx context.Context, id webhook.ClientID) (ClientSecret, error) {
	c, err := scanClientSecret(s.read.QueryRowContext(ctx,
		`SELECT `+clientSecretColumns+` FROM clients WHERE id = $1 AND secret IS NOT NULL`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return c, webhook.NotFound("secret of client", string(id))
	}
	return c, s.wrap(err)
}

// AddClientSecret gives a client its first secret, and makes the client where
// it is new. When there is a secret already, it stays: of two processes that
// make one at the same moment, the first one's counts, and both must read it
// back.
func (s *Store) AddClientSecret(ctx context.Context, id webhook.ClientID, sealed []byte) error {
	return s.tx(ctx, func(tx txn) error {
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		if err := ensureClient(ctx, tx, id, micros(s.stamp())); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE clients SET secret = $2, catalogue = $3 WHERE id = $1 AND secret IS NULL`,
			string(id), sealed, catalogue)
		if n, err := affected(res, err); err != nil || n == 0 {
			return err
		}
		return s.note(ctx, tx, clientSecretEntry(id))
	})
}

// UpdateClientSecret stores a rotated secret. It is a conflict when somebody
// else changed the secret since c was read.
func (s *Store) UpdateClientSecret(ctx context.Context, c ClientSecret) error {
	return s.tx(ctx, func(tx txn) error {
		catalogue, err := bumpCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE clients SET secret = $3, secret_old = $4, secret_old_end = $5, catalogue = $6
			WHERE id = $1 AND catalogue = $2 AND secret IS NOT NULL`,
			string(c.ClientID), c.Version, c.Sealed, c.Old, maybeMicros(c.OldUntil), catalogue)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, webhook.Conflict("changed_meanwhile",
				"The secret of client %s was changed by another request at the same moment. Try again.", c.ClientID))
		}
		return s.note(ctx, tx, clientSecretEntry(c.ClientID))
	})
}

// clientSecretEntry is the line of a change of a client's secret.
func clientSecretEntry(id webhook.ClientID) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceClient, ResourceID: string(id), ClientID: id, Fields: []string{"secret"}}
}

// ClientSecretsSince returns the secrets that changed after a version of the
// catalogue; version 0 gives all. The index in memory is kept with it.
func (s *Store) ClientSecretsSince(ctx context.Context, version int64) ([]ClientSecret, error) {
	return list(ctx, s, `SELECT `+clientSecretColumns+` FROM clients WHERE catalogue > 0 AND catalogue > $1`,
		[]any{version}, scanClientSecret)
}
