package store

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// BuiltPage is a step of a run with one client: a page with its message, and
// the checkpoint after it. They are committed together, so that a run that
// dies goes on behind the last page that is whole (P11).
type BuiltPage struct {
	Run      *webhook.Run
	ClientID webhook.ClientID
	Was      string           // the checkpoint before the step: nobody may have moved it
	Page     *webhook.RunPage // nil: only the checkpoint moves
	Message  *webhook.Message // the page's body; nil with Page
	Position string           // the checkpoint after the step
	LateKeys []string         // of records in the page whose late mark is to be cleared
	Late     int              // late records in the page
	Last     bool             // there are no more records: the pages can be released

	Refused      []Refusal // records that were passed over since the last step, the first of them
	RefusedCount int       // and how many they are
}

// Refusal is a record of the source that a run did not send.
type Refusal struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// maxRefusals is how many refused records of one client are kept by name.
// All are counted.
const maxRefusals = 1000

// BuildPage commits one step. It returns [ErrRunLost] when another scheduler
// has the run.
//
// On PostgreSQL the commit does not wait for the disk: a page that a crash of
// the database takes with it is built again, from the checkpoint of the last one
// that is left. The pages become deliveries by [Store.ReleasePages], and that
// commit, which waits, has all earlier ones on the disk.
func (s *Store) BuildPage(ctx context.Context, h Hold, b *BuiltPage) error {
	return s.tx(ctx, func(tx txn) error {
		if s.d.lazyCommit != "" {
			if _, err := tx.ExecContext(ctx, s.d.lazyCommit); err != nil {
				return err
			}
		}
		if err := holdRun(ctx, tx, h); err != nil {
			return err
		}
		if err := s.checkpoint(ctx, tx, h, b); err != nil {
			return err
		}
		if err := s.noteRefused(ctx, tx, h, b); err != nil {
			return err
		}
		if b.Page == nil {
			return nil
		}
		if err := s.insert(ctx, tx, "messages", messageColumns, appendMessages(nil, nil, []webhook.Message{*b.Message})); err != nil {
			return err
		}
		p := b.Page
		_, err := tx.ExecContext(ctx, `
			INSERT INTO pages (run_id, client_id, number, message_id, records, bytes, sha256, first_position, last_position, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			string(p.RunID), string(p.ClientID), int64(p.Number), string(p.MessageID), int64(p.Records), int64(p.Bytes), p.SHA256,
			p.FirstPosition, p.LastPosition, micros(p.CreatedAt))
		if err != nil {
			return err
		}
		failpoint.Hit(failpoint.PageWritten)
		if len(b.LateKeys) == 0 {
			return nil
		}
		return s.clearLate(ctx, tx, recordOwner{b.Run.Dataset, b.ClientID}, b.LateKeys, b.Run.Seq)
	})
}

// checkpoint moves the client's row from one step to the next.
func (s *Store) checkpoint(ctx context.Context, tx txn, h Hold, b *BuiltPage) error {
	records, bytes, built := 0, 0, 0
	if b.Page != nil {
		records, bytes, built = b.Page.Records, b.Page.Bytes, 1
	}
	state := webhook.ClientBuilding
	if b.Last {
		state = webhook.ClientReleasing
	}
	res, err := tx.ExecContext(ctx, `
		UPDATE run_clients SET position = $3, records = records + $4, bytes = bytes + $5, late_records = late_records + $6,
			refused = refused + $7, built = built + $8, state = $9, started_at = COALESCE(started_at, $10)
		WHERE run_id = $1 AND client_id = $2 AND state = 'building' AND position = $11`,
		string(h.RunID), string(b.ClientID), b.Position, int64(records), int64(bytes), int64(b.Late), int64(b.RefusedCount),
		int64(built), string(state), micros(s.stamp()), b.Was)
	if n, err := affected(res, err); err != nil {
		return err
	} else if n == 0 {
		return ErrRunLost
	}
	return nil
}

func (s *Store) noteRefused(ctx context.Context, tx txn, h Hold, b *BuiltPage) error {
	if len(b.Refused) == 0 {
		return nil
	}
	var kept int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM run_refusals WHERE run_id = $1 AND client_id = $2`,
		string(h.RunID), string(b.ClientID)).Scan(&kept)
	if err != nil {
		return err
	}
	for _, r := range b.Refused[:min(len(b.Refused), max(0, maxRefusals-kept))] {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO run_refusals (run_id, client_id, key, reason) VALUES ($1, $2, $3, $4)
			ON CONFLICT (run_id, client_id, key) DO NOTHING`, string(h.RunID), string(b.ClientID), r.Key, r.Reason)
		if err != nil {
			return err
		}
	}
	return nil
}

// Refusals lists records that a run did not send, by client and key.
func (s *Store) Refusals(ctx context.Context, id webhook.RunID, client webhook.ClientID) ([]Refusal, error) {
	return list(ctx, s, `SELECT key, reason FROM run_refusals WHERE run_id = $1 AND client_id = $2 ORDER BY key`,
		[]any{string(id), string(client)}, func(row interface{ Scan(...any) error }) (r Refusal, err error) {
			err = row.Scan(&r.Key, &r.Reason)
			return r, err
		})
}

// PageRelease turns built pages of one client into deliveries.
type PageRelease struct {
	ClientID   webhook.ClientID
	From       int // pages released before
	To         int // pages released after
	Deliveries []NewDelivery
	Catalogue  int64 // version of the catalogue that the deliveries were matched with
	Last       bool  // these are the client's last pages
}

// ReleasePages commits deliveries and how far the client's pages are released.
// It returns an error for which [IsStale] holds when the catalogue has changed
// meanwhile, and [ErrRunLost] when another scheduler has the run.
func (s *Store) ReleasePages(ctx context.Context, h Hold, r *PageRelease) error {
	return s.tx(ctx, func(tx txn) error {
		version, err := s.intakeVersion(ctx, tx, []*Intake{{Deliveries: r.Deliveries}})
		if err != nil {
			return err
		}
		if version != r.Catalogue {
			return errStale
		}
		if err := holdRun(ctx, tx, h); err != nil {
			return err
		}
		state, finished := webhook.ClientReleasing, any(nil)
		if r.Last {
			state, finished = webhook.ClientDone, micros(s.stamp())
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE run_clients SET released = $4, state = $5, finished_at = $6
			WHERE run_id = $1 AND client_id = $2 AND state = 'releasing' AND released = $3`,
			string(h.RunID), string(r.ClientID), int64(r.From), int64(r.To), string(state), finished)
		if n, err := affected(res, err); err != nil {
			return err
		} else if n == 0 {
			return ErrRunLost
		}
		return s.insert(ctx, tx, "deliveries", newDeliveryColumns, appendDeliveries(nil, r.Deliveries))
	})
}

const runPageColumns = `run_id, client_id, number, message_id, records, bytes, sha256, first_position, last_position, created_at`

func scanRunPage(row interface{ Scan(...any) error }) (webhook.RunPage, error) {
	var p webhook.RunPage
	var created int64
	err := row.Scan(&p.RunID, &p.ClientID, &p.Number, &p.MessageID, &p.Records, &p.Bytes, &p.SHA256, &p.FirstPosition,
		&p.LastPosition, &created)
	p.CreatedAt = stored(created)
	return p, err
}

// RunPages lists pages of one client in a run, in their order: at most limit
// after the page with the number after.
func (s *Store) RunPages(ctx context.Context, c *webhook.RunClient, after, limit int) ([]webhook.RunPage, error) {
	return list(ctx, s, `SELECT `+runPageColumns+` FROM pages WHERE run_id = $1 AND client_id = $2 AND number > $3
		ORDER BY number LIMIT $4`, []any{string(c.RunID), string(c.ClientID), int64(after), int64(limit)}, scanRunPage)
}
