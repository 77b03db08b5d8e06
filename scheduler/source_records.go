package scheduler

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// StoredRecords is the [Source] of the records that the platform put.
type StoredRecords struct {
	store *store.Store
}

// NewStoredRecords reads from a store.
func NewStoredRecords(s *store.Store) *StoredRecords { return &StoredRecords{store: s} }

// Read is of [Source]. Each page is a span of an index, however deep.
func (s *StoredRecords) Read(ctx context.Context, q Query) ([]Record, error) {
	rows, err := s.store.ReadRecords(ctx, storedQuery(q))
	if err != nil {
		return nil, err
	}
	out := make([]Record, len(rows))
	for i, r := range rows {
		out[i] = Record{Key: r.Key, Position: r.Position, Body: r.Body, Size: r.Size, Late: r.Late}
	}
	return out, nil
}

// Clients is of [Source]: the clients that have a record in the window, or a
// late one.
func (s *StoredRecords) Clients(ctx context.Context, q Query) ([]webhook.ClientID, error) {
	return s.store.RecordClients(ctx, storedQuery(q))
}

func storedQuery(q Query) store.RecordQuery {
	return store.RecordQuery{
		Dataset: q.Dataset, ClientID: q.ClientID, Window: q.Window, Late: q.Late, Before: q.Before,
		SizeOnly: q.SizeOnly, After: q.After, Limit: q.Limit,
	}
}
