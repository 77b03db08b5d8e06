package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
	"math/bits"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/migrations"
)

// dialect holds the facts in which the two databases differ.
type dialect struct {
	name migrations.Dialect
	// skipLocked ends a SELECT that picks rows to claim: other processes pass
	// over rows that are being claimed. SQLite has one writer and needs nothing.
	skipLocked string
	// forShare ends a SELECT whose rows must not change before the commit.
	forShare string
	// byOpen makes a change of a subscription look for what waits for it among
	// all that is not succeeded. SQLite, which is never told how many rows there
	// are, would read all that the subscription ever got.
	byOpen string
	// beforeQuery is the column %[1]s, a URL, without its query.
	beforeQuery string
	// sealed tells whether a stored answer is sealed: its first byte is 1. The
	// partial index idempotency_keys_sealed is read only for the same words.
	sealed string
	// lazyCommit has the transaction's commit not wait for the disk; a crash of
	// the database may undo it, with all that came after. "": there is no such thing.
	lazyCommit string
}

func sqliteDialect() dialect {
	return dialect{
		name:        migrations.SQLite,
		byOpen:      " INDEXED BY deliveries_open",
		sealed:      `substr(response, 1, 1) = x'01'`,
		beforeQuery: "substr(%[1]s, 1, instr(%[1]s || '?', '?') - 1)",
	}
}

func postgresDialect() dialect {
	return dialect{
		name:        migrations.Postgres,
		skipLocked:  " FOR UPDATE SKIP LOCKED",
		forShare:    " FOR SHARE",
		sealed:      `substr(response, 1, 1) = '\x01'::bytea`,
		beforeQuery: "split_part(%[1]s, '?', 1)",
		lazyCommit:  "SET LOCAL synchronous_commit = off",
	}
}

// column is a column of a table of values that goes into one statement.
type column struct {
	name string
	kind columnKind
}

type columnKind int

const (
	text columnKind = iota
	number
	boolean
	binary
)

var pgArrays = map[columnKind]string{text: "text[]", number: "bigint[]", boolean: "boolean[]", binary: "bytea[]"}

// values writes "name(columns) AS (…)" for a WITH clause, holding the given
// rows, and returns the arguments. A value is string, int64, bool, []byte or
// nil. The statement can have no other parameters: SQLite is bound by position,
// because it looks up a parameter's name by a search.
//
//	SQLite:     v(a, b) AS (VALUES (?, ?), (?, ?))
//	PostgreSQL: v(a, b) AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::bigint[]))
func (d dialect) values(name string, cols []column, rows [][]any) (string, []any) {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('(')
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name)
	}
	if d.name == migrations.Postgres {
		b.WriteString(") AS MATERIALIZED (SELECT * FROM unnest(")
		for i, c := range cols {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("$" + strconv.Itoa(i+1) + "::" + pgArrays[c.kind])
		}
		b.WriteString("))")
		return b.String(), pgColumns(cols, rows)
	}
	b.WriteString(") AS (VALUES ")
	args := make([]any, 0, len(cols)*len(rows))
	for i, row := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range row {
			b.WriteString([]string{"(", ", "}[min(j, 1)])
			b.WriteByte('?')
			args = append(args, row[j])
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
	return b.String(), args
}

// chunks cuts rows into parts of which each goes into one statement. On
// SQLite the statement's text depends on the number of rows; powers of two
// keep it to a few texts, which stay prepared (tx.go).
func (d dialect) chunks(rows [][]any) iter.Seq[[][]any] {
	return func(yield func([][]any) bool) {
		for len(rows) > 0 {
			n := min(len(rows), batchRows)
			if d.name == migrations.SQLite {
				n = 1 << (bits.Len(uint(min(n, maxLiteRows))) - 1)
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// inLockOrder sorts rows by their first column, the delivery's id. Two
// transactions that lock the same rows in different orders wait for each other
// until PostgreSQL notices, a second later, and ends one of them.
func inLockOrder(rows [][]any) [][]any {
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return rows
}

// maxLiteRows is the most rows of one statement on SQLite.
const maxLiteRows = 64

// pgColumns turns rows into the arrays that pgx sends, one for each column. A
// column without a value is one NULL: unnest fills it up.
func pgColumns(cols []column, rows [][]any) []any {
	args := make([]any, len(cols))
	for i, c := range cols {
		for _, row := range rows {
			if row[i] != nil {
				args[i] = pgColumn{rows, i, pgElements[c.kind]}
				break
			}
		}
	}
	return args
}

// pgElements is a value of each kind of column.
var pgElements = map[columnKind]any{text: "", number: int64(0), boolean: false, binary: []byte(nil)}

// pgColumn is one column of some rows as pgx takes an array. The values stand
// in the rows as pgx wants to have them: it copies and boxes none.
type pgColumn struct {
	rows [][]any
	at   int
	kind any // a value of the elements' type
}

// Dimensions is part of pgtype.ArrayGetter.
func (c pgColumn) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(c.rows)), LowerBound: 1}}
}

// Index is part of pgtype.ArrayGetter.
func (c pgColumn) Index(i int) any { return c.rows[i][c.at] }

// IndexType is part of pgtype.ArrayGetter.
func (c pgColumn) IndexType() any { return c.kind }

// isUnavailable tells whether err means that the database cannot be used now,
// rather than that the statement was wrong.
func isUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true // refused for whatever reason, a changed password among them
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connection, resources, operator, system
			return true
		}
		return pg.Code == "25006" // read_only_sql_transaction
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED, sqlitelib.SQLITE_FULL,
			sqlitelib.SQLITE_IOERR, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_CANTOPEN, sqlitelib.SQLITE_INTERRUPT:
			return true
		}
		return false
	}
	return isBroken(err)
}

// isBroken tells whether the connection broke or did not answer in time. A
// value that a driver cannot convert is none of these: that is our own fault.
func isBroken(err error) bool {
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, broken := range []error{
		driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF,
		context.DeadlineExceeded, batch.ErrClosed,
	} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return false
}

// isBusy tells whether another process holds SQLite's write lock.
func isBusy(err error) bool {
	return isLite(err, sqlitelib.SQLITE_BUSY)
}

func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001") // deadlock_detected, serialization_failure
}
