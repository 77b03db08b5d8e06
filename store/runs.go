package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A run is worked on by one scheduler at a time. It holds the run by a lease,
// and every transaction of its work names the generation that it got: when
// the lease has ended and another scheduler has gone on, the first one's
// transactions change nothing and tell it so.

// ErrRunLost says that another scheduler has the run now.
var ErrRunLost = errors.New("another scheduler has the run")

const runColumns = `id, export, event, dataset, trigger, scheduled_for, late, window_from, window_to, zone, client_id,
	subscription_id, page_size, page_bytes, seq, state, error, failures, generation, lease_until, created_at, started_at, finished_at`

func scanRun(row interface{ Scan(...any) error }) (webhook.Run, error) {
	var r webhook.Run
	var scheduled, started, finished sql.NullInt64
	var from, to, lease, created int64
	err := row.Scan(&r.ID, &r.Export, &r.Event, &r.Dataset, &r.Trigger, &scheduled, &r.Late, &from, &to, &r.Zone, &r.ClientID,
		&r.SubscriptionID, &r.PageSize, &r.PageBytes, &r.Seq, &r.State, &r.Error, &r.Failures, &r.Generation, &lease,
		&created, &started, &finished)
	r.Window = webhook.Window{From: stored(from), To: stored(to)}
	r.ScheduledFor, r.StartedAt, r.FinishedAt = pointerStored(scheduled), pointerStored(started), pointerStored(finished)
	r.LeaseUntil, r.CreatedAt = stored(lease), stored(created)
	return r, err
}

// RunFilter selects runs; empty fields select all.
type RunFilter struct {
	Export   string
	ClientID webhook.ClientID // runs for this client, and those for all in which it has a part
}

// Runs lists runs, newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter, p Page) ([]webhook.Run, string, error) {
	var w where
	w.equal("export", f.Export)
	if f.ClientID != "" {
		w.add("(client_id = ? OR EXISTS (SELECT 1 FROM run_clients AS c WHERE c.run_id = runs.id AND c.client_id = ?))",
			string(f.ClientID), string(f.ClientID))
	}
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+runColumns+` FROM runs`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanRun)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(r *webhook.Run) string { return string(r.ID) })
	return out, next, nil
}

// Run returns one run.
func (s *Store) Run(ctx context.Context, id webhook.RunID) (webhook.Run, error) {
	r, err := scanRun(s.read.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return r, webhook.NotFound("run", string(id))
	}
	return r, s.wrap(err)
}

// TakeRun takes up a run that nobody works on, the oldest first, or returns
// nil. The scheduled runs of one dataset go in their order: each clears the
// marks of the late records that it sends before the next one reads them.
func (s *Store) TakeRun(ctx context.Context, now, leaseUntil time.Time) (*webhook.Run, error) {
	var out *webhook.Run
	err := s.tx(ctx, func(tx txn) error {
		out = nil
		r, err := scanRun(tx.QueryRowContext(ctx, `
			UPDATE runs SET generation = generation + 1, lease_until = $2, started_at = COALESCE(started_at, $1)
			WHERE id = (
				SELECT id FROM runs AS r
				WHERE finished_at IS NULL AND lease_until <= $1 AND (trigger <> 'schedule' OR NOT EXISTS (
					SELECT 1 FROM runs AS o
					WHERE o.finished_at IS NULL AND o.dataset = r.dataset AND o.trigger = 'schedule' AND o.seq < r.seq))
				ORDER BY created_at, id LIMIT 1`+s.d.skipLocked+`)
			RETURNING `+runColumns, micros(now), micros(leaseUntil)))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		out = &r
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Hold names a run that is being worked on, and renews its lease with each
// transaction.
type Hold struct {
	RunID      webhook.RunID
	Generation int64
	LeaseUntil time.Time
}

// holdRun locks the run's row, renews the lease and tells whether the run is ours.
func holdRun(ctx context.Context, tx txn, h Hold) error {
	res, err := tx.ExecContext(ctx, `
		UPDATE runs SET lease_until = $3 WHERE id = $1 AND generation = $2 AND finished_at IS NULL`,
		string(h.RunID), h.Generation, micros(h.LeaseUntil))
	if n, err := affected(res, err); err != nil {
		return err
	} else if n == 0 {
		return ErrRunLost
	}
	return nil
}

// RenewRun renews the lease. It returns [ErrRunLost] when the run is another's.
func (s *Store) RenewRun(ctx context.Context, h Hold) error {
	return s.tx(ctx, func(tx txn) error { return holdRun(ctx, tx, h) })
}

// PlanRun stores whom a run is for, once.
func (s *Store) PlanRun(ctx context.Context, h Hold, clients []webhook.RunClient) error {
	return s.tx(ctx, func(tx txn) error {
		if err := holdRun(ctx, tx, h); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE runs SET state = $2 WHERE id = $1 AND state = $3`,
			string(h.RunID), string(webhook.RunRunning), string(webhook.RunPending))
		if n, err := affected(res, err); err != nil || n == 0 {
			return err // it was planned before
		}
		var rows [][]any
		for i := range clients {
			subs, err := json.Marshal(clients[i].Subscriptions)
			if err != nil {
				return err
			}
			rows = append(rows, []any{string(h.RunID), string(clients[i].ClientID), string(subs), string(webhook.ClientBuilding)})
		}
		return s.insert(ctx, tx, "run_clients",
			[]column{{"run_id", text}, {"client_id", text}, {"subscriptions", text}, {"state", text}}, rows)
	})
}

// PutOffRun gives a run back: at is when a scheduler may take it up again,
// and why says what went wrong ("" when nothing did).
func (s *Store) PutOffRun(ctx context.Context, h Hold, at time.Time, why string) error {
	return s.tx(ctx, func(tx txn) error {
		failed := 0
		if why != "" {
			failed = 1
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE runs SET lease_until = $3, error = $4, failures = failures + $5
			WHERE id = $1 AND generation = $2 AND finished_at IS NULL`,
			string(h.RunID), h.Generation, micros(at), storable(why), failed)
		return err
	})
}

// FinishRun ends a run. A scheduled one clears the marks of late records that
// are nobody's any more: those of clients that no subscription listened for.
func (s *Store) FinishRun(ctx context.Context, h Hold, r *webhook.Run) error {
	return s.tx(ctx, func(tx txn) error {
		if err := holdRun(ctx, tx, h); err != nil {
			return err
		}
		if r.Trigger == webhook.RunSchedule && r.ClientID == "" {
			if err := clearAllLate(ctx, tx, r.Dataset, r.Seq); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE runs SET state = $2, finished_at = $3, error = '' WHERE id = $1`,
			string(h.RunID), string(webhook.RunFinished), micros(s.stamp()))
		return err
	})
}

const runClientColumns = `run_id, client_id, subscriptions, state, position, records, bytes, late_records, refused, built,
	released, started_at, finished_at`

func scanRunClient(row interface{ Scan(...any) error }) (webhook.RunClient, error) {
	var c webhook.RunClient
	var subs string
	var started, finished sql.NullInt64
	err := row.Scan(&c.RunID, &c.ClientID, &subs, &c.State, &c.Position, &c.Records, &c.Bytes, &c.LateRecords, &c.Refused,
		&c.Built, &c.Released, &started, &finished)
	if err != nil {
		return c, err
	}
	c.StartedAt, c.FinishedAt = pointerStored(started), pointerStored(finished)
	return c, json.Unmarshal([]byte(subs), &c.Subscriptions)
}

// RunClients lists the clients of a run by id, each with its checkpoint.
func (s *Store) RunClients(ctx context.Context, id webhook.RunID) ([]webhook.RunClient, error) {
	return list(ctx, s, `SELECT `+runClientColumns+` FROM run_clients WHERE run_id = $1 ORDER BY client_id`,
		[]any{string(id)}, scanRunClient)
}

// NextRunClient returns the first client of a run that is not done, or nil.
func (s *Store) NextRunClient(ctx context.Context, id webhook.RunID) (*webhook.RunClient, error) {
	c, err := scanRunClient(s.read.QueryRowContext(ctx, `
		SELECT `+runClientColumns+` FROM run_clients WHERE run_id = $1 AND state <> 'done' ORDER BY client_id LIMIT 1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.wrap(err)
	}
	return &c, nil
}
