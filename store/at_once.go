package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// On PostgreSQL a hot batch is one statement, and so one transaction in one
// round trip instead of five. SQLite, where a round trip costs nothing and no
// statement can write two tables, runs the parts one by one: acceptAll, claim
// and record say what each means.

// openHot opens the connections of the hot batches.
func openHot(config pgx.ConnConfig) *sql.DB {
	db := stdlib.OpenDB(config, stdlib.OptionAfterConnect(planOnce))
	db.SetMaxOpenConns(hotConns)
	db.SetMaxIdleConns(hotConns)
	return db
}

// hotConns is how many batches can run at once: intakes, claims and results,
// two of each (startBatches).
const hotConns = 6

// planOnce has PostgreSQL plan each hot statement once for a connection. The
// plan must be right for tables of every size, so that only one is left: rows
// are found one by one in an index. Left to itself it would keep the plan it
// made when the tables were empty, and read them whole, batch after batch.
func planOnce(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SET plan_cache_mode = force_generic_plan; SET jit = off;
		SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off`)
	return err
}

// unnest writes a row source for a WITH clause whose parameters begin after
// the given number of them.
func unnest(name string, cols []column, after int) string {
	var b strings.Builder
	b.WriteString(name + "(" + names(cols) + ") AS MATERIALIZED (SELECT * FROM unnest(")
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(after+i+1) + "::" + pgArrays[c.kind])
	}
	b.WriteString("))")
	return b.String()
}

func names(cols []column) string {
	all := make([]string, len(cols))
	for i, c := range cols {
		all[i] = c.name
	}
	return strings.Join(all, ", ")
}

// acceptStatement inserts messages and deliveries if the catalogue is still at
// version $1 (0: whatever it is), and returns its version.
var acceptStatement = `WITH ` + unnest("m", messageColumns, 1) + `, ` + unnest("d", newDeliveryColumns, 1+len(messageColumns)) + `,
	c AS MATERIALIZED (SELECT value FROM counters WHERE name = 'catalogue'),
	messages_in AS (INSERT INTO messages (` + names(messageColumns) + `)
		SELECT ` + names(messageColumns) + ` FROM m WHERE $1::bigint IN (0, (SELECT value FROM c))),
	deliveries_in AS (INSERT INTO deliveries (` + names(newDeliveryColumns) + `)
		SELECT ` + names(newDeliveryColumns) + ` FROM d WHERE $1::bigint IN (0, (SELECT value FROM c)))
	SELECT value FROM c`

// atOnce tells whether some intakes can go into one statement: each brings one
// message, all were matched with one version, and none needs a lock, a key's
// row or a line of the audit log.
func (s *Store) atOnce(ins []*Intake) bool {
	if s.hot == nil {
		return false
	}
	for _, in := range ins {
		if in.Idempotency != nil || len(in.Messages) != 1 || in.Catalogue != ins[0].Catalogue {
			return false
		}
		for i := range in.Deliveries {
			if in.Deliveries[i].Held {
				return false
			}
		}
	}
	return true
}

// acceptAtOnce is acceptAll in one statement.
func (s *Store) acceptAtOnce(ctx context.Context, ins []*Intake, out []batch.Result[struct{}]) error {
	var messages, deliveries [][]any
	for _, in := range ins {
		messages = appendMessages(messages, in.by, in.Messages)
		deliveries = appendDeliveries(deliveries, in.Deliveries)
	}
	args := append([]any{ins[0].Catalogue}, pgColumns(messageColumns, messages)...)
	args = append(args, pgColumns(newDeliveryColumns, deliveries)...)
	var version int64
	if err := retryVictim(func() error { return s.hot.QueryRowContext(ctx, acceptStatement, args...).Scan(&version) }); err != nil {
		return s.wrap(err)
	}
	for i, in := range ins {
		out[i].Err = nil
		if in.Catalogue != 0 && in.Catalogue != version {
			out[i].Err = errStale
		}
	}
	return nil
}

// claimStatement also gets the bodies and the catalogue's version. A claim may
// be lost with a crash of the database: it is then a lease that ends.
var claimStatement = `WITH ` + unnest("v", claimColumns, 0) + `,
	a AS MATERIALIZED (SELECT value, set_config('synchronous_commit', 'off', true) FROM counters WHERE name = 'catalogue'),
	u AS (` + claimUpdate + `)
	SELECT ` + qualified("u", claimedColumns) + `, m.body, (SELECT value FROM a)
	FROM u LEFT JOIN messages AS m ON m.id = u.message_id`

// qualified puts a table's name before each of some columns.
func qualified(table, columns string) string {
	all := strings.Split(columns, ",")
	for i := range all {
		all[i] = table + "." + strings.TrimSpace(all[i])
	}
	return strings.Join(all, ", ")
}

// claimAtOnce is claim in one statement.
func (s *Store) claimAtOnce(ctx context.Context, rows [][]any) ([]Claimed, error) {
	var out []Claimed
	bodies := map[webhook.MessageID][]byte{} // the same for all deliveries of a message
	scan := func(row interface{ Scan(...any) error }) (Claimed, error) {
		var body []byte
		var version int64
		c, err := scanClaimed(also{row, []any{&body, &version}})
		if known, ok := bodies[c.MessageID]; ok {
			body = known
		}
		bodies[c.MessageID] = body
		c.Body, c.Catalogue = body, version
		return c, err
	}
	for part := range s.d.chunks(rows) {
		var some []Claimed
		err := retryVictim(func() error {
			taken, err := s.hot.QueryContext(ctx, claimStatement, pgColumns(claimColumns, part)...)
			if err == nil {
				some, err = collect(taken, scan)
			}
			return err
		})
		if err != nil {
			return nil, s.wrap(err)
		}
		out = append(out, some...)
	}
	return out, nil
}

// also scans more columns behind those that a scan function knows.
type also struct {
	row  interface{ Scan(...any) error }
	more []any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.more...)...) }

// recordStatement updates the deliveries and adds the attempts of those that
// were not fenced.
var recordStatement = `WITH ` + unnest("v", append(resultColumns[:len(resultColumns):len(resultColumns)], attemptColumns[1:]...), 0) + `,
	u AS (` + recordUpdate + `, ` + names(attemptColumns[1:]) + `),
	attempts_in AS (INSERT INTO attempts (` + names(attemptColumns) + `) SELECT id, ` + names(attemptColumns[1:]) + ` FROM u)
	SELECT id, generation, state, next_attempt_at, manual FROM u`

// recordAtOnce is record in one statement.
func (s *Store) recordAtOnce(ctx context.Context, rs []Result, out []batch.Result[Recorded]) error {
	rows, index := resultRows(rs)
	for i, row := range rows {
		r := &rs[index[Ref{webhook.DeliveryID(row[0].(string)), row[1].(int64)}]]
		rows[i] = append(row, attemptRow(r.ID, r.Attempt)[1:]...)
	}
	cols := append(resultColumns[:len(resultColumns):len(resultColumns)], attemptColumns[1:]...)
	return s.wrap(retryVictim(func() error {
		for i := range out {
			out[i] = batch.Result[Recorded]{Value: Recorded{Fenced: true}}
		}
		changed, err := s.hot.QueryContext(ctx, recordStatement, pgColumns(cols, rows)...)
		if err != nil {
			return err
		}
		return scanRecorded(changed, index, out)
	}))
}
