package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What a database that answers may still lack. Errors of [Store.Ready] wrap them.
var (
	ErrFull     = errors.New("the database has no room left on its disk")
	ErrReadOnly = errors.New("the database can be read, but not written")
)

const (
	// probeTimeout bounds one probe: what is slower is of no use to an intake.
	probeTimeout = 1500 * time.Millisecond
	// probeEvery is how long a probe's answer holds. Whoever asks for readiness
	// has no key, and must not be able to make us write as often as it likes.
	probeEvery = time.Second
	// failureFor is how long a write that failed counts. A probe writes a row in
	// place and may succeed where an intake cannot; when traffic goes elsewhere
	// meanwhile, no intake would ever tell that the database takes them again.
	failureFor = 5 * time.Second
)

// readiness is what is known of the database's state.
type readiness struct {
	mu     sync.Mutex // holds while a probe is under way: others wait for its answer
	probed time.Time
	answer error

	intakes, results lastWrite
}

// lastWrite remembers whether the latest write of a kind found the database
// unavailable.
type lastWrite struct{ failed atomic.Pointer[failedWrite] }

type failedWrite struct {
	at  time.Time
	err error
}

// note looks at how a write ended.
func (l *lastWrite) note(err error) {
	if err == nil {
		if l.failed.Load() != nil {
			l.failed.Store(nil)
		}
	} else if webhook.IsKind(err, webhook.KindUnavailable) {
		l.failed.Store(&failedWrite{time.Now(), err})
	}
}

// err is why the latest write failed; nil when it did not, or long ago.
func (l *lastWrite) err() error {
	if w := l.failed.Load(); w != nil && time.Since(w.at) < failureFor {
		return w.err
	}
	return nil
}

// Accepting tells whether the latest intake was committed. It may not have
// been although the database is well: somebody may have locked a table.
func (s *Store) Accepting() error { return s.ready.intakes.err() }

// Ready tells whether the database can be written: a standby, a read-only
// volume and a full disk answer a ping. The error wraps [ErrFull] or
// [ErrReadOnly] when it is one of these.
func (s *Store) Ready(ctx context.Context) error {
	for _, err := range []error{s.ready.intakes.err(), s.ready.results.err()} {
		if isFull(err) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if time.Since(s.ready.probed) > probeEvery {
		s.ready.answer = s.probe(ctx)
		s.ready.probed = time.Now()
	}
	return s.ready.answer
}

// probe writes one small row.
func (s *Store) probe(ctx context.Context) error {
	// It answers others too: whoever asked first may go away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	err := s.tx(ctx, func(tx txn) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO counters (name, value) VALUES ('probe', 1)
			ON CONFLICT (name) DO UPDATE SET value = counters.value + 1`)
		return err
	})
	switch {
	case isFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case isReadOnly(err):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

// isFull tells whether the disk, or a quota, has no room for a write.
func isFull(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "53100" // disk_full
	}
	return isLite(err, sqlitelib.SQLITE_FULL)
}

// isReadOnly tells whether the database refuses all writes: a standby, or a
// server whose operator made it so.
func isReadOnly(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "25006" // read_only_sql_transaction
	}
	return isLite(err, sqlitelib.SQLITE_READONLY)
}

func isLite(err error, code int) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == code
}
