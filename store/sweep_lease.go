package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// What is over its time is removed by one process at a time. It holds a lease,
// and every transaction of its work names the generation that it got: when the
// lease has ended and another process has gone on, the first one's
// transactions change nothing and tell it so.

// ErrSweepLost says that another process sweeps now.
var ErrSweepLost = errors.New("another process removes what is over its time")

// SweepHold is the lease of the process that sweeps. Each transaction renews it.
type SweepHold struct {
	Generation int64
	Until      time.Time
}

// TakeSweep takes the lease. ok is false while another process has it.
func (s *Store) TakeSweep(ctx context.Context, now, until time.Time) (h SweepHold, ok bool, err error) {
	h.Until = until
	err = s.tx(ctx, func(tx txn) error {
		err := tx.QueryRowContext(ctx, `
			UPDATE leases SET generation = generation + 1, until = $2 WHERE name = 'sweep' AND until <= $1
			RETURNING generation`, micros(now), micros(until)).Scan(&h.Generation)
		ok = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return h, ok, err
}

// LeaveSweep gives the lease back, so that another process need not wait for its end.
func (s *Store) LeaveSweep(ctx context.Context, h SweepHold) error {
	return s.tx(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `UPDATE leases SET until = 0 WHERE name = 'sweep' AND generation = $1`, h.Generation)
		return err
	})
}

// holdSweep locks the lease's row, renews the lease and tells whether it is ours.
func holdSweep(ctx context.Context, tx txn, h SweepHold) error {
	res, err := tx.ExecContext(ctx, `UPDATE leases SET until = $2 WHERE name = 'sweep' AND generation = $1`,
		h.Generation, micros(h.Until))
	if n, err := affected(res, err); err != nil {
		return err
	} else if n == 0 {
		return ErrSweepLost
	}
	return nil
}

// Reclaim makes SQLite write what was removed over in its file too: what is
// left in the log that is written ahead goes. PostgreSQL does as much by itself,
// some time later.
func (s *Store) Reclaim(ctx context.Context) error {
	if s.lite == nil {
		return nil
	}
	return s.wrap(s.lite.checkpoint(ctx, s.write))
}
