package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// JobTarget is a subscription that a replay sends to: the events of a client
// ("": of all) that it wants.
type JobTarget struct {
	SubscriptionID webhook.SubscriptionID
	ClientID       webhook.ClientID
	Types          []webhook.Pattern
}

// JobLook asks for what a job works on next.
type JobLook struct {
	Job    *webhook.Job
	Target JobTarget // for a retry, only its subscription counts
	After  string    // id of the last one that was looked at
	Limit  int
}

// JobItem is a delivery to retry, or an event to replay.
type JobItem struct {
	ID       string
	ClientID webhook.ClientID
	Type     webhook.Slug
	Skip     webhook.SkipReason // "": it can be sent
}

// retries are the conditions of a retry's deliveries.
func retries(j *webhook.Job) where {
	var w where
	f := &j.Filter
	w.add("d.kind <> ?", string(webhook.KindTest))
	w.equal("d.client_id", string(f.ClientID))
	w.equal("d.event_type", string(f.EventType))
	w.equal("d.run_id", string(f.RunID))
	switch f.State {
	case webhook.StateFailed:
		w.add(`d.state = 'failed'`) // in these words, so that its partial index serves
	case webhook.StateSucceeded:
		w.equal("d.state", string(f.State))
	default:
		w.equal("d.state", string(f.State))
		w.add(`d.state <> 'succeeded'`) // likewise
	}
	w.in("d.message_id", f.EventIDs)
	if j.VisibleTo != "" {
		w.equal("d.client_id", string(j.VisibleTo))
		w.add("d." + notPlatforms)
	}
	w.between("d.", webhook.PrefixDelivery, j)
	return w
}

// replays are the conditions of a replay's events, for one subscription.
func replays(j *webhook.Job, t JobTarget) where {
	var w where
	f := &j.Filter
	w.add("m.kind = ?", string(webhook.KindEvent))
	w.add("m.id < ?", pastEvents)
	w.equal("m.client_id", string(t.ClientID))
	w.equal("m.type", string(f.EventType))
	w.add("m.target IN ('', ?)", string(t.SubscriptionID))
	w.in("m.id", f.EventIDs)
	w.types("m.type", t.Types)
	if f.State != "" {
		w.add(`EXISTS (SELECT 1 FROM deliveries AS d WHERE d.message_id = m.id AND d.subscription_id = ? AND d.state = ?)`,
			string(t.SubscriptionID), string(f.State))
	}
	w.between("m.", webhook.PrefixEvent, j)
	return w
}

// between selects what was made before the job, and in its filter's time.
func (w *where) between(table, prefix string, j *webhook.Job) {
	until := j.CreatedAt
	if u := j.Filter.Until; u != nil && u.Before(until) {
		until = *u
	}
	since := time.Time{}
	if j.Filter.Since != nil {
		since = *j.Filter.Since
	}
	w.spanOf(table, prefix, since, until)
}

func (w *where) in(column string, ids []webhook.MessageID) {
	if len(ids) == 0 {
		return
	}
	marks, args := "", make([]any, len(ids))
	for i, id := range ids {
		marks, args[i] = marks+", ?", string(id)
	}
	w.add(column+" IN ("+marks[2:]+")", args...)
}

// types selects what one of some patterns matches.
func (w *where) types(column string, patterns []webhook.Pattern) {
	cond, args := "", []any{}
	for _, p := range patterns {
		prefix, open := p.Prefix()
		switch {
		case open && prefix == "":
			return // all
		case open:
			cond += " OR substr(" + column + ", 1, ?) = ?"
			args = append(args, len(prefix), prefix)
		default:
			cond += " OR " + column + " = ?"
			args = append(args, string(p))
		}
	}
	if cond != "" {
		w.add("("+cond[len(" OR "):]+")", args...)
	}
}

// RetryCount is how many deliveries of a subscription are in a state.
type RetryCount struct {
	SubscriptionID webhook.SubscriptionID
	State          webhook.DeliveryState
	Count          int64
}

// CountRetries counts what a retry selects.
func (s *Store) CountRetries(ctx context.Context, j *webhook.Job) ([]RetryCount, error) {
	w := retries(j)
	return list(ctx, s, `SELECT d.subscription_id, d.state, count(*) FROM deliveries AS d`+w.sql()+
		` GROUP BY d.subscription_id, d.state ORDER BY d.subscription_id, d.state`, w.args,
		func(row interface{ Scan(...any) error }) (c RetryCount, err error) {
			err = row.Scan(&c.SubscriptionID, &c.State, &c.Count)
			return c, err
		})
}

// CountReplays counts the events that a replay sends to one subscription.
func (s *Store) CountReplays(ctx context.Context, j *webhook.Job, t JobTarget) (n int64, err error) {
	w := replays(j, t)
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM messages AS m`+w.sql(), w.args...).Scan(&n)
	return n, s.wrap(err)
}

// JobItems reads what a job works on next, oldest first. It is read outside of
// the step's transaction: a look may pass over much that is not selected.
func (s *Store) JobItems(ctx context.Context, l JobLook) ([]JobItem, error) {
	w, query := retries(l.Job), `
		SELECT d.id, d.client_id, d.event_type, m.body IS NOT NULL, COALESCE(m.body_gone_why, ''), s.deleted_at IS NOT NULL
		FROM deliveries AS d LEFT JOIN messages AS m ON m.id = d.message_id LEFT JOIN subscriptions AS s ON s.id = d.subscription_id`
	id := "d.id"
	if l.Job.Kind == webhook.JobReplay {
		w, id = replays(l.Job, l.Target), "m.id"
		query = `SELECT m.id, m.client_id, m.type, m.body IS NOT NULL, m.body_gone_why, FALSE FROM messages AS m`
	} else {
		w.add("d.subscription_id = ?", string(l.Target.SubscriptionID))
	}
	if l.After != "" {
		w.add(id+" > ?", l.After)
	}
	w.args = append(w.args, l.Limit)
	return list(ctx, s, query+w.sql()+` ORDER BY `+id+` LIMIT `+w.last(), w.args, scanJobItem)
}

func scanJobItem(row interface{ Scan(...any) error }) (x JobItem, err error) {
	var there, deleted bool
	var why webhook.GoneWhy
	err = row.Scan(&x.ID, &x.ClientID, &x.Type, &there, &why, &deleted)
	switch {
	case deleted:
		x.Skip = webhook.SkipSubscriptionGone
	case !there && why == webhook.GoneErasure:
		x.Skip = webhook.SkipErased
	case !there:
		x.Skip = webhook.SkipPayloadGone
	}
	return x, err
}

// JobStep is what one transaction of a job does to one of its parts.
type JobStep struct {
	Part       *webhook.JobPart // as it was before
	Position   string           // the checkpoint after the step
	Retries    []webhook.DeliveryID
	State      webhook.DeliveryState // that the retries must be in; "": any but canceled
	CheckAt    time.Time             // when the reconciler looks after the retries
	Deliveries []NewDelivery         // of a replay
	Catalogue  int64                 // version of the catalogue that they were matched with; 0: none was
	Skipped    map[webhook.SkipReason]int64
	Last       bool // there is no more of the part
}

// JobSent is a delivery that is to be hinted.
type JobSent struct {
	Ref
	Page bool // of an export
}

// StepJob commits a step with the checkpoint behind it, so that whatever kills
// us, nothing is done twice and nothing passed over. It returns the retries to
// hint, an error for which [IsStale] holds when the catalogue has changed
// meanwhile, and [ErrJobLost] when the job is another's, or canceled.
func (s *Store) StepJob(ctx context.Context, h JobHold, step *JobStep) (sent []JobSent, err error) {
	err = s.tx(ctx, func(tx txn) error {
		if step.Catalogue != 0 {
			version, err := s.intakeVersion(ctx, tx, []*Intake{{Deliveries: step.Deliveries}})
			if err != nil {
				return err
			}
			if version != step.Catalogue {
				return errStale
			}
		}
		why, err := holdJob(ctx, tx, h)
		if err != nil {
			return err
		}
		if sent, err = s.retryAll(ctx, tx, h.JobID, step); err != nil {
			return err
		}
		if err := s.replayAll(ctx, tx, h.JobID, step.Deliveries); err != nil {
			return err
		}
		done := len(sent) + len(step.Deliveries)
		return s.countStep(ctx, tx, step, stepCounts{why: why, done: int64(done), changed: int64(len(step.Retries) - len(sent))})
	})
	return sent, err
}

// retryAll asks for another attempt of each delivery that is still in the
// state. One that is asked for already stays so.
func (s *Store) retryAll(ctx context.Context, tx txn, id webhook.JobID, step *JobStep) (sent []JobSent, err error) {
	now := micros(s.stamp())
	rows := make([][]any, len(step.Retries))
	for i, d := range step.Retries {
		rows[i] = []any{string(d), now, micros(step.CheckAt), string(id), string(step.State)}
	}
	cols := []column{{"v_id", text}, {"v_now", number}, {"v_check", number}, {"v_job", text}, {"v_state", text}}
	for part := range s.d.chunks(inLockOrder(rows)) {
		cte, args := s.d.values("v", cols, part)
		changed, err := tx.QueryContext(ctx, `WITH `+cte+`
			UPDATE deliveries AS d SET manual_at = COALESCE(manual_at, v_now), job_id = v_job, parked = FALSE,
				check_at = CASE WHEN check_at < v_check THEN check_at ELSE v_check END
			FROM v WHERE d.id = v_id AND d.state <> 'canceled' AND v_state IN ('', d.state)
			RETURNING id, generation, run_id IS NOT NULL`, args...)
		if err != nil {
			return nil, err
		}
		some, err := collect(changed, func(row interface{ Scan(...any) error }) (x JobSent, err error) {
			err = row.Scan(&x.ID, &x.Generation, &x.Page)
			return x, err
		})
		if err != nil {
			return nil, err
		}
		sent = append(sent, some...)
	}
	return sent, nil
}

// replayAll adds the new deliveries, marked with their job.
func (s *Store) replayAll(ctx context.Context, tx txn, id webhook.JobID, ds []NewDelivery) error {
	rows := appendDeliveries(nil, ds)
	for i := range rows {
		rows[i] = append(rows[i], string(id))
	}
	cols := append(newDeliveryColumns[:len(newDeliveryColumns):len(newDeliveryColumns)], column{"job_id", text})
	return s.insert(ctx, tx, "deliveries", cols, rows)
}

// stepCounts is what a step adds to its job.
type stepCounts struct {
	why           string // what the job has skipped so far, by reason
	done, changed int64
}

// countStep moves the checkpoint and counts. At a part's end its numbers are
// made to add up: what was counted and not found in its state any more was
// skipped, and what has come into it since is counted.
func (s *Store) countStep(ctx context.Context, tx txn, step *JobStep, c stepCounts) error {
	reasons := map[webhook.SkipReason]int64{}
	if err := json.Unmarshal([]byte(c.why), &reasons); err != nil {
		return err
	}
	skipped := map[webhook.SkipReason]int64{webhook.SkipChanged: c.changed}
	for reason, n := range step.Skipped {
		skipped[reason] += n
	}
	all := int64(0)
	for _, n := range skipped {
		all += n
	}
	p := step.Part
	more := int64(0)
	if missing := p.Counted - p.Done - p.Skipped - c.done - all; step.Last && missing > 0 {
		skipped[webhook.SkipChanged] += missing
		all += missing
	} else if step.Last {
		more = -missing
	}
	for reason, n := range skipped {
		if n > 0 {
			reasons[reason] += n
		}
	}
	why, err := json.Marshal(reasons)
	if err != nil {
		return err
	}
	n, err := affected(tx.ExecContext(ctx, `
		UPDATE job_parts SET position = $3, done = done + $4, skipped = skipped + $5, counted = counted + $6, finished = $7
		WHERE job_id = $1 AND subscription_id = $2 AND position = $8 AND NOT finished`,
		string(p.JobID), string(p.SubscriptionID), step.Position, c.done, all, more, step.Last, p.Position))
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrJobLost
	}
	_, err = tx.ExecContext(ctx, `UPDATE jobs SET done = done + $2, skipped = skipped + $3, counted = counted + $4, skipped_why = $5 WHERE id = $1`,
		string(p.JobID), c.done, all, more, string(why))
	return err
}
