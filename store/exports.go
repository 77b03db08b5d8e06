package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const exportColumns = `name, event, dataset, cron, zone, window_rule, page_size, page_bytes, enabled, version,
	next_fire_at, last_window_to, updated_at`

func scanExport(row interface{ Scan(...any) error }) (webhook.Export, error) {
	var e webhook.Export
	var next, last sql.NullInt64
	var updated int64
	err := row.Scan(&e.Name, &e.Event, &e.Dataset, &e.Cron, &e.Zone, &e.Window, &e.PageSize, &e.PageBytes, &e.Enabled,
		&e.Version, &next, &last, &updated)
	e.NextFireAt, e.LastWindowTo, e.UpdatedAt = maybeStored(next), maybeStored(last), stored(updated)
	return e, err
}

// Exports lists the exports by name.
func (s *Store) Exports(ctx context.Context) ([]webhook.Export, error) {
	return list(ctx, s, `SELECT `+exportColumns+` FROM exports ORDER BY name`, nil, scanExport)
}

// Export returns one export.
func (s *Store) Export(ctx context.Context, name string) (webhook.Export, error) {
	e, err := scanExport(s.read.QueryRowContext(ctx, `SELECT `+exportColumns+` FROM exports WHERE name = $1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return e, webhook.NotFound("export", name)
	}
	return e, s.wrap(err)
}

// UpdateExport stores what people may change of an export, and its next fire.
// It changes nothing and returns false when the export is no longer as it was
// read: edited by somebody else, or fired.
func (s *Store) UpdateExport(ctx context.Context, was, next webhook.Export) (webhook.Export, bool, error) {
	var out webhook.Export
	done := false
	err := s.tx(ctx, func(tx txn) error {
		row := tx.QueryRowContext(ctx, `
			UPDATE exports SET cron = $4, zone = $5, window_rule = $6, page_size = $7, page_bytes = $8, enabled = $9,
				version = version + 1, next_fire_at = $10, updated_at = $11
			WHERE name = $1 AND version = $2 AND COALESCE(next_fire_at, 0) = $3
			RETURNING `+exportColumns,
			was.Name, was.Version, zeroMicros(was.NextFireAt), next.Cron, next.Zone, string(next.Window), int64(next.PageSize),
			int64(next.PageBytes), next.Enabled, maybeMicros(next.NextFireAt), micros(s.stamp()))
		var err error
		out, err = scanExport(row)
		done = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceExport, ResourceID: was.Name})
	})
	return out, done && err == nil, err
}

// ScheduleExport notes when an export fires next, if it is still as it was read.
func (s *Store) ScheduleExport(ctx context.Context, was webhook.Export, next time.Time) error {
	return s.tx(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE exports SET next_fire_at = $4 WHERE name = $1 AND version = $2 AND COALESCE(next_fire_at, 0) = $3`,
			was.Name, was.Version, zeroMicros(was.NextFireAt), maybeMicros(next))
		return err
	})
}

// Fire is a time that a schedule names, with the run that it makes.
type Fire struct {
	Export webhook.Export // as it was read; its NextFireAt is the fire
	Next   time.Time      // the fire after it; zero: there is none
	Run    *webhook.Run   // its Seq is filled in
}

// Fire claims one time of a schedule and creates its run, in one transaction.
// It returns false when the time is claimed already or the schedule has been
// changed: however many schedulers look, one of them makes the run (P10).
func (s *Store) Fire(ctx context.Context, f Fire) (bool, error) {
	claimed := false
	err := s.tx(ctx, func(tx txn) error {
		claimed = false
		res, err := tx.ExecContext(ctx, `
			UPDATE exports SET next_fire_at = $4, last_window_to = $5
			WHERE name = $1 AND version = $2 AND next_fire_at = $3 AND enabled`,
			f.Export.Name, f.Export.Version, micros(f.Export.NextFireAt), maybeMicros(f.Next), micros(f.Run.Window.To))
		if n, err := affected(res, err); err != nil || n == 0 {
			return err
		}
		res, err = tx.ExecContext(ctx, `
			INSERT INTO fires (export, fire_at, run_id, fired_at) VALUES ($1, $2, $3, $4) ON CONFLICT (export, fire_at) DO NOTHING`,
			f.Export.Name, micros(f.Export.NextFireAt), string(f.Run.ID), micros(f.Run.CreatedAt))
		if n, err := affected(res, err); err != nil || n == 0 {
			return err // the schedule was set back to a time that has fired
		}
		claimed = true
		return insertRun(ctx, tx, f.Run)
	})
	return claimed && err == nil, err
}

// CreateRun stores a run that somebody asked for. It returns a *[Replay] when
// the idempotency key was used before.
func (s *Store) CreateRun(ctx context.Context, r *webhook.Run, i *Idempotency) error {
	return s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		return s.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceRun, ResourceID: string(r.ID), ClientID: r.ClientID})
	})
}

// insertRun numbers and stores a run. Raising the dataset's number waits for
// the upserts under way, which hold it: what they store is before the run,
// and whatever starts later is after it.
func insertRun(ctx context.Context, tx txn, r *webhook.Run) error {
	watermark := int64(0)
	if r.Trigger == webhook.RunSchedule {
		watermark = micros(r.Window.To)
	}
	err := tx.QueryRowContext(ctx, `
		UPDATE datasets SET seq = seq + 1, watermark = CASE WHEN watermark < $2 THEN $2 ELSE watermark END
		WHERE name = $1 RETURNING seq`, string(r.Dataset), watermark).Scan(&r.Seq)
	if err != nil {
		return err
	}
	var scheduled any
	if r.ScheduledFor != nil {
		scheduled = micros(*r.ScheduledFor)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO runs (id, export, event, dataset, trigger, scheduled_for, late, window_from, window_to, zone,
			client_id, subscription_id, page_size, page_bytes, seq, state, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		string(r.ID), r.Export, string(r.Event), string(r.Dataset), string(r.Trigger), scheduled, r.Late,
		micros(r.Window.From), micros(r.Window.To), r.Zone, string(r.ClientID), string(r.SubscriptionID),
		int64(r.PageSize), int64(r.PageBytes), r.Seq, string(webhook.RunPending), micros(r.CreatedAt))
	return err
}

// zeroMicros stores the zero time as 0, for comparing.
func zeroMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
