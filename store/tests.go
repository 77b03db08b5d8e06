package store

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// RecordTest stores an operator's test that is over: its message, a delivery
// that is final from the start, and its one attempt. The schedule never sees
// it; an operator may retry it like any other.
func (s *Store) RecordTest(ctx context.Context, nd *NewDelivery, a *webhook.Attempt) (d webhook.Delivery, err error) {
	m := nd.Message
	state := webhook.StateSucceeded
	if !a.Acknowledged() {
		state = webhook.StateFailed
	}
	var status any
	if a.Status != 0 {
		status = int64(a.Status)
	}
	attempt := attemptRow(nd.ID, a)
	err = s.tx(ctx, func(tx txn) error {
		if err := s.insert(ctx, tx, "messages", messageColumns, appendMessages(nil, webhook.ActorOf(ctx), []webhook.Message{*m})); err != nil {
			return err
		}
		d, err = s.scanDelivery(tx.QueryRowContext(ctx, `
			INSERT INTO deliveries (id, message_id, kind, client_id, event_type, subscription_id, url, method, state,
				attempt_count, created_at, finished_at, last_status, last_error)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12, $13)
			RETURNING `+deliveryColumns,
			string(nd.ID), string(m.ID), string(m.Kind), string(m.ClientID), string(m.Type), string(nd.SubscriptionID),
			nd.URL, nd.Method, string(state), micros(m.CreatedAt), micros(a.EndedAt()), status, string(a.ErrorCode())))
		if err != nil {
			return err
		}
		if err := s.insert(ctx, tx, "attempts", attemptColumns, [][]any{attempt}); err != nil {
			return err
		}
		return s.note(ctx, tx, subscriptionEntry(nd.SubscriptionID, m.ClientID))
	})
	return d, err
}
