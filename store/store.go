package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers "sqlite"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/migrations"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Store is one database. It is safe for concurrent use.
type Store struct {
	write *sql.DB     // PostgreSQL: the pool; SQLite: the one writer connection
	lite  *liteWriter // SQLite only
	hot   *sql.DB     // PostgreSQL only: the connections of the hot batches
	read  *sql.DB     // PostgreSQL: the same pool; SQLite: a pool of query_only readers
	d     dialect
	now   func() time.Time

	closed atomic.Bool // the pools are
	ready  readiness

	created created // counts for statistics

	intake   *batch.Batcher[*Intake, struct{}]
	claims   *batch.Batcher[claimCall, []Claimed]
	results  *batch.Batcher[Result, Recorded]
	releases *batch.Batcher[Release, struct{}]
}

// Options of Open.
type Options struct {
	// Now is the clock for created_at and updated_at; nil: time.Now.
	Now func() time.Time
	// ObserveBatch is called after each batch of the hot path with its name,
	// one of [Batches]; nil: nobody looks.
	ObserveBatch func(name string, run batch.Run)
}

// Batches are the names of the batches of the hot path.
func Batches() []string { return []string{batchIntake, batchClaims, batchResults, batchReleases} }

const (
	batchIntake   = "intake"
	batchClaims   = "claims"
	batchResults  = "results"
	batchReleases = "releases"
)

// batchRows is how many rows a hot batch gathers: about a hundred is best on
// both databases.
const batchRows = 100

// A batch costs several times what one more row in it costs, so under load the
// next one waits for company: behind an intake somebody waits for the answer,
// behind a result nobody does.
const (
	gatherFrom   = 8
	intakeGather = time.Millisecond
	resultGather = 6 * time.Millisecond
)

// sqliteBusy is how long a SQLite connection waits for another process.
const sqliteBusy = 5 * time.Second

// Open connects to the database at address: "sqlite:PATH" or "postgres://…".
// It does not touch the schema: see [Store.Migrate].
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	s := &Store{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	switch {
	case strings.HasPrefix(address, "sqlite:"):
		err = s.openSQLite(strings.TrimPrefix(address, "sqlite:"))
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		err = s.openPostgres(address)
	default:
		return nil, errors.New("the database address must start with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the %s database: %w", s.d.name, err), s.closePools())
	}
	s.startBatches(o)
	return s, nil
}

func (s *Store) openSQLite(path string) error {
	if path == "" || path == ":memory:" {
		return errors.New("the SQLite database needs a file path: sqlite:PATH")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dsn := func(pragmas ...string) string {
		q := url.Values{"_txlock": {"immediate"}}
		for _, p := range append(pragmas, fmt.Sprintf("busy_timeout(%d)", sqliteBusy.Milliseconds())) {
			q.Add("_pragma", p)
		}
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String()
	}
	s.d = sqliteDialect()
	// synchronous(FULL): what was committed survives a power loss.
	// secure_delete(ON): what was removed is not left in the file.
	if s.write, err = sql.Open("sqlite", dsn("journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "cache_size(-16000)", "temp_store(MEMORY)")); err != nil {
		return err
	}
	// One connection is the writer's for good (tx.go); the other one migrates.
	s.write.SetMaxOpenConns(2)
	s.lite = newLiteWriter()
	if s.read, err = sql.Open("sqlite", dsn("query_only(true)", "cache_size(-8000)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	s.read.SetMaxIdleConns(4)
	return nil
}

func (s *Store) openPostgres(address string) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("the PostgreSQL address cannot be read: %w", redactAddress(err, address))
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(planEachTime))
	// Not NumCPU: a container with two of a machine's 64 cores is not to take 256.
	db.SetMaxOpenConns(max(16, 4*runtime.GOMAXPROCS(0)))
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s.d, s.write, s.read, s.hot = postgresDialect(), db, db, openHot(*config)
	return nil
}

// planEachTime has PostgreSQL plan each batch for the tables as they are. A
// plan that it made and kept while they were nearly empty would read them whole,
// batch after batch, until the next analyze.
func planEachTime(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, "SET plan_cache_mode = force_custom_plan")
	return err
}

// redactAddress keeps an address with a password out of an error.
func redactAddress(err error, address string) error {
	return errors.New(strings.ReplaceAll(err.Error(), address, webhook.Redacted))
}

func (s *Store) startBatches(o Options) {
	observe := func(name string) func(batch.Run) {
		if o.ObserveBatch == nil {
			return nil
		}
		return func(r batch.Run) { o.ObserveBatch(name, r) }
	}
	writers := 1 // SQLite has one writer
	if s.d.name == migrations.Postgres {
		writers = 2 // more would cut the groups smaller and cost more than they bring
	}
	s.intake = batch.New(batch.Options[*Intake]{
		MaxWeight: batchRows, Parallel: 1, Gather: intakeGather, GatherFrom: gatherFrom, Observe: observe(batchIntake),
		Weight: func(i *Intake) int { return len(i.Messages) },
	}, s.runIntake)
	s.claims = batch.New(batch.Options[claimCall]{
		MaxWeight: 2 * batchRows, Parallel: writers, Observe: observe(batchClaims),
		Weight: func(c claimCall) int { return len(c.refs) },
	}, s.runClaims)
	s.results = batch.New(batch.Options[Result]{
		MaxWeight: batchRows, Parallel: 1, Gather: resultGather, GatherFrom: gatherFrom, Observe: observe(batchResults),
	}, s.runResults)
	s.releases = batch.New(batch.Options[Release]{MaxWeight: batchRows, Parallel: 1, Observe: observe(batchReleases)}, s.runReleases)
}

// Close waits for the batches under way and closes the connections.
func (s *Store) Close() error {
	s.intake.Close()
	s.claims.Close()
	s.results.Close()
	s.releases.Close()
	return s.closePools()
}

func (s *Store) closePools() error {
	s.closed.Store(true)
	var err error
	if s.lite != nil {
		err = s.lite.shut()
	}
	if s.hot != nil {
		err = errors.Join(err, s.hot.Close())
	}
	err = errors.Join(err, s.write.Close())
	if s.read != s.write {
		err = errors.Join(s.read.Close(), err)
	}
	return err
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Pools tells how the connections to the database are used, by what they are
// for: "read" and "write", and "hot" for the batches of PostgreSQL. PostgreSQL
// reads and writes by one pool, "write".
func (s *Store) Pools() map[string]sql.DBStats {
	out := map[string]sql.DBStats{"write": s.write.Stats()}
	if s.read != s.write {
		out["read"] = s.read.Stats()
	}
	if s.hot != nil {
		out["hot"] = s.hot.Stats()
	}
	return out
}

// Dialect names the database.
func (s *Store) Dialect() string { return string(s.d.name) }

// Migrate brings the schema up to date and returns how many steps that took.
func (s *Store) Migrate(ctx context.Context) (int, error) {
	return migrations.Apply(ctx, s.write, s.d.name)
}

// SchemaPending tells how many schema steps the database lacks, and by how
// many it is ahead of this binary.
func (s *Store) SchemaPending(ctx context.Context) (missing, ahead int64, err error) {
	return migrations.Pending(ctx, s.write, s.d.name)
}

// unavailableRetry is what a caller is told to wait when the database is away.
const unavailableRetry = 5 * time.Second

// wrap turns a driver's "cannot be used now" into an error that the API
// answers with 503; everything else passes.
func (s *Store) wrap(err error) error {
	var ours *webhook.Error
	if err == nil || errors.As(err, &ours) || errors.Is(err, context.Canceled) || (!isUnavailable(err) && !s.closed.Load()) {
		return err
	}
	return &unavailable{
		answer: &webhook.Error{
			Kind: webhook.KindUnavailable, Code: "database_unavailable",
			Message:    "The database cannot be used at the moment. Send the request again later, with the same Idempotency-Key if it has one.",
			RetryAfter: unavailableRetry,
		},
		cause: err,
	}
}

// unavailable shows the caller the plain sentence and keeps the cause for the log.
type unavailable struct {
	answer *webhook.Error
	cause  error
}

func (u *unavailable) Error() string   { return u.answer.Message + " Cause: " + u.cause.Error() }
func (u *unavailable) Unwrap() []error { return []error{u.answer, u.cause} }
