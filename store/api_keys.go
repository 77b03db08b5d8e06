package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Whoever checks API keys has them in memory. A counter of its own, raised in
// the transaction of each change, tells that the memory is old; see package
// access. A revocation also raises the catalogue's, which the transaction of
// each intake looks at; a new key does not: it need not make intakes match
// their events again.

// APIKey is an API key as it is stored.
type APIKey struct {
	webhook.APIKey
	Hash      [sha256.Size]byte // of its text
	RevokedAt time.Time         // zero: it is not revoked
}

const apiKeyColumns = `id, hash, start, name, role, client_id, expires_at, rate_limit, created_at, created_by, last_used_at, revoked_at`

func scanAPIKey(row interface{ Scan(...any) error }) (APIKey, error) {
	var k APIKey
	var hash []byte
	var created int64
	var expires, used, revoked sql.NullInt64
	err := row.Scan(&k.ID, &hash, &k.Start, &k.Name, &k.Role, &k.ClientID, &expires, &k.RateLimit, &created, &k.CreatedBy, &used, &revoked)
	copy(k.Hash[:], hash)
	k.ExpiresAt, k.CreatedAt, k.LastUsedAt, k.RevokedAt = pointerStored(expires), stored(created), pointerStored(used), maybeStored(revoked)
	return k, err
}

func bumpAPIKeys(ctx context.Context, tx txn) (v int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = 'api_keys' RETURNING value`).Scan(&v)
	return v, err
}

// CreateAPIKey stores a key, and the client that it is bound to where that is
// new.
func (s *Store) CreateAPIKey(ctx context.Context, k *APIKey, i *Idempotency) error {
	return s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		version, err := bumpAPIKeys(ctx, tx)
		if err != nil {
			return err
		}
		var client, expires, limit any
		if k.ClientID != nil {
			if err := ensureClient(ctx, tx, *k.ClientID, micros(k.CreatedAt)); err != nil {
				return err
			}
			client = string(*k.ClientID)
		}
		if k.ExpiresAt != nil {
			expires = micros(*k.ExpiresAt)
		}
		if k.RateLimit != nil {
			limit = int64(*k.RateLimit)
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO api_keys (id, hash, start, name, role, client_id, expires_at, rate_limit, created_at, created_by, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			string(k.ID), k.Hash[:], k.Start, k.Name, string(k.Role), client, expires, limit, micros(k.CreatedAt), string(k.CreatedBy), version)
		if err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceAPIKey, ResourceID: string(k.ID), ClientID: k.BoundTo()})
	})
}

// APIKey returns a key that is not revoked.
func (s *Store) APIKey(ctx context.Context, id webhook.KeyID) (webhook.APIKey, error) {
	k, err := scanAPIKey(s.read.QueryRowContext(ctx, `SELECT `+apiKeyColumns+` FROM api_keys WHERE id = $1 AND revoked_at IS NULL`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return k.APIKey, webhook.NotFound("API key", string(id))
	}
	return k.APIKey, s.wrap(err)
}

// APIKeys lists the keys that are not revoked, newest first.
func (s *Store) APIKeys(ctx context.Context, p Page) ([]webhook.APIKey, string, error) {
	var w where
	w.add("revoked_at IS NULL")
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+apiKeyColumns+` FROM api_keys`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args,
		func(row interface{ Scan(...any) error }) (webhook.APIKey, error) {
			k, err := scanAPIKey(row)
			return k.APIKey, err
		})
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(k *webhook.APIKey) string { return string(k.ID) })
	return out, next, nil
}

// RevokeAPIKey ends a key for good.
func (s *Store) RevokeAPIKey(ctx context.Context, id webhook.KeyID) error {
	return s.tx(ctx, func(tx txn) error {
		version, err := bumpAPIKeys(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := bumpCatalogue(ctx, tx); err != nil {
			return err
		}
		k, err := scanAPIKey(tx.QueryRowContext(ctx, `
			UPDATE api_keys SET revoked_at = $2, version = $3 WHERE id = $1 AND revoked_at IS NULL RETURNING `+apiKeyColumns,
			string(id), micros(s.stamp()), version))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return webhook.NotFound("API key", string(id))
		case err != nil:
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceAPIKey, ResourceID: string(id), ClientID: k.BoundTo()})
	})
}

// APIKeyVersion tells how new what is in memory has to be.
type APIKeyVersion struct {
	Keys      int64 // the counter of changes of keys
	Catalogue int64 // the catalogue's at the same moment
}

// APIKeyVersion returns the counters. Read them before the keys themselves:
// then a change in between only means one load too many.
func (s *Store) APIKeyVersion(ctx context.Context) (v APIKeyVersion, err error) {
	err = s.read.QueryRowContext(ctx, `
		SELECT k.value, c.value FROM counters AS k JOIN counters AS c ON c.name = 'catalogue' WHERE k.name = 'api_keys'`).
		Scan(&v.Keys, &v.Catalogue)
	return v, s.wrap(err)
}

// APIKeysSince returns the keys that were made or revoked after a version;
// version 0 gives every key that there ever was.
func (s *Store) APIKeysSince(ctx context.Context, version int64) ([]APIKey, error) {
	return list(ctx, s, `SELECT `+apiKeyColumns+` FROM api_keys WHERE version > $1`, []any{version}, scanAPIKey)
}

// TouchAPIKeys notes when keys were last used. A later time that another
// process has noted stays.
func (s *Store) TouchAPIKeys(ctx context.Context, used map[webhook.KeyID]time.Time) error {
	rows := make([][]any, 0, len(used))
	for id, at := range used {
		rows = append(rows, []any{string(id), micros(at)})
	}
	inLockOrder(rows)
	return s.tx(ctx, func(tx txn) error {
		for part := range s.d.chunks(rows) {
			cte, args := s.d.values("v", []column{{"key_id", text}, {"at", number}}, part)
			_, err := tx.ExecContext(ctx, `WITH `+cte+`
				UPDATE api_keys SET last_used_at = v.at FROM v
				WHERE id = v.key_id AND (last_used_at IS NULL OR last_used_at < v.at)`, args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
