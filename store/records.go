package store

import (
	"context"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// RecordCounts is what became of the records of one transaction.
type RecordCounts struct {
	Accepted  int // new, or changed
	Unchanged int // stored already, or older than what is stored
}

// PutRecords stores records of one dataset in one transaction; a caller with
// many of them makes several calls of a few hundred, so that the intake of
// events gets its turn between two. Records of one key count in their order.
//
//	no such key yet                              → stored, accepted
//	older updatedAt than the stored one          → unchanged
//	as new, or newer, and other bytes            → stored, accepted
//	as new, or newer, and the same bytes         → unchanged
//
// A dataset without updatedAt takes whatever comes last. A stored record
// whose last time lies before the end of what the scheduled runs have taken is
// late: the next of them takes it. A run under way does not see it: it is
// stamped with that run's number or a later one.
func (s *Store) PutRecords(ctx context.Context, d webhook.Dataset, records []webhook.Record) (RecordCounts, error) {
	var accepted int
	err := s.tx(ctx, func(tx txn) error {
		accepted = 0 // a transaction that was the victim of a deadlock runs again
		seq, watermark, err := s.datasetForUpsert(ctx, tx, d)
		if err != nil {
			return err
		}
		received := micros(s.stamp())
		rows := make([][]any, len(records))
		for i := range records {
			rows[i] = recordRow(d, &records[i], received, seq, watermark)
		}
		for _, round := range keyRounds(rows) {
			n, err := s.upsertRecords(ctx, tx, round)
			if err != nil {
				return err
			}
			accepted += n
		}
		if accepted == 0 {
			return nil
		}
		return s.note(ctx, tx, recordsEntry(d, records, accepted))
	})
	if err != nil {
		return RecordCounts{}, err
	}
	return RecordCounts{Accepted: accepted, Unchanged: len(records) - accepted}, nil
}

// recordsEntry is the line of records that were put.
func recordsEntry(d webhook.Dataset, records []webhook.Record, accepted int) webhook.AuditEntry {
	e := webhook.AuditEntry{
		Resource: webhook.ResourceRecords, ResourceID: string(d), ClientID: records[0].ClientID,
		Counts: map[string]int64{"accepted": int64(accepted)},
	}
	for i := range records {
		if records[i].ClientID != e.ClientID {
			e.ClientID = ""
			break
		}
	}
	return e
}

// datasetForUpsert returns the number of the dataset's last run and the end of
// what its scheduled runs have taken; neither moves before the commit.
func (s *Store) datasetForUpsert(ctx context.Context, tx txn, d webhook.Dataset) (seq, watermark int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT seq, watermark FROM datasets WHERE name = $1`+s.d.forShare, string(d)).Scan(&seq, &watermark)
	return seq, watermark, err
}

var recordColumns = []column{
	{"v_dataset", text},
	{"v_client_id", text},
	{"v_key", text},
	{"v_at1", number},
	{"v_at2", number},
	{"v_at3", number},
	{"v_updated_at", number},
	{"v_received_at", number},
	{"v_seq", number},
	{"v_late", boolean},
	{"v_body", binary},
}

func recordRow(d webhook.Dataset, r *webhook.Record, received, seq, watermark int64) []any {
	updated := int64(0)
	if !r.UpdatedAt.IsZero() {
		updated = micros(r.UpdatedAt)
	}
	return []any{
		string(d), string(r.ClientID), r.Key,
		micros(r.Instants[0]), maybeMicros(r.Instants[1]), maybeMicros(r.Instants[2]),
		updated, received, seq, micros(r.Latest()) < watermark, r.Body,
	}
}

// keyRounds cuts rows into rounds in which no key is there twice, because a
// statement may touch a row once; a key's second version comes in the second
// round. Each round is in the order of its keys, so that two transactions lock
// rows in the same order.
func keyRounds(rows [][]any) [][][]any {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, compareKeys)
	var rounds [][][]any
	nth := 0
	for i, row := range rows {
		nth++
		if i == 0 || compareKeys(rows[i-1], row) != 0 {
			nth = 0
		}
		if nth == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[nth] = append(rounds[nth], row)
	}
	return rounds
}

// compareKeys compares the client's id and the key.
func compareKeys(a, b []any) int {
	if c := strings.Compare(a[1].(string), b[1].(string)); c != 0 {
		return c
	}
	return strings.Compare(a[2].(string), b[2].(string))
}

// upsertRecords returns how many rows are new or changed.
func (s *Store) upsertRecords(ctx context.Context, tx txn, rows [][]any) (int, error) {
	changed := 0
	for part := range s.d.chunks(rows) {
		cte, args := s.d.values("v", recordColumns, part)
		// WHERE TRUE: SQLite would else take ON for a join's.
		done, err := tx.ExecContext(ctx, `WITH `+cte+`
			INSERT INTO records AS r (dataset, client_id, key, at1, at2, at3, updated_at, received_at, seq, late, body)
			SELECT v_dataset, v_client_id, v_key, v_at1, v_at2, v_at3, v_updated_at, v_received_at, v_seq, v_late, v_body
			FROM v WHERE TRUE
			ON CONFLICT (dataset, client_id, key) DO UPDATE SET
				at1 = excluded.at1, at2 = excluded.at2, at3 = excluded.at3, updated_at = excluded.updated_at,
				received_at = excluded.received_at, seq = excluded.seq, late = excluded.late, body = excluded.body
			WHERE excluded.updated_at >= r.updated_at AND excluded.body <> r.body`, args...)
		if err != nil {
			return changed, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return changed, err
		}
		changed += int(n)
	}
	return changed, nil
}

// clearLate takes the mark of a late record off the records that a scheduled
// run has put into a page, in the page's transaction. before is the run's
// number: a record that was stored anew since keeps its mark.
func (s *Store) clearLate(ctx context.Context, tx txn, of recordOwner, keys []string, before int64) error {
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{string(of.dataset), string(of.client), key, before}
	}
	slices.SortFunc(rows, compareKeys)
	cols := []column{{"v_dataset", text}, {"v_client_id", text}, {"v_key", text}, {"v_before", number}}
	for part := range s.d.chunks(rows) {
		cte, args := s.d.values("v", cols, part)
		if _, err := tx.ExecContext(ctx, `WITH `+cte+`
			UPDATE records AS r SET late = FALSE FROM v
			WHERE r.dataset = v_dataset AND r.client_id = v_client_id AND r.key = v_key AND r.late AND r.seq < v_before`, args...); err != nil {
			return err
		}
	}
	return nil
}

// clearAllLate takes the mark off every record of a dataset that was stored
// before the run of the given number.
func clearAllLate(ctx context.Context, tx txn, d webhook.Dataset, before int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE records SET late = FALSE WHERE dataset = $1 AND late AND seq < $2`, string(d), before)
	return err
}

// recordOwner is whose records are meant.
type recordOwner struct {
	dataset webhook.Dataset
	client  webhook.ClientID
}
