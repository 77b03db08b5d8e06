package store

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// RunDay counts the runs of one export that belong to one day.
type RunDay struct {
	Export  string
	Day     string // YYYY-MM-DD in GMT-3: of the schedule's time, or of the making of a run by hand
	Runs    int64
	Open    int64 // runs that are not finished
	Late    int64 // runs that were made well after their time
	Failing int64 // runs of which a delivery has failed
}

// RunDays counts the runs that were made since a time, by export and day. Of
// one client, unless client is "": the runs in which it has a part, and its
// own failed deliveries.
//
//	$1, $2  the first ids of deliveries and of runs since then
//	$3      the client, or ''
//	day     days since 1970 in GMT-3, the zone of the contracts: 10,800 s behind UTC
func (s *Store) RunDays(ctx context.Context, client webhook.ClientID, since time.Time) ([]RunDay, error) {
	args := []any{webhook.FirstIDAt(webhook.PrefixDelivery, since), webhook.FirstIDAt(webhook.PrefixRun, since), string(client)}
	return list(ctx, s, `
		SELECT export, day, count(*), sum(CASE WHEN finished_at IS NULL THEN 1 ELSE 0 END), sum(CASE WHEN late THEN 1 ELSE 0 END), count(failing)
		FROM (
			SELECT r.export, r.finished_at, r.late, f.run_id AS failing,
				(COALESCE(r.scheduled_for, r.created_at) - 10800000000) / 86400000000 AS day
			FROM runs AS r LEFT JOIN (
				SELECT DISTINCT run_id FROM deliveries
				WHERE state = 'failed' AND id >= $1 AND run_id IS NOT NULL AND ($3 = '' OR client_id = $3)
			) AS f ON f.run_id = r.id
			WHERE r.id >= $2 AND ($3 = '' OR r.client_id = $3
				OR EXISTS (SELECT 1 FROM run_clients AS c WHERE c.run_id = r.id AND c.client_id = $3))
		) AS x GROUP BY export, day ORDER BY day, export`, args, scanRunDay)
}

func scanRunDay(row interface{ Scan(...any) error }) (d RunDay, err error) {
	var day int64
	err = row.Scan(&d.Export, &day, &d.Runs, &d.Open, &d.Late, &d.Failing)
	d.Day = time.Unix(day*int64(24*time.Hour/time.Second), 0).UTC().Format(webhook.DateForm)
	return d, err
}
