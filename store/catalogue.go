package store

import (
	"context"
	"database/sql"
	"errors"
)

// The catalogue is what decides who gets what: subscriptions and event types.
// Processes keep it in memory. Each change of it raises a counter in the same
// transaction, and whatever was decided from memory is checked against the
// counter in the transaction that acts on it; so a change is seen by every
// process at once, without polling and without a message that could be lost.

// errStale says that the catalogue in memory is older than the database's.
var errStale = errors.New("the catalogue in memory is stale")

// IsStale tells whether the caller has to load the catalogue again.
func IsStale(err error) bool { return errors.Is(err, errStale) }

// bumpCatalogue raises the counter. It comes first in a transaction: its row
// lock puts changes of the catalogue in an order, and intakes before or after.
func bumpCatalogue(ctx context.Context, tx txn) (v int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = 'catalogue' RETURNING value`).Scan(&v)
	return v, err
}

func catalogueVersion(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
},
) (v int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'catalogue'`).Scan(&v)
	return v, err
}

// CatalogueVersion returns the counter. Read it before the catalogue itself:
// then a change in between only means one load too many.
func (s *Store) CatalogueVersion(ctx context.Context) (int64, error) {
	v, err := catalogueVersion(ctx, s.read)
	return v, s.wrap(err)
}

// CheckCatalogue returns an error for which [IsStale] holds when version is
// not the present one.
func (s *Store) CheckCatalogue(ctx context.Context, version int64) error {
	now, err := s.CatalogueVersion(ctx)
	if err == nil && now != version {
		err = errStale
	}
	return err
}
