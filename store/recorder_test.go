package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"
)

// recorder notes the statements that reach a database, so that a test can ask
// for the plan of exactly what runs.
type recorder struct {
	inner   driver.Driver
	address string

	mu         sync.Mutex
	statements []statement
}

type statement struct {
	query string
	args  []any
}

// record puts a recorder between a store and its database.
func record(tb testing.TB, e *env) *recorder {
	tb.Helper()
	r := &recorder{inner: e.write.Driver(), address: e.address}
	if err := e.closePools(); err != nil {
		tb.Fatal(err)
	}
	e.closed.Store(false)
	if path, ok := strings.CutPrefix(e.address, "sqlite:"); ok {
		r.address = "file:" + path
		e.lite = newLiteWriter()
	}
	e.write = sql.OpenDB(r)
	e.read = e.write
	if e.hot != nil {
		e.hot = e.write
	}
	return r
}

// take returns what ran since it was last asked.
func (r *recorder) take() []statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.statements
	r.statements = nil
	return out
}

func (r *recorder) note(query string, args []driver.NamedValue) {
	s := statement{query: query}
	for _, a := range args {
		s.args = append(s.args, a.Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, s)
}

// Connect is the driver.Connector's.
func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.inner.Open(r.address)
	return &recordedConn{c, r}, err
}

// Driver is the driver.Connector's.
func (r *recorder) Driver() driver.Driver { return r.inner }

// recordedConn passes everything on to the driver's connection.
type recordedConn struct {
	driver.Conn
	r *recorder
}

func (c *recordedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return &recordedStmt{s, c.r, query}, err
}

func (c *recordedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.r.note(query, args)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.r.note(query, args)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *recordedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type recordedStmt struct {
	driver.Stmt
	r     *recorder
	query string
}

func (s *recordedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.r.note(s.query, args)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (s *recordedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.r.note(s.query, args)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}
