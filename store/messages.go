package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Intake is what one request brings in: committed whole, or not at all.
type Intake struct {
	Messages    []webhook.Message
	Deliveries  []NewDelivery
	Catalogue   int64        // version of the catalogue that the deliveries were matched with; 0: none was
	Idempotency *Idempotency // nil: no key was given

	by    *webhook.Actor // set by Accept: who brings it; nil: the system itself
	until time.Time      // set by Accept: when its caller must have an answer
}

// NewDelivery is a delivery to be stored.
type NewDelivery struct {
	ID             webhook.DeliveryID
	Message        *webhook.Message
	SubscriptionID webhook.SubscriptionID
	URL            string
	Method         string
	Held           bool      // its subscription is paused
	Parked         bool      // its subscription is at its limit, and others of it wait already
	LeaseUntil     time.Time // whoever brings it claims it until then; zero: nobody
	CheckAt        time.Time // when the reconciler looks after it; only where nothing of the above is so
	RunID          webhook.RunID
	Page, Pages    int
}

// Ref is what names the delivery once it is stored. A claim counts as one.
func (d *NewDelivery) Ref() Ref {
	if d.LeaseUntil.IsZero() {
		return Ref{d.ID, 1}
	}
	return Ref{d.ID, 2}
}

// Accept commits an intake. Intakes that wait at the same time share a commit.
// It returns an error for which [IsStale] holds when the catalogue has changed
// meanwhile, and a *[Replay] when the idempotency key was used before.
func (s *Store) Accept(ctx context.Context, in *Intake) error {
	in.by, in.until = webhook.ActorOf(ctx), time.Now().Add(acceptTimeout)
	_, err := join(ctx, s, s.intake, in)
	return err
}

// AcceptWith commits the intake that build makes, while no change of the
// catalogue can be committed: for whoever was told too often that the
// catalogue has changed.
func (s *Store) AcceptWith(ctx context.Context, build func() (*Intake, error)) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	return s.tx(ctx, func(tx txn) error {
		if _, err := s.catalogue(ctx, tx, s.d.forShare); err != nil {
			return err
		}
		in, err := build()
		if err != nil {
			return err
		}
		in.by = webhook.ActorOf(ctx)
		out := make([]batch.Result[struct{}], 1)
		if err := s.acceptAll(ctx, tx, []*Intake{in}, out); err != nil {
			return err
		}
		return out[0].Err
	})
}

// acceptTimeout bounds one intake, from its call to its commit. P6: a database
// that does not answer is a 503 within two seconds.
const acceptTimeout = 1800 * time.Millisecond

func (s *Store) runIntake(ins []*Intake) []batch.Result[struct{}] {
	out := make([]batch.Result[struct{}], len(ins))
	ctx, cancel := context.WithDeadline(context.Background(), intakeDeadline(ins))
	defer cancel()
	err := s.acceptBatch(ctx, ins, out)
	s.ready.intakes.note(err)
	if err == nil {
		return out
	}
	if len(ins) > 1 && !webhook.IsKind(err, webhook.KindUnavailable) {
		for i := range ins { // one bad row must not take the others with it
			out[i] = s.runIntake(ins[i : i+1])[0]
		}
		return out
	}
	for i := range out {
		out[i].Err = err
	}
	return out
}

func (s *Store) acceptBatch(ctx context.Context, ins []*Intake, out []batch.Result[struct{}]) error {
	if s.atOnce(ins) {
		return s.acceptAtOnce(ctx, ins, out)
	}
	return s.tx(ctx, func(tx txn) error { return s.acceptAll(ctx, tx, ins, out) })
}

// intakeDeadline is the first of some intakes' deadlines: those that waited for
// a commit that hung have little time left.
func intakeDeadline(ins []*Intake) time.Time {
	first := ins[0].until
	for _, in := range ins {
		if in.until.Before(first) {
			first = in.until
		}
	}
	return first
}

func (s *Store) acceptAll(ctx context.Context, tx txn, ins []*Intake, out []batch.Result[struct{}]) error {
	version, err := s.intakeVersion(ctx, tx, ins)
	if err != nil {
		return err
	}
	var messages, deliveries [][]any
	for i, in := range ins {
		out[i].Err = nil
		if in.Catalogue != 0 && in.Catalogue != version {
			out[i].Err = errStale
			continue
		}
		var replay *Replay
		err := s.reserve(ctx, tx, in.Idempotency)
		if errors.As(err, &replay) || webhook.IsKind(err, webhook.KindConflict) {
			out[i].Err = err
			continue
		}
		if err != nil {
			return err
		}
		if err := s.noteIntake(ctx, tx, in); err != nil {
			return err
		}
		messages = appendMessages(messages, in.by, in.Messages)
		deliveries = appendDeliveries(deliveries, in.Deliveries)
	}
	if err := s.insert(ctx, tx, "messages", messageColumns, messages); err != nil {
		return err
	}
	return s.insert(ctx, tx, "deliveries", newDeliveryColumns, deliveries)
}

// noteIntake writes the line of an intake of several events. A single one has
// only its mark (see appendMessages): a line would be one row more for each.
func (s *Store) noteIntake(ctx context.Context, tx txn, in *Intake) error {
	if len(in.Messages) < 2 {
		return nil
	}
	client := in.Messages[0].ClientID
	for i := range in.Messages {
		if in.Messages[i].ClientID != client {
			client = ""
			break
		}
	}
	return s.noteAs(ctx, tx, in.by, webhook.AuditEntry{
		Resource: webhook.ResourceEvent, ClientID: client,
		Counts: map[string]int64{"events": int64(len(in.Messages)), "deliveries": int64(len(in.Deliveries))},
	})
}

// intakeVersion reads the catalogue's version. Where a delivery is to be held,
// the counter is locked too: a resume must not commit between this look and
// our commit, or it would miss the delivery that we are about to hold.
func (s *Store) intakeVersion(ctx context.Context, tx txn, ins []*Intake) (v int64, err error) {
	lock := ""
	for _, in := range ins {
		for i := range in.Deliveries {
			if in.Deliveries[i].Held {
				lock = s.d.forShare
			}
		}
	}
	return s.catalogue(ctx, tx, lock)
}

// catalogue reads the catalogue's version, with a lock or without ("").
func (s *Store) catalogue(ctx context.Context, tx txn, lock string) (v int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'catalogue'`+lock).Scan(&v)
	return v, err
}

// insert adds rows to a table, many in a statement.
func (s *Store) insert(ctx context.Context, tx txn, table string, cols []column, rows [][]any) error {
	list := names(cols)
	for part := range s.d.chunks(rows) {
		cte, args := s.d.values("v", cols, part)
		if _, err := tx.ExecContext(ctx, `WITH `+cte+` INSERT INTO `+table+` (`+list+`) SELECT `+list+` FROM v`, args...); err != nil {
			return err
		}
	}
	return nil
}

var messageColumns = []column{
	{"id", text},
	{"kind", text},
	{"client_id", text},
	{"type", text},
	{"body", binary},
	{"data_start", number},
	{"data_length", number},
	{"occurred_at", number},
	{"created_at", number},
	{"target", text},
	{"key_id", text},
	{"remote_addr", text},
}

// appendMessages marks each message with who brings it; nil is the system itself.
func appendMessages(rows [][]any, by *webhook.Actor, ms []webhook.Message) [][]any {
	if by == nil {
		by = &webhook.Actor{}
	}
	for i := range ms {
		m := &ms[i]
		rows = append(rows, []any{
			string(m.ID), string(m.Kind), string(m.ClientID), string(m.Type), m.Body, int64(m.DataStart),
			int64(m.DataLength), micros(m.OccurredAt), micros(m.CreatedAt), string(m.Target),
			string(by.KeyID), by.RemoteAddr,
		})
	}
	return rows
}

var newDeliveryColumns = []column{
	{"id", text},
	{"message_id", text},
	{"kind", text},
	{"client_id", text},
	{"event_type", text},
	{"subscription_id", text},
	{"url", text},
	{"method", text},
	{"state", text},
	{"hold_reason", text},
	{"next_attempt_at", number},
	{"check_at", number},
	{"created_at", number},
	{"run_id", text},
	{"page", number},
	{"pages", number},
	{"generation", number},
	{"crash_count", number},
	{"lease_until", number},
	{"parked", boolean},
}

func appendDeliveries(rows [][]any, ds []NewDelivery) [][]any {
	for i := range ds {
		d := &ds[i]
		state, reason, check := webhook.StatePending, webhook.HoldNone, maybeMicros(d.CheckAt)
		switch {
		case d.Held:
			state, reason, check = webhook.StateHeld, webhook.HoldPaused, nil
		case d.Parked:
			check = nil
		case !d.LeaseUntil.IsZero():
			check = maybeMicros(d.LeaseUntil)
		}
		var run, page, pages any
		if d.RunID != "" {
			run, page, pages = string(d.RunID), int64(d.Page), int64(d.Pages)
		}
		due, ref := micros(d.Message.CreatedAt), d.Ref()
		rows = append(rows, []any{
			string(d.ID), string(d.Message.ID), string(d.Message.Kind), string(d.Message.ClientID), string(d.Message.Type),
			string(d.SubscriptionID), d.URL, d.Method, string(state), string(reason), due, check, due, run, page, pages,
			ref.Generation, ref.Generation - 1, maybeMicros(d.LeaseUntil), d.Parked,
		})
	}
	return rows
}

const messageFields = `id, kind, client_id, type, body, data_start, data_length, occurred_at, created_at, target, body_gone_at, body_gone_why`

func scanMessage(row interface{ Scan(...any) error }) (webhook.Message, error) {
	var m webhook.Message
	var occurred, created int64
	var gone sql.NullInt64
	var why webhook.GoneWhy
	err := row.Scan(&m.ID, &m.Kind, &m.ClientID, &m.Type, &m.Body, &m.DataStart, &m.DataLength, &occurred, &created, &m.Target, &gone, &why)
	m.OccurredAt, m.CreatedAt = stored(occurred), stored(created)
	if gone.Valid {
		m.Gone = &webhook.Gone{At: stored(gone.Int64), Why: why}
	}
	return m, err
}

// Message returns one message with its body.
func (s *Store) Message(ctx context.Context, id webhook.MessageID) (webhook.Message, error) {
	m, err := scanMessage(s.read.QueryRowContext(ctx, `SELECT `+messageFields+` FROM messages WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return m, webhook.NotFound("message", string(id))
	}
	return m, s.wrap(err)
}

// PayloadGone tells when and why the body of a message was removed; nil: it is
// there, or the message itself is gone.
func (s *Store) PayloadGone(ctx context.Context, id webhook.MessageID) (*webhook.Gone, error) {
	var at int64
	var gone webhook.Gone
	err := s.read.QueryRowContext(ctx, `SELECT body_gone_at, body_gone_why FROM messages WHERE id = $1 AND body_gone_at IS NOT NULL`,
		string(id)).Scan(&at, &gone.Why)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	gone.At = stored(at)
	return &gone, s.wrap(err)
}

// pastEvents sorts after every event's id, and before every other message's.
const pastEvents = "evt`"

// EventFilter selects events; empty fields select all.
type EventFilter struct {
	Type         webhook.Slug
	ClientID     webhook.ClientID
	Since, Until time.Time // accepted in [Since, Until)
}

// Events lists events without their bodies, newest first.
func (s *Store) Events(ctx context.Context, f EventFilter, p Page) ([]webhook.Message, string, error) {
	var w where
	w.add("kind = ?", string(webhook.KindEvent))
	// Ids of other kinds sort after those of events: without an end, the first
	// page would read all of them.
	w.add("id < ?", pastEvents)
	w.equal("type", string(f.Type))
	w.equal("client_id", string(f.ClientID))
	w.span(webhook.PrefixEvent, f.Since, f.Until)
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	// Bodies may be large and hold personal data: a list does not read them.
	const fields = `id, kind, client_id, type, NULL, data_start, data_length, occurred_at, created_at, target, body_gone_at, body_gone_why`
	rows, err := list(ctx, s, `SELECT `+fields+` FROM messages`+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanMessage)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(m *webhook.Message) string { return string(m.ID) })
	return out, next, nil
}

// span selects ids made in [since, until): ids hold the time, so that the
// index on them serves, and created_at decides at the edges.
func (w *where) span(prefix string, since, until time.Time) { w.spanOf("", prefix, since, until) }

// spanOf is span of a table that a statement names: "d.".
func (w *where) spanOf(table, prefix string, since, until time.Time) {
	if !since.IsZero() {
		w.add(table+"id >= ?", webhook.FirstIDAt(prefix, since.Add(-time.Second)))
		w.add(table+"created_at >= ?", micros(since))
	}
	if !until.IsZero() {
		w.add(table+"id < ?", webhook.FirstIDAt(prefix, until.Add(time.Second)))
		w.add(table+"created_at < ?", micros(until))
	}
}
