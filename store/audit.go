package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const auditColumns = `id, at, key_id, key_name, role, action, resource, resource_id, client_id, remote_addr, request_id, fields, counts`

func scanAudit(row interface{ Scan(...any) error }) (webhook.AuditEntry, error) {
	var e webhook.AuditEntry
	var at int64
	var fields, counts string
	err := row.Scan(&e.Line, &at, &e.KeyID, &e.KeyName, &e.Role, &e.Action, &e.Resource, &e.ResourceID, &e.ClientID,
		&e.RemoteAddr, &e.RequestID, &fields, &counts)
	if err != nil {
		return e, err
	}
	e.At = stored(at)
	if err := errors.Join(json.Unmarshal([]byte(fields), &e.Fields), json.Unmarshal([]byte(counts), &e.Counts)); err != nil {
		return e, fmt.Errorf("audit line %s: %w", e.Line, err)
	}
	return e, nil
}

// Audit writes the line of a call that shows what is secret or personal, and
// changes nothing. It comes before the answer: what could not be written down
// is not shown. The actor is the context's; see [webhook.WithActor].
func (s *Store) Audit(ctx context.Context, e webhook.AuditEntry) error {
	if webhook.ActorOf(ctx) == nil {
		return errors.New("a line of the audit log wants to know who acts")
	}
	return s.tx(ctx, func(tx txn) error { return s.note(ctx, tx, e) })
}

// note writes the line of what a transaction does, in that transaction: there
// is no write without its line, and no line without its write. A call has one
// line, however many transactions it takes: the later ones add to it. Of e,
// only what the call is about is used.
func (s *Store) note(ctx context.Context, tx txn, e webhook.AuditEntry) error {
	return s.noteAs(ctx, tx, webhook.ActorOf(ctx), e)
}

// noteAs writes the line of an actor; nil is the system itself.
func (s *Store) noteAs(ctx context.Context, tx txn, actor *webhook.Actor, e webhook.AuditEntry) error {
	if actor == nil {
		return nil
	}
	e.Actor, e.At = *actor, s.stamp()
	e.AddFields(actor.Changes)
	fields, counts, err := auditDetails(&e)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO audit_log (`+auditColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING`,
		string(e.Line), micros(e.At), string(e.KeyID), e.KeyName, e.Role, e.Action, string(e.Resource), e.ResourceID,
		string(e.ClientID), e.RemoteAddr, e.RequestID, fields, counts)
	if n, err := affected(res, err); err != nil || n == 1 {
		return err
	}
	line, err := scanAudit(tx.QueryRowContext(ctx, `SELECT `+auditColumns+` FROM audit_log WHERE id = $1`, string(e.Line)))
	if err != nil {
		return err
	}
	line.Merge(e)
	if fields, counts, err = auditDetails(&line); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_log SET resource = $2, resource_id = $3, client_id = $4, fields = $5, counts = $6 WHERE id = $1`,
		string(line.Line), string(line.Resource), line.ResourceID, string(line.ClientID), fields, counts)
	return err
}

func auditDetails(e *webhook.AuditEntry) (fields, counts string, err error) {
	f, err := json.Marshal(e.Fields)
	if err != nil {
		return "", "", err
	}
	c, err := json.Marshal(e.Counts)
	return string(f), string(c), err
}

// AuditFilter selects lines of the audit log; empty fields select all.
type AuditFilter struct {
	KeyID        webhook.KeyID
	Action       string
	Resource     webhook.Resource
	ResourceID   string
	ClientID     webhook.ClientID
	Since, Until time.Time // written in [Since, Until)
}

// auditSlack is more than passes between the start of a call, which its
// line's id tells, and the line's time.
const auditSlack = 2 * time.Minute

// AuditLog lists the audit log, newest first. Who brought an event in is kept
// with the event: asked for that event, the list has it as a line too.
func (s *Store) AuditLog(ctx context.Context, f AuditFilter, p Page) ([]webhook.AuditEntry, string, error) {
	var w where
	from := "audit_log"
	if webhook.ValidID(webhook.PrefixEvent, f.ResourceID) {
		w.args = append(w.args, f.ResourceID)
		from = `(SELECT ` + auditColumns + ` FROM audit_log WHERE resource_id = $1 UNION ALL ` + bringers + ` WHERE id = $1 AND key_id <> '') AS l`
	}
	w.equal("key_id", string(f.KeyID))
	w.equal("action", f.Action)
	w.equal("resource", string(f.Resource))
	w.equal("resource_id", f.ResourceID)
	w.equal("client_id", string(f.ClientID))
	if !f.Since.IsZero() { // ids hold the time, so that the index on them serves
		w.add("id >= ?", webhook.FirstIDAt(webhook.PrefixAudit, f.Since.Add(-auditSlack)))
		w.add("at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.add("id < ?", webhook.FirstIDAt(webhook.PrefixAudit, f.Until.Add(time.Second)))
		w.add("at < ?", micros(f.Until))
	}
	if p.After != "" {
		w.add("id < ?", p.After)
	}
	rows, err := list(ctx, s, `SELECT `+auditColumns+` FROM `+from+w.sql()+` ORDER BY id DESC`+w.limit(p), w.args, scanAudit)
	if err != nil {
		return nil, "", err
	}
	out, next := cut(rows, p, func(e *webhook.AuditEntry) string { return string(e.Line) })
	return out, next, nil
}

// bringers are the marks of messages as lines of the audit log. Ids of all
// kinds are made alike, so that the line sorts where it belongs.
const bringers = `SELECT '` + webhook.PrefixAudit + `' || substr(id, 5), created_at, key_id, '', '', '` + webhook.ActionPostEvent + `', '` +
	string(webhook.ResourceEvent) + `', id, client_id, remote_addr, '', '[]', '{}' FROM messages`
