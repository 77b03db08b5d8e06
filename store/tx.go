package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/migrations"
)

// txn is a transaction under way.
type txn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tx runs fn in one transaction, again when PostgreSQL chose it as the victim
// of a deadlock.
func (s *Store) tx(ctx context.Context, fn func(txn) error) error {
	return retryVictim(func() error { return s.tryTx(ctx, fn) })
}

// retryVictim tries once more when PostgreSQL chose what do does as the victim of a
// deadlock: nothing of it was done.
func retryVictim(do func() error) error {
	for range 3 {
		if err := do(); !isDeadlock(err) {
			return err
		}
	}
	return do()
}

func (s *Store) tryTx(ctx context.Context, fn func(txn) error) error {
	if s.d.name == migrations.SQLite {
		return s.wrap(s.lite.tx(ctx, s.write, fn))
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.wrap(err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(s.wrap(err), ignoreDone(tx.Rollback()))
	}
	return s.wrap(tx.Commit())
}

// join hands a call to a batch. A store that is closed is a database that
// cannot be used.
func join[In, Out any](ctx context.Context, s *Store, b *batch.Batcher[In, Out], in In) (Out, error) {
	out, err := b.Do(ctx, in)
	if errors.Is(err, batch.ErrClosed) {
		err = s.wrap(err)
	}
	return out, err
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// liteWriter is the one connection that writes to SQLite. It keeps each
// statement prepared: database/sql would have SQLite parse every statement of
// every transaction anew, which costs more than running it. (pgx keeps
// prepared statements by itself.)
type liteWriter struct {
	turn  chan struct{} // holds one token: whoever has it writes
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxPrepared bounds the prepared statements: there are some forty, the hot
// ones in a few sizes.
const maxPrepared = 300

func newLiteWriter() *liteWriter {
	w := &liteWriter{turn: make(chan struct{}, 1), stmts: map[string]*sql.Stmt{}}
	w.turn <- struct{}{}
	return w
}

func (w *liteWriter) tx(ctx context.Context, db *sql.DB, fn func(txn) error) (err error) {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.turn <- struct{}{} }()
	if err := w.connect(ctx, db); err != nil {
		return w.after(err)
	}
	if err := w.begin(ctx); err != nil {
		return w.after(err)
	}
	if err := fn(w); err != nil {
		// A rollback that fails says that SQLite ended the transaction by itself,
		// as it does when a statement is cut off by the end of its context.
		_ = w.run(context.WithoutCancel(ctx), "ROLLBACK")
		return w.after(err)
	}
	if err := w.run(ctx, "COMMIT"); err != nil {
		// A rollback that fails says that the commit had ended the transaction.
		_ = w.run(context.WithoutCancel(ctx), "ROLLBACK")
		return w.after(err)
	}
	return nil
}

// liteWait is how long SQLite itself waits for a lock of another process: it
// does not look at contexts while it waits, so begin asks again and again.
const liteWait = 50 * time.Millisecond

func (w *liteWriter) connect(ctx context.Context, db *sql.DB) (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = db.Conn(ctx); err != nil {
		w.conn = nil
		return err
	}
	return w.run(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", liteWait.Milliseconds()))
}

// begin waits for other processes that write, until ctx ends or sqliteBusy is over.
func (w *liteWriter) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sqliteBusy)
	defer cancel()
	for {
		err := w.run(ctx, "BEGIN IMMEDIATE")
		if err == nil {
			return nil
		}
		// The driver also answers with the context's error when the statement
		// went through at the moment the context ended: a transaction may be
		// open. A rollback that fails says that there is none.
		_ = w.run(context.WithoutCancel(ctx), "ROLLBACK")
		if ctx.Err() != nil || !isBusy(err) {
			return err
		}
	}
}

func (w *liteWriter) run(ctx context.Context, query string) error {
	_, err := w.ExecContext(ctx, query)
	return err
}

// after drops a connection that broke.
func (w *liteWriter) after(err error) error {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		_ = w.close() // it is broken: there is nothing more to learn
	}
	return err
}

// checkpoint writes the log into the file and empties it. Where a reader is in
// the way, the next one does it.
func (w *liteWriter) checkpoint(ctx context.Context, db *sql.DB) error {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.turn <- struct{}{} }()
	if err := w.connect(ctx, db); err != nil {
		return w.after(err)
	}
	_, err := w.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return w.after(err)
}

// shut waits for the transaction under way and ends the connection.
func (w *liteWriter) shut() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	return w.close()
}

// close ends the connection; the next transaction opens another.
func (w *liteWriter) close() error {
	if w.conn == nil {
		return nil
	}
	var err error
	for _, stmt := range w.stmts {
		err = errors.Join(err, stmt.Close())
	}
	clear(w.stmts)
	err = errors.Join(err, w.conn.Close())
	w.conn = nil
	return err
}

func (w *liteWriter) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(w.stmts) >= maxPrepared {
		for old, s := range w.stmts { // any one: the hot ones are back at once
			delete(w.stmts, old)
			if err := s.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	w.stmts[query] = stmt
	return stmt, nil
}

// ExecContext runs a prepared statement.
func (w *liteWriter) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext runs a prepared query.
func (w *liteWriter) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext runs a prepared query of one row.
func (w *liteWriter) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := w.prepared(ctx, query)
	if err != nil { // let the connection say it again: a *sql.Row cannot be made with an error
		return w.conn.QueryRowContext(ctx, query, args...)
	}
	return stmt.QueryRowContext(ctx, args...)
}
