package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Idempotency is the key of a request that creates something, with the answer
// that the first request gets. It is stored in the transaction that creates,
// so the two cannot part.
type Idempotency struct {
	Scope       string // who asks for what: a key means nothing outside its scope
	Key         string // the Idempotency-Key header
	RequestHash []byte // SHA-256 of the request
	Status      int    // HTTP status of the answer
	Response    []byte // the answer as the API gives it; sealed when it holds a secret
	// ClientID is whose personal data the answer holds: it goes with them. "":
	// it holds none.
	ClientID webhook.ClientID
}

// Replay is the error for a request that was made before: its first answer.
type Replay struct {
	Status   int
	Response []byte
}

func (r *Replay) Error() string { return "the request was made before with this Idempotency-Key" }

func keyReused() error {
	return webhook.Conflict("idempotency_key_reused",
		"This Idempotency-Key was used before for another request. Use a new key, or repeat the first request unchanged.")
}

// FindIdempotent returns nil when a key was never used, and otherwise a
// *Replay, or the conflict when the request was another.
func (s *Store) FindIdempotent(ctx context.Context, i *Idempotency) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	return s.wrap(findIdempotent(ctx, s.read, i))
}

func findIdempotent(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, i *Idempotency,
) error {
	var hash []byte
	var r Replay
	err := q.QueryRowContext(ctx, `SELECT request_hash, status, response FROM idempotency_keys WHERE scope = $1 AND key = $2`,
		i.Scope, i.Key).Scan(&hash, &r.Status, &r.Response)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case !bytes.Equal(hash, i.RequestHash):
		return keyReused()
	}
	return &r
}

// reserve stores the key; a key that was used before is a *Replay or a conflict.
func (s *Store) reserve(ctx context.Context, tx txn, i *Idempotency) error {
	if i == nil {
		return nil
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO idempotency_keys (scope, key, request_hash, status, response, client_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope, key) DO NOTHING`,
		i.Scope, i.Key, i.RequestHash, i.Status, i.Response, string(i.ClientID), micros(s.stamp()))
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 {
		return err
	}
	if err := findIdempotent(ctx, tx, i); err != nil {
		return err
	}
	return errors.New("an idempotency key vanished while it was looked at")
}
