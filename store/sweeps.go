package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Sweep is one kind of rows that are removed when their time is over.
type Sweep string

// The sweeps. Those of the log must follow those of what hangs on it: see
// [Sweeps].
const (
	SweepEventPayloads   Sweep = "payloads of events"
	SweepOtherPayloads   Sweep = "payloads of pages, callbacks and tests"
	SweepVerifications   Sweep = "details of verifications"
	SweepAttempts        Sweep = "attempts"
	SweepRuns            Sweep = "runs"
	SweepJobs            Sweep = "bulk jobs"
	SweepDeliveries      Sweep = "deliveries"
	SweepEvents          Sweep = "events"
	SweepOtherMessages   Sweep = "pages, callbacks and tests"
	SweepVerificationLog Sweep = "verifications"
	SweepRecords         Sweep = "records"
	SweepIdempotency     Sweep = "idempotency keys"
	SweepAudit           Sweep = "lines of the audit log"
)

// SweepTerms are the times of one batch of a sweep.
type SweepTerms struct {
	Hold   SweepHold
	Now    time.Time
	Before time.Time     // what was over by then goes
	Again  time.Duration // after which what had to be left is looked at again
}

// Swept is what one batch did.
type Swept struct {
	Removed int64 // rows, or bodies of rows that stay
	More    bool  // the next batch may find more
}

// The most that one transaction touches, so that it never keeps an intake
// waiting for long.
const (
	sweepRows  = 256     // rows looked at, or removed
	sweepBytes = 4 << 20 // of bodies removed, unless one alone has more
)

// walk is a sweep that goes through a table by ids, which hold the time.
type walk struct {
	table  string
	prefix string
	size   string // an expression: bytes of a row's body; "": it has none
	limit  int
	// remove takes what is over among rows v (v_id, v_now, v_before), and
	// returns how many, and whether it stopped at its limit.
	remove func(s *Store, ctx context.Context, tx txn, cte string, args []any) (n int64, full bool, err error)
	// left is a condition on rows x that were not to be removed yet.
	left string
}

func sweepWalks() map[Sweep]walk {
	payloads := walk{table: "messages", size: "octet_length(x.body)", limit: sweepRows, remove: (*Store).clearBodies, left: `x.body IS NOT NULL`}
	messages := walk{table: "messages", limit: sweepRows, remove: (*Store).removeMessages, left: `TRUE`}
	of := func(w walk, prefix string) walk { w.prefix = prefix; return w }
	return map[Sweep]walk{
		SweepEventPayloads: of(payloads, webhook.PrefixEvent),
		SweepOtherPayloads: of(payloads, webhook.PrefixMessage),
		SweepEvents:        of(messages, webhook.PrefixEvent),
		SweepOtherMessages: of(messages, webhook.PrefixMessage),
		SweepVerifications: {
			table: "verifications", prefix: webhook.PrefixVerification, limit: sweepRows,
			remove: (*Store).clearVerifications, left: `x.wiped_at IS NULL`,
		},
		SweepVerificationLog: {
			table: "verifications", prefix: webhook.PrefixVerification, limit: sweepRows,
			remove: (*Store).removeVerifications, left: `TRUE`,
		},
		SweepAttempts: {
			table: "deliveries", prefix: webhook.PrefixDelivery, limit: sweepRows / 2,
			remove: (*Store).removeAttempts, left: `NOT (` + deliveryOver("x") + `)`,
		},
		SweepDeliveries: {
			table: "deliveries", prefix: webhook.PrefixDelivery, limit: sweepRows / 2,
			remove: (*Store).removeDeliveries, left: `TRUE`,
		},
		SweepJobs: {table: "jobs", prefix: webhook.PrefixJob, limit: 1, remove: (*Store).removeJob, left: `TRUE`},
		SweepRuns: {table: "runs", prefix: webhook.PrefixRun, limit: 1, remove: (*Store).removeRun, left: `TRUE`},
	}
}

// deliveryFinal is a condition on a delivery: nothing is sent for it any more,
// nor is an attempt under way.
func deliveryFinal(d string) string {
	return fmt.Sprintf(`%[1]s.state IN ('succeeded', 'failed', 'canceled') AND %[1]s.manual_at IS NULL
		AND (%[1]s.lease_until IS NULL OR %[1]s.lease_until <= v_now)`, d)
}

// deliveryOver is a condition on a delivery: it is final since v_before.
func deliveryOver(d string) string {
	return deliveryFinal(d) + ` AND ` + d + `.finished_at <= v_before`
}

// Sweep removes one batch of what is over its time. It goes on where the last
// one stopped, in whatever process that was; what it had to leave it looks at
// again later.
func (s *Store) Sweep(ctx context.Context, sweep Sweep, t SweepTerms) (out Swept, err error) {
	err = s.tx(ctx, func(tx txn) error {
		if err := holdSweep(ctx, tx, t.Hold); err != nil {
			return err
		}
		switch sweep {
		case SweepRecords:
			out, err = s.removeRecords(ctx, tx, t)
		case SweepIdempotency:
			out, err = s.removeIdempotency(ctx, tx, t)
		case SweepAudit:
			out, err = s.removeAudit(ctx, tx, t)
		default:
			w, ok := sweepWalks()[sweep]
			if !ok {
				return fmt.Errorf("there is no sweep %q", sweep)
			}
			out, err = s.walk(ctx, tx, step{sweep, w, t})
		}
		return err
	})
	return out, err
}

// step is one batch of a walk.
type step struct {
	sweep Sweep
	walk
	t SweepTerms
}

// walk looks again at what was left, when its time has come, and else goes on
// to the next ids.
func (s *Store) walk(ctx context.Context, tx txn, b step) (Swept, error) {
	ids, err := s.keptIDs(ctx, tx, b)
	if err != nil {
		return Swept{}, err
	}
	again := len(ids) > 0
	if !again {
		if ids, err = s.nextIDs(ctx, tx, b); err != nil || len(ids) == 0 {
			return Swept{}, err
		}
	}
	cte, args := b.rows(s.d, ids)
	n, full, err := b.remove(s, ctx, tx, cte, args)
	if err != nil || full { // there is more of the same rows
		return Swept{n, true}, err
	}
	if again { // noted anew, if it is still there
		if _, err := tx.ExecContext(ctx, `WITH `+cte+` DELETE FROM sweep_kept WHERE sweep = '`+string(b.sweep)+`'
			AND id IN (SELECT v_id FROM v)`, args...); err != nil {
			return Swept{}, err
		}
	}
	if _, err := tx.ExecContext(ctx, `WITH `+cte+` INSERT INTO sweep_kept (sweep, id, check_at)
		SELECT '`+string(b.sweep)+`', x.id, v_again FROM v JOIN `+b.table+` AS x ON x.id = v_id WHERE `+b.left, args...); err != nil {
		return Swept{}, err
	}
	if again {
		return Swept{n, true}, nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sweeps (name, position) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET position = excluded.position`, string(b.sweep), ids[len(ids)-1])
	return Swept{n, true}, err
}

// rows are ids as a table v, with the times of the step.
func (b *step) rows(d dialect, ids []string) (string, []any) {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, micros(b.t.Now), micros(b.t.Before), micros(b.t.Now.Add(b.t.Again))}
	}
	return d.values("v", []column{{"v_id", text}, {"v_now", number}, {"v_before", number}, {"v_again", number}}, rows)
}

// keptIDs returns ids that were left and are to be looked at again.
func (s *Store) keptIDs(ctx context.Context, tx txn, b step) ([]string, error) {
	return b.ids(tx.QueryContext(ctx, `
		SELECT k.id, `+b.bytes()+` FROM sweep_kept AS k LEFT JOIN `+b.table+` AS x ON x.id = k.id
		WHERE k.sweep = $1 AND k.check_at <= $2 ORDER BY k.check_at LIMIT $3`, string(b.sweep), micros(b.t.Now), b.limit))
}

// nextIDs returns the ids that come next, with as many bytes as a step may have.
func (s *Store) nextIDs(ctx context.Context, tx txn, b step) ([]string, error) {
	position := b.prefix
	err := tx.QueryRowContext(ctx, `SELECT position FROM sweeps WHERE name = $1`, string(b.sweep)).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return b.ids(tx.QueryContext(ctx, `SELECT x.id, `+b.bytes()+` FROM `+b.table+` AS x WHERE x.id > $1 AND x.id < $2 ORDER BY x.id LIMIT $3`,
		position, webhook.FirstIDAt(b.prefix, b.t.Before), b.limit))
}

// bytes is an expression: the size of row x.
func (b *step) bytes() string {
	if b.size == "" {
		return "0"
	}
	return "COALESCE(" + b.size + ", 0)"
}

// ids reads ids with their sizes, and returns as many as a step may have.
func (b *step) ids(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	all, err := collect(rows, scanSized)
	return upTo(all), err
}

// sized is an id with the bytes of what hangs on it.
type sized struct {
	id    string
	bytes int64
}

func scanSized(row interface{ Scan(...any) error }) (out sized, err error) {
	err = row.Scan(&out.id, &out.bytes)
	return out, err
}

// upTo returns the first ids, at least one, until they have the bytes of a
// batch. They are a power of two, as in [dialect.chunks]: each number of them is
// a statement of its own on SQLite, of which few stay prepared.
func upTo(all []sized) []string {
	var ids []string
	bytes := int64(0)
	for _, x := range all {
		if bytes += x.bytes; len(ids) > 0 && bytes > sweepBytes {
			break
		}
		ids = append(ids, x.id)
	}
	if len(ids) == 0 {
		return nil
	}
	return ids[:1<<(bits.Len(uint(len(ids)))-1)]
}
