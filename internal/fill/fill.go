package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
	_ "modernc.org/sqlite"             // registers "sqlite"
)

// History is what is put in. The database has its schema and at least one
// subscription; the deliveries are spread evenly over all of them.
type History struct {
	Database   string // as store.Open takes it
	Deliveries int
	Until      time.Time // the last of them is that old; they are a second apart
	Body       int       // bytes of each message's body, at least those of an empty one
	// Progress is told how many are done, now and then; nil: nobody wants to know.
	Progress func(done int)
}

// A transaction holds so many deliveries: more would keep PostgreSQL's
// checkpoints from beginning, fewer take longer.
const chunk = 50_000

// One of so many deliveries has failed; the others have succeeded.
const failedOneIn = 100

// Put writes the history, and leaves the database as its own housekeeping
// would in time: analyzed, with nothing left to be written back.
func (h History) Put(ctx context.Context) error {
	db, d, err := open(h.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	var subscriptions int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM subscriptions WHERE deleted_at IS NULL`).Scan(&subscriptions); err != nil {
		return err
	}
	if subscriptions == 0 {
		return errors.New("fill: there is no subscription that could have a history")
	}
	for first := 1; first <= h.Deliveries; first += chunk {
		last := min(first+chunk-1, h.Deliveries)
		if err := h.put(ctx, db, d, span{first, last, subscriptions}); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		if h.Progress != nil {
			h.Progress(last)
		}
	}
	for _, statement := range d.settle {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill: %s: %w", statement, err)
		}
	}
	return nil
}

// dialect is in what the databases differ.
type dialect struct {
	id     string   // the 26 characters of an id, of the number g
	settle []string // the housekeeping
}

func open(address string) (*sql.DB, dialect, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=cache_size(-64000)")
		return db, dialect{`printf('%026x', g)`, []string{`PRAGMA wal_checkpoint(TRUNCATE)`}}, err
	}
	db, err := sql.Open("pgx", address)
	return db, dialect{`lpad(to_hex(g), 26, '0')`, []string{`VACUUM ANALYZE`, `CHECKPOINT`}}, err
}

// span is a part of the history.
type span struct{ first, last, subscriptions int }

// numbered gives each number of a span its subscription.
//
//	in:  $1 the first number, $2 the last, $3 how many subscriptions there are,
//	     $4 when number 0 was, in microseconds
//	out: h(g, at, subscription, client, url)
const numbered = `
	WITH RECURSIVE n(g) AS (
		SELECT CAST($1 AS BIGINT) UNION ALL SELECT g + 1 FROM n WHERE g < CAST($2 AS BIGINT)),
	s AS (SELECT id, client_id, url, row_number() OVER (ORDER BY id) - 1 AS place FROM subscriptions WHERE deleted_at IS NULL),
	h AS (SELECT g, CAST($4 AS BIGINT) + g * 1000000 AS at, s.id AS subscription, s.client_id AS client, s.url AS url
		FROM n JOIN s ON s.place = g % CAST($3 AS BIGINT))
`

// The statements. ids are hexadecimal numbers, which the alphabet of ids
// allows; they sort before every id that was ever made of a time.
const (
	putMessages = `
	INSERT INTO messages (id, kind, client_id, type, body, data_start, data_length, occurred_at, created_at, target)
	SELECT 'evt_' || ID, 'event', client, 'shop.product.redemption', $5, 0, 2, at, at, '' FROM h`

	putDeliveries = `
	INSERT INTO deliveries (id, message_id, kind, client_id, event_type, subscription_id, url, method, state, generation,
		attempt_count, automatic_count, created_at, finished_at, last_status, last_error)
	SELECT 'dlv_' || ID, 'evt_' || ID, 'event', client, 'shop.product.redemption', subscription, url, 'POST',
		CASE WHEN g % $5 = 0 THEN 'failed' ELSE 'succeeded' END, 3, 1, 1, at, at + 20000,
		CASE WHEN g % $5 = 0 THEN 500 ELSE 200 END, CASE WHEN g % $5 = 0 THEN 'status' ELSE '' END
	FROM h`

	putAttempts = `
	INSERT INTO attempts (delivery_id, number, trigger, started_at, duration_us, status, error_code, detail, response_body)
	SELECT 'dlv_' || ID, 1, 'automatic', at + 10000, 10000, CASE WHEN g % $5 = 0 THEN 500 ELSE 200 END,
		CASE WHEN g % $5 = 0 THEN 'status' ELSE '' END, $6, $7
	FROM h`
)

const detail = `{"url":"http://127.0.0.1:9/ok","remote":"127.0.0.1:9","first_byte":9000000,` +
	`"request":{"Content-Type":"application/json","Webhook-Id":"evt_","Webhook-Signature":"[redacted]"},"response":{"Content-Length":["0"]}}`

func (h History) put(ctx context.Context, db *sql.DB, d dialect, s span) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	zero := h.Until.Add(-time.Duration(h.Deliveries) * time.Second).UnixMicro()
	body := []byte(`{}` + strings.Repeat(" ", max(0, h.Body-2)))
	for _, statement := range []struct {
		text string
		args []any
	}{
		{putMessages, []any{body}},
		{putDeliveries, []any{failedOneIn}},
		{putAttempts, []any{failedOneIn, []byte(detail), []byte{}}},
	} {
		text := numbered + strings.NewReplacer(
			" || ID", " || "+d.id, "g % $5", "g % CAST($5 AS BIGINT)",
		).Replace(statement.text)
		if _, err := tx.ExecContext(ctx, text, append([]any{s.first, s.last, s.subscriptions, zero}, statement.args...)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
