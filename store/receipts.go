package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Tally counts what became of pages. A page counts as acknowledged when each
// of its deliveries is, as failed when one of them has failed or was canceled,
// and as waiting otherwise; its records count with it.
type Tally struct {
	Records             int64
	Pages               int64
	RecordsAcknowledged int64
	PagesAcknowledged   int64
	RecordsFailed       int64
	PagesFailed         int64
	Waiting             int64     // deliveries that have not ended
	LastEnded           time.Time // when the last delivery ended so far; zero: none has
}

// Tallies counts the pages of a run by client.
func (s *Store) Tallies(ctx context.Context, id webhook.RunID) (map[webhook.ClientID]Tally, error) {
	rows, err := s.read.QueryContext(ctx, `
		WITH page AS (
			SELECT p.client_id AS client, p.number AS number, max(p.records) AS records, count(d.id) AS n,
				count(CASE WHEN d.state = 'succeeded' THEN 1 END) AS good,
				count(CASE WHEN d.state IN ('failed', 'canceled') THEN 1 END) AS bad,
				max(d.finished_at) AS ended
			FROM pages AS p LEFT JOIN deliveries AS d ON d.message_id = p.message_id
			WHERE p.run_id = $1
			GROUP BY p.client_id, p.number)
		SELECT client, sum(records), count(*),
			COALESCE(sum(CASE WHEN n > 0 AND good = n THEN records END), 0), count(CASE WHEN n > 0 AND good = n THEN 1 END),
			COALESCE(sum(CASE WHEN bad > 0 THEN records END), 0), count(CASE WHEN bad > 0 THEN 1 END),
			sum(n - good - bad), max(ended)
		FROM page GROUP BY client`, string(id))
	if err != nil {
		return nil, s.wrap(err)
	}
	out := map[webhook.ClientID]Tally{}
	for rows.Next() {
		var name webhook.ClientID
		var t Tally
		var ended sql.NullInt64
		err := rows.Scan(&name, &t.Records, &t.Pages, &t.RecordsAcknowledged, &t.PagesAcknowledged, &t.RecordsFailed,
			&t.PagesFailed, &t.Waiting, &ended)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		t.LastEnded = maybeStored(ended)
		out[name] = t
	}
	return out, s.wrap(errors.Join(rows.Err(), rows.Close()))
}

// RunTotals are the counts of a run over its clients.
type RunTotals struct {
	Clients  int64
	Records  int64 // in pages
	Bytes    int64 // of all bodies
	Refused  int64 // records of the source that cannot be sent
	Pages    int64 // built
	Released int64 // pages that are deliveries
}

// RunTotals counts one run, over all of its clients or, unless only is "", one.
func (s *Store) RunTotals(ctx context.Context, id webhook.RunID, only webhook.ClientID) (t RunTotals, err error) {
	var w where
	w.add("run_id = ?", string(id))
	w.equal("client_id", string(only))
	err = s.read.QueryRowContext(ctx, `
		SELECT count(*), COALESCE(sum(records), 0), COALESCE(sum(bytes), 0), COALESCE(sum(refused), 0), COALESCE(sum(built), 0),
			COALESCE(sum(released), 0)
		FROM run_clients`+w.sql(), w.args...).Scan(&t.Clients, &t.Records, &t.Bytes, &t.Refused, &t.Pages, &t.Released)
	return t, s.wrap(err)
}

// PageReceipt is a page with what became of it.
type PageReceipt struct {
	webhook.RunPage
	Deliveries []PageDelivery // by subscription; empty while it is not released
}

// PageDelivery is where the delivery of a page stands.
type PageDelivery struct {
	ID             webhook.DeliveryID
	SubscriptionID webhook.SubscriptionID
	State          webhook.DeliveryState
	AttemptCount   int
	LastStatus     *int // HTTP status of the last attempt; nil: there was none
	LastError      webhook.ErrorCode
	CreatedAt      time.Time
	FinishedAt     *time.Time
}

// PageFilter selects pages of a run, and where a list of them goes on.
type PageFilter struct {
	RunID       webhook.RunID
	ClientID    webhook.ClientID // "": all
	AfterClient webhook.ClientID // the last page before; "": from the start
	AfterNumber int
	Limit       int
}

// PageReceipts lists pages of a run with their deliveries, by client and
// number.
func (s *Store) PageReceipts(ctx context.Context, f PageFilter) ([]PageReceipt, error) {
	var w where
	w.add("run_id = ?", string(f.RunID))
	w.equal("client_id", string(f.ClientID))
	if f.AfterClient != "" {
		w.add("(client_id, number) > (?, ?)", string(f.AfterClient), int64(f.AfterNumber))
	}
	w.args = append(w.args, int64(f.Limit))
	rows, err := s.read.QueryContext(ctx, `
		WITH p AS MATERIALIZED (
			SELECT `+runPageColumns+` FROM pages`+w.sql()+` ORDER BY client_id, number LIMIT $`+strconv.Itoa(len(w.args))+`)
		SELECT p.run_id, p.client_id, p.number, p.message_id, p.records, p.bytes, p.sha256, p.first_position, p.last_position,
			p.created_at, d.id, d.subscription_id, d.state, d.attempt_count, d.last_status, d.last_error, d.created_at, d.finished_at
		FROM p LEFT JOIN deliveries AS d ON d.message_id = p.message_id
		ORDER BY p.client_id, p.number, d.subscription_id, d.id`, w.args...)
	if err != nil {
		return nil, s.wrap(err)
	}
	out := []PageReceipt{}
	for rows.Next() {
		p, d, err := scanPageReceipt(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if n := len(out); n == 0 || out[n-1].MessageID != p.MessageID {
			out = append(out, PageReceipt{RunPage: p, Deliveries: []PageDelivery{}})
		}
		if d != nil {
			last := &out[len(out)-1]
			last.Deliveries = append(last.Deliveries, *d)
		}
	}
	return out, s.wrap(errors.Join(rows.Err(), rows.Close()))
}

func scanPageReceipt(row interface{ Scan(...any) error }) (p webhook.RunPage, d *PageDelivery, err error) {
	var created int64
	var id, sub, state, code sql.NullString
	var attempts, status, made, ended sql.NullInt64
	err = row.Scan(&p.RunID, &p.ClientID, &p.Number, &p.MessageID, &p.Records, &p.Bytes, &p.SHA256, &p.FirstPosition,
		&p.LastPosition, &created, &id, &sub, &state, &attempts, &status, &code, &made, &ended)
	p.CreatedAt = stored(created)
	if err != nil || !id.Valid {
		return p, nil, err
	}
	d = &PageDelivery{
		ID: webhook.DeliveryID(id.String), SubscriptionID: webhook.SubscriptionID(sub.String), State: webhook.DeliveryState(state.String),
		AttemptCount: int(attempts.Int64), LastError: webhook.ErrorCode(code.String), CreatedAt: maybeStored(made), FinishedAt: pointerStored(ended),
	}
	if status.Valid {
		n := int(status.Int64)
		d.LastStatus = &n
	}
	return p, d, nil
}
