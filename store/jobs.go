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

// A job is worked on by one process at a time. It holds the job by a lease,
// and every transaction of its work names the generation that it got: when the
// lease has ended and another process has gone on, or an operator has canceled
// the job, the first one's transactions change nothing and tell it so.

// ErrJobLost says that another process has the job now, or that it has ended.
var ErrJobLost = errors.New("another process has the job, or it was canceled")

const jobColumns = `id, kind, filter, rate, visible_to, state, counted, done, skipped, skipped_why, error, failures, generation,
	lease_until, created_at, started_at, finished_at`

func scanJob(row interface{ Scan(...any) error }) (webhook.Job, error) {
	var j webhook.Job
	var filter, why string
	var lease, created int64
	var started, finished sql.NullInt64
	err := row.Scan(&j.ID, &j.Kind, &filter, &j.Rate, &j.VisibleTo, &j.State, &j.Counted, &j.Done, &j.Skipped, &why, &j.Error,
		&j.Failures, &j.Generation, &lease, &created, &started, &finished)
	if err != nil {
		return j, err
	}
	j.LeaseUntil, j.CreatedAt = stored(lease), stored(created)
	j.StartedAt, j.FinishedAt = pointerStored(started), pointerStored(finished)
	if err := errors.Join(json.Unmarshal([]byte(filter), &j.Filter), json.Unmarshal([]byte(why), &j.SkippedWhy)); err != nil {
		return j, fmt.Errorf("job %s: %w", j.ID, err)
	}
	return j, nil
}

// CreateJob stores a job that nobody has worked on.
func (s *Store) CreateJob(ctx context.Context, j *webhook.Job, i *Idempotency) error {
	filter, err := json.Marshal(j.Filter)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(tx txn) error {
		if err := s.reserve(ctx, tx, i); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, kind, filter, rate, visible_to, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			string(j.ID), string(j.Kind), string(filter), int64(j.Rate), string(j.VisibleTo), string(j.State), micros(j.CreatedAt))
		if err != nil {
			return err
		}
		return s.note(ctx, tx, jobEntry(j))
	})
}

// jobEntry is the line of what somebody does to a job.
func jobEntry(j *webhook.Job) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceJob, ResourceID: string(j.ID), ClientID: j.Filter.ClientID}
}

// JobsFilter selects jobs; empty fields select all.
type JobsFilter struct {
	State     webhook.JobState
	VisibleTo webhook.ClientID // made by keys of this client
}

// Jobs lists jobs, newest first.
func (s *Store) Jobs(ctx context.Context, f JobsFilter, p Page) ([]webhook.Job, string, error) {
	var w where
	w.equal("state", string(f.State))
	w.equal("visible_to", string(f.VisibleTo))
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+jobColumns+` FROM jobs`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanJob)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(j *webhook.Job) string { return string(j.ID) })
	return out, next, nil
}

// Job returns one job.
func (s *Store) Job(ctx context.Context, id webhook.JobID) (webhook.Job, error) {
	j, err := scanJob(s.read.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return j, webhook.NotFound("job", string(id))
	}
	return j, s.wrap(err)
}

// JobParts lists the parts of a job by subscription; none while it is not counted.
func (s *Store) JobParts(ctx context.Context, id webhook.JobID) ([]webhook.JobPart, error) {
	return list(ctx, s, `
		SELECT job_id, subscription_id, position, counted, done, skipped, finished FROM job_parts WHERE job_id = $1 ORDER BY subscription_id`,
		[]any{string(id)}, func(row interface{ Scan(...any) error }) (p webhook.JobPart, err error) {
			err = row.Scan(&p.JobID, &p.SubscriptionID, &p.Position, &p.Counted, &p.Done, &p.Skipped, &p.Finished)
			return p, err
		})
}

// JobWaiting counts, by subscription, what a job has asked for and what was not
// sent yet.
func (s *Store) JobWaiting(ctx context.Context, id webhook.JobID) (map[webhook.SubscriptionID]int, error) {
	type part struct {
		sub webhook.SubscriptionID
		n   int
	}
	rows, err := list(ctx, s, `
		SELECT subscription_id, count(*) FROM deliveries
		WHERE job_id = $1 AND job_id IS NOT NULL AND (manual_at IS NOT NULL OR state = 'pending') GROUP BY subscription_id`,
		[]any{string(id)}, func(row interface{ Scan(...any) error }) (p part, err error) {
			err = row.Scan(&p.sub, &p.n)
			return p, err
		})
	out := make(map[webhook.SubscriptionID]int, len(rows))
	for _, r := range rows {
		out[r.sub] = r.n
	}
	return out, err
}

// CancelJob ends a job before its time. What it has done stays. A job that was
// canceled before is returned as it is.
func (s *Store) CancelJob(ctx context.Context, id webhook.JobID) (webhook.Job, error) {
	var j webhook.Job
	err := s.tx(ctx, func(tx txn) error {
		var err error
		j, err = scanJob(tx.QueryRowContext(ctx, `
			UPDATE jobs SET state = $2, finished_at = $3, error = '', generation = generation + 1
			WHERE id = $1 AND finished_at IS NULL RETURNING `+jobColumns, string(id), string(webhook.JobCanceled), micros(s.stamp())))
		if err == nil {
			return s.note(ctx, tx, jobEntry(&j))
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		j, err = scanJob(tx.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, string(id)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return webhook.NotFound("job", string(id))
		case err != nil || j.State == webhook.JobCanceled:
			return err
		}
		return webhook.Conflict("job_finished", "Job %s is %s; only one that still works can be canceled.", id, j.State)
	})
	return j, err
}

// TakeJob takes up a job that nobody works on, the oldest first, or returns nil.
func (s *Store) TakeJob(ctx context.Context, now, leaseUntil time.Time) (*webhook.Job, error) {
	var out *webhook.Job
	err := s.tx(ctx, func(tx txn) error {
		out = nil
		j, err := scanJob(tx.QueryRowContext(ctx, `
			UPDATE jobs SET generation = generation + 1, lease_until = $2, started_at = COALESCE(started_at, $1), state = $3
			WHERE id = (
				SELECT id FROM jobs WHERE finished_at IS NULL AND lease_until <= $1 ORDER BY id LIMIT 1`+s.d.skipLocked+`)
			RETURNING `+jobColumns, micros(now), micros(leaseUntil), string(webhook.JobRunning)))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		out = &j
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// JobHold names a job that is being worked on, and renews its lease with each
// transaction.
type JobHold struct {
	JobID      webhook.JobID
	Generation int64
	LeaseUntil time.Time
}

// holdJob locks the job's row, renews the lease and tells whether the job is
// ours; what it has skipped so far comes with it.
func holdJob(ctx context.Context, tx txn, h JobHold) (skipped string, err error) {
	err = tx.QueryRowContext(ctx, `
		UPDATE jobs SET lease_until = $3, error = '' WHERE id = $1 AND generation = $2 AND finished_at IS NULL RETURNING skipped_why`,
		string(h.JobID), h.Generation, micros(h.LeaseUntil)).Scan(&skipped)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrJobLost
	}
	return skipped, err
}

// RenewJob renews the lease. It returns [ErrJobLost] when the job is another's,
// or canceled.
func (s *Store) RenewJob(ctx context.Context, h JobHold) error {
	return s.tx(ctx, func(tx txn) error { _, err := holdJob(ctx, tx, h); return err })
}

// storable is the text of an error as PostgreSQL takes it: it may repeat what
// somebody sent us, or have been cut in the middle of a letter.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

// PutOffJob gives a job back, to be taken up at a time. why is "" when nothing
// went wrong.
func (s *Store) PutOffJob(ctx context.Context, h JobHold, at time.Time, why string) error {
	failed := min(1, len(why))
	return s.tx(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE jobs SET lease_until = $3, error = $4, failures = failures + $5
			WHERE id = $1 AND generation = $2 AND finished_at IS NULL`,
			string(h.JobID), h.Generation, micros(at), storable(why), failed)
		return err
	})
}

// PlanJob stores the parts of a job, with how much was counted of each, once.
func (s *Store) PlanJob(ctx context.Context, h JobHold, parts []webhook.JobPart) error {
	return s.tx(ctx, func(tx txn) error {
		if _, err := holdJob(ctx, tx, h); err != nil {
			return err
		}
		var total int64
		rows := make([][]any, len(parts))
		for i := range parts {
			total += parts[i].Counted
			rows[i] = []any{string(h.JobID), string(parts[i].SubscriptionID), parts[i].Counted}
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE jobs SET counted = $2 WHERE id = $1 AND counted IS NULL`, string(h.JobID), total))
		if err != nil || n == 0 {
			return err // it was planned before
		}
		return s.insert(ctx, tx, "job_parts", []column{{"job_id", text}, {"subscription_id", text}, {"counted", number}}, rows)
	})
}

// FinishJob ends a job whose parts are all finished.
func (s *Store) FinishJob(ctx context.Context, h JobHold) error {
	return s.tx(ctx, func(tx txn) error {
		if _, err := holdJob(ctx, tx, h); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET state = $2, finished_at = $3 WHERE id = $1`,
			string(h.JobID), string(webhook.JobCompleted), micros(s.stamp()))
		return err
	})
}
