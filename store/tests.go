package store

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestOutcome is what came of an operator's test.
type TestOutcome struct {
	Attempts []*webhook.Attempt // the first one first
	Decides  int                // index of the attempt that decides the delivery's state
}

// RecordTest stores an operator's test that is over: its message, a delivery
// that is final from the start, and its attempts. The schedule never sees
// it; an operator may retry it like any other.
func (s *Store) RecordTest(ctx context.Context, nd *NewDelivery, o TestOutcome) (d webhook.Delivery, err error) {
	m, a, last := nd.Message, o.Attempts[o.Decides], o.Attempts[len(o.Attempts)-1]
	state := webhook.StateSucceeded
	if !a.Acknowledged() {
		state = webhook.StateFailed
	}
	var status any
	if last.Status != 0 {
		status = int64(last.Status)
	}
	rows := make([][]any, len(o.Attempts))
	for i, each := range o.Attempts {
		rows[i] = attemptRow(nd.ID, each)
	}
	err = s.tx(ctx, func(tx txn) error {
		if err := s.insert(ctx, tx, "messages", messageColumns, appendMessages(nil, webhook.ActorOf(ctx), []webhook.Message{*m})); err != nil {
			return err
		}
		d, err = s.scanDelivery(tx.QueryRowContext(ctx, `
			INSERT INTO deliveries (id, message_id, kind, client_id, event_type, subscription_id, url, method, state,
				attempt_count, created_at, finished_at, last_status, last_error)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $14, $10, $11, $12, $13)
			RETURNING `+deliveryColumns,
			string(nd.ID), string(m.ID), string(m.Kind), string(m.ClientID), string(m.Type), string(nd.SubscriptionID),
			nd.URL, nd.Method, string(state), micros(m.CreatedAt), micros(a.EndedAt()), status, string(last.ErrorCode()), len(rows)))
		if err != nil {
			return err
		}
		if err := s.insert(ctx, tx, "attempts", attemptColumns, rows); err != nil {
			return err
		}
		return s.note(ctx, tx, subscriptionEntry(nd.SubscriptionID, m.ClientID))
	})
	return d, err
}

// NoteCheck writes the line of a check of a subscription that sent nothing.
func (s *Store) NoteCheck(ctx context.Context, sub *webhook.Subscription) error {
	return s.tx(ctx, func(tx txn) error { return s.note(ctx, tx, subscriptionEntry(sub.ID, sub.ClientID)) })
}
