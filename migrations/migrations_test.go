package migrations

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.RunWithoutLeaks(m)) }

// database is a fresh one, and what the tests ask it.
type database struct {
	dialect Dialect
	*sql.DB
}

func open(tb testing.TB, d Dialect) database {
	tb.Helper()
	driver, address := "sqlite", ""
	if d == Postgres {
		driver, address = "pgx", testserver.Postgres(tb)
	} else {
		address = "file:" + filepath.Join(tb.TempDir(), "test.db") + "?_pragma=busy_timeout(5000)&_txlock=immediate"
	}
	return openAt(tb, d, driver, address)
}

func openAt(tb testing.TB, d Dialect, driver, address string) database {
	tb.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return database{d, db}
}

func (db database) apply(tb testing.TB) int {
	tb.Helper()
	n, err := Apply(context.Background(), db.DB, db.dialect)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// query returns the rows of a query as one string each.
func (db database) query(tb testing.TB, query string) []string {
	tb.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			tb.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

// fileNames are the steps of a database.
func fileNames(tb testing.TB, d Dialect) []string {
	tb.Helper()
	files, err := Steps(d)
	if err != nil {
		tb.Fatal(err)
	}
	names, err := fs.Glob(files, "*")
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

func TestBothFoldersHaveTheSameSteps(t *testing.T) {
	lite, pg := fileNames(t, SQLite), fileNames(t, Postgres)
	if diff := cmp.Diff(lite, pg); diff != "" {
		t.Errorf("-sqlite +postgres:\n%s", diff)
	}
	if len(lite) == 0 {
		t.Error("there are no steps")
	}
}

// columns of every table: a key column may be left nullable by SQLite, which
// is an old mistake of it that changes nothing for us.
func (db database) columns(tb testing.TB) []string {
	tb.Helper()
	if db.dialect == Postgres {
		return db.query(tb, `
			SELECT c.table_name || '.' || c.column_name || ' ' || CASE
					WHEN c.data_type IN ('bigint', 'integer') THEN 'number'
					WHEN c.data_type = 'bytea' THEN 'binary' ELSE c.data_type END ||
				CASE WHEN c.is_nullable = 'NO' THEN ' not null' ELSE '' END
			FROM information_schema.columns AS c
			WHERE c.table_schema = 'public' AND c.table_name <> 'goose_db_version'
			ORDER BY (c.table_name || '.' || c.column_name) COLLATE "C"`)
	}
	return db.query(tb, `
		SELECT m.name || '.' || c.name || ' ' || CASE
				WHEN c.type IN ('BIGINT', 'INTEGER') THEN 'number'
				WHEN c.type = 'BLOB' THEN 'binary' ELSE lower(c.type) END ||
			CASE WHEN c."notnull" OR c.pk THEN ' not null' ELSE '' END
		FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version'
		ORDER BY m.name || '.' || c.name`)
}

// indexes by name, and whether they are partial.
func (db database) indexes(tb testing.TB) []string {
	tb.Helper()
	if db.dialect == Postgres {
		return db.query(tb, `
			SELECT indexname || CASE WHEN indexdef LIKE '% WHERE %' THEN ' partial' ELSE '' END FROM pg_indexes
			WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'
			ORDER BY indexname COLLATE "C"`)
	}
	return db.query(tb, `
		SELECT name || CASE WHEN sql LIKE '% WHERE %' THEN ' partial' ELSE '' END FROM sqlite_master
		WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`)
}

func TestBothDatabasesGetTheSameSchema(t *testing.T) {
	lite, pg := open(t, SQLite), open(t, Postgres)
	lite.apply(t)
	pg.apply(t)
	if diff := cmp.Diff(lite.columns(t), pg.columns(t)); diff != "" {
		t.Errorf("columns: -sqlite +postgres:\n%s", diff)
	}
	if diff := cmp.Diff(lite.indexes(t), pg.indexes(t)); diff != "" {
		t.Errorf("indexes: -sqlite +postgres:\n%s", diff)
	}
	if len(lite.columns(t)) < 50 {
		t.Errorf("found only the columns %v", lite.columns(t))
	}
}

// Keys are compared and ordered by bytes: with a language's order, keyset
// paging would depend on how the server was set up.
func TestPostgresKeysAreOrderedByBytes(t *testing.T) {
	pg := open(t, Postgres)
	pg.apply(t)
	got := pg.query(t, `
		SELECT t.relname || '.' || a.attname
		FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
			JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
			JOIN pg_collation AS l ON l.oid = a.attcollation
		WHERE n.nspname = 'public' AND l.collname <> 'C'`)
	if len(got) != 0 {
		t.Errorf("indexed, but not COLLATE \"C\": %v", got)
	}
}

// A page of an export is compressed when it is built and read when it is sent:
// PostgreSQL's own way would be a good part of an export's time.
func TestPostgresCompressesBodiesFast(t *testing.T) {
	pg := open(t, Postgres)
	pg.apply(t)
	got := pg.query(t, `SELECT attcompression FROM pg_attribute WHERE attrelid = 'messages'::regclass AND attname = 'body'`)
	if want := []string{"l"}; !slices.Equal(got, want) {
		t.Errorf("the compression of messages.body is %q, want lz4's %q", got, want)
	}
}

func TestApplyTwice(t *testing.T) {
	for _, d := range []Dialect{SQLite, Postgres} {
		t.Run(string(d), func(t *testing.T) {
			ctx := context.Background()
			db, steps := open(t, d), len(fileNames(t, d))
			if missing, ahead, err := Pending(ctx, db.DB, d); err != nil || missing != int64(steps) || ahead != 0 {
				t.Errorf("before: %d missing, %d ahead (%v)", missing, ahead, err)
			}
			if n := db.apply(t); n != steps {
				t.Errorf("applied %d of %d steps", n, steps)
			}
			before := db.columns(t)
			if n := db.apply(t); n != 0 {
				t.Errorf("applied %d steps again", n)
			}
			if diff := cmp.Diff(before, db.columns(t)); diff != "" {
				t.Errorf("-once +twice:\n%s", diff)
			}
			if missing, ahead, err := Pending(ctx, db.DB, d); err != nil || missing != 0 || ahead != 0 {
				t.Errorf("after: %d missing, %d ahead (%v)", missing, ahead, err)
			}
			if v := db.query(t, `SELECT CAST(value AS TEXT) FROM counters WHERE name = 'catalogue'`); len(v) != 1 || v[0] != "1" {
				t.Errorf("the catalogue begins at %v", v)
			}
		})
	}
}

// lastStep is the number of the last step.
func lastStep(t *testing.T, d Dialect) int64 {
	t.Helper()
	names := fileNames(t, d)
	number, _, _ := strings.Cut(names[len(names)-1], "_")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAheadOfThisBinary(t *testing.T) {
	for _, d := range []Dialect{SQLite, Postgres} {
		t.Run(string(d), func(t *testing.T) {
			ctx := context.Background()
			db := open(t, d)
			db.apply(t)
			if _, err := db.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, lastStep(t, d)+2, true); err != nil {
				t.Fatal(err)
			}
			if missing, ahead, err := Pending(ctx, db.DB, d); err != nil || missing != 0 || ahead != 2 {
				t.Errorf("%d missing, %d ahead (%v)", missing, ahead, err)
			}
			if n, err := Apply(ctx, db.DB, d); err != nil || n != 0 {
				t.Errorf("applied %d steps to a newer schema (%v)", n, err)
			}
		})
	}
}

func TestTwoProcessesApplyAtOnce(t *testing.T) {
	address := testserver.Postgres(t)
	dbs := []database{openAt(t, Postgres, "pgx", address), openAt(t, Postgres, "pgx", address)}
	start := make(chan struct{})
	var done [2]int
	var wg sync.WaitGroup
	for i, db := range dbs {
		wg.Go(func() {
			<-start
			n, err := Apply(context.Background(), db.DB, Postgres)
			if err != nil {
				t.Error(err)
			}
			done[i] = n
		})
	}
	close(start)
	wg.Wait()
	if steps := len(fileNames(t, Postgres)); done[0]+done[1] != steps || done[0]*done[1] != 0 {
		t.Errorf("the two applied %v of %d steps", done, steps)
	}
}
