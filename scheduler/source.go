package scheduler

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Source is where the records of the exports come from. Two ship: the records
// that the platform put into our own SQL, and the platform's MongoDB.
//
// A run must see each record exactly once although records change while it
// reads. In SQL that is held by one number for each dataset (table datasets,
// column seq): creating a run raises it under an exclusive lock, and an upsert
// stamps each row that it changes with the present one under a shared lock. A
// run takes the rows that were stamped before it (Query.Before), and whatever
// is stored later belongs to a later run. In MongoDB, whose rows are not ours,
// no window reaches past the start of its run, so that a record that the
// platform changes meanwhile leaves the window by its updatedAt.
type Source interface {
	// Read returns at most q.Limit records after q.After, in an order that is
	// total and does not change: the window's field, then the key; late records
	// that are not in the window come before those that are. Fewer than q.Limit
	// records mean that there are no more.
	Read(ctx context.Context, q Query) ([]Record, error)
	// Clients lists the clients that have records of a dataset, for
	// subscriptions to every client; q's After and Limit are not used.
	Clients(ctx context.Context, q Query) ([]webhook.ClientID, error)
}

// Query selects records of one client.
type Query struct {
	Dataset  webhook.Dataset
	ClientID webhook.ClientID
	Window   webhook.Window
	// Late asks also for records outside of the window that arrived after their
	// window's scheduled run and were in no scheduled run since.
	Late bool
	// Before leaves out what was stored since the run that has this number was
	// created; 0: as it is now. MongoDB knows no such number.
	Before int64
	// SizeOnly asks for no bodies: Size is enough (a preview counts).
	SizeOnly bool
	After    string // Position of the last record read; "": from the start
	Limit    int
}

// Record is one record as it goes on the wire.
type Record struct {
	Key      string // _id, or reference_number
	Position string // opaque: where the next Read goes on
	Body     []byte // the platform's own bytes; nil with Query.SizeOnly, or when Refused
	Size     int    // length of Body in bytes, also with Query.SizeOnly
	Late     bool   // it carries the mark of a late record: a scheduled run clears it
	Refused  string // why it is reported and not sent; "": it is sent
}
