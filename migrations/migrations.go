package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed sqlite/*.sql postgres/*.sql
var steps embed.FS

// Dialect names one of the two databases.
type Dialect string

// The two databases.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Steps returns the migration files of a database.
func Steps(d Dialect) (fs.FS, error) { return fs.Sub(steps, string(d)) }

// Apply brings the schema up to date and returns how many steps that took. On
// PostgreSQL a session lock lets only one process migrate at a time.
func Apply(ctx context.Context, db *sql.DB, d Dialect) (int, error) {
	p, err := provider(db, d)
	if err != nil {
		return 0, err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("migrate the %s schema: %w", d, err)
	}
	return len(done), nil
}

// Pending tells how many steps the database lacks, and by how many it is
// ahead of this binary.
func Pending(ctx context.Context, db *sql.DB, d Dialect) (missing, ahead int64, err error) {
	p, err := provider(db, d)
	if err != nil {
		return 0, 0, err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the schema version: %w", err)
	}
	// Counted, not subtracted: numbers may have gaps, and a step may be missing
	// below one that was applied.
	steps, err := p.Status(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the schema's steps: %w", err)
	}
	for _, step := range steps {
		if step.State == goose.StatePending {
			missing++
		}
	}
	return missing, max(current-target, 0), nil
}

func provider(db *sql.DB, d Dialect) (*goose.Provider, error) {
	files, err := Steps(d)
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{
		goose.WithSlog(slog.New(slog.DiscardHandler)),
		goose.WithDisableGlobalRegistry(true),
	}
	dialect := goose.DialectSQLite3
	if d == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, db, files, opts...)
}
