package store

import (
	"context"
	"time"
)

// ExportStats is how the runs of one export stand.
type ExportStats struct {
	Open         int64     // runs that have not ended
	LastFinished time.Time // when the newest of its runs that have ended did; zero: none has
}

// ExportStats tells how the runs of each export stand.
func (s *Store) ExportStats(ctx context.Context) (map[string]ExportStats, error) {
	type group struct {
		export string
		ExportStats
	}
	groups, err := list(ctx, s, `
		SELECT name, (SELECT count(*) FROM runs AS r WHERE r.export = name AND r.finished_at IS NULL),
			COALESCE((SELECT r.finished_at FROM runs AS r WHERE r.export = name AND r.finished_at IS NOT NULL ORDER BY r.id DESC LIMIT 1), 0)
		FROM exports`, nil, func(row interface{ Scan(...any) error }) (g group, err error) {
		var finished int64
		err = row.Scan(&g.export, &g.Open, &finished)
		if finished > 0 {
			g.LastFinished = stored(finished)
		}
		return g, err
	})
	out := map[string]ExportStats{}
	for _, g := range groups {
		out[g.export] = g.ExportStats
	}
	return out, err
}
