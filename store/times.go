package store

import (
	"database/sql"
	"time"
)

// micros is a time as it is stored: microseconds since 1970, UTC.
func micros(t time.Time) int64 { return t.UnixMicro() }

// maybeMicros stores the zero time as NULL.
func maybeMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stored reads a time back.
func stored(us int64) time.Time { return time.UnixMicro(us).UTC() }

// maybeStored reads a nullable time back; NULL is the zero time.
func maybeStored(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return stored(us.Int64)
}

// pointerStored reads a nullable time back; NULL is nil.
func pointerStored(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := stored(us.Int64)
	return &t
}

func (s *Store) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
