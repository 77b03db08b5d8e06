package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/records"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Load is one stream of records on its way into SQL.
type Load struct {
	Store       *store.Store
	Dataset     webhook.Dataset
	ClientID    webhook.ClientID // whose the records are; "": each tells in ClientField
	ClientField string           // name of the field that holds a record's client
	Only        webhook.ClientID // the one client whose records are taken; "": every client's
	Most        int              // records that are taken; 0: any number
	Patience    time.Duration    // longest wait for one commit; 0: as long as the context

	Loaded

	reader *webhook.RecordReader
	batch  []webhook.Record
	bytes  int // of the batch
	line   int // of the last record that was read
	count  int // records read
}

// Loaded is what became of the records of a stream.
type Loaded struct {
	Accepted  int             `json:"accepted" doc:"records that are new or changed, and stored"`
	Unchanged int             `json:"unchanged" doc:"records that were stored already, or are older than what is stored"`
	Refused   []RefusedRecord `json:"refused" doc:"every record that was not taken"`
	// Through is the last line that is settled: stored, unchanged or refused.
	Through int `json:"-"`
}

// RefusedRecord is a record that was not taken.
type RefusedRecord struct {
	Line   int    `json:"line" doc:"its line, or its number in the array, from 1"`
	Key    string `json:"key" doc:"its _id or reference_number, as far as it can be read"`
	Reason string `json:"reason" doc:"what is wrong with it"`
}

// TooManyError says that a stream has more records than are taken.
type TooManyError struct{ Line int }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("line %d is one record more than are taken", e.Line)
}

// The size of a transaction: it holds SQLite's one writer, so that the intake
// of events waits for it. Five hundred ordinary records take some fifteen
// milliseconds; twice as many would be a sixth faster in all.
const (
	loadRows  = 500
	loadBytes = 2 << 20
)

// Run reads the stream to its end. In memory are one transaction's records
// and what was refused. Whatever ends it early, l tells what is stored until
// then: the good records before that place. The error is a
// *[records.BrokenError], a *[records.SourceError], a *[TooManyError], or the
// store's.
func (l *Load) Run(ctx context.Context, stream *records.Reader) error {
	l.reader = webhook.NewRecordReader(l.Dataset, l.ClientField)
	l.Refused = []RefusedRecord{}
	for {
		raw, err := stream.Next()
		switch {
		case err == io.EOF:
			return l.flush(ctx)
		case err != nil && !errors.Is(err, records.ErrTooLong):
			return l.end(ctx, err)
		case l.count == l.Most && l.Most > 0:
			return l.end(ctx, &TooManyError{stream.Line()})
		}
		l.count++
		l.line = stream.Line()
		if err == nil {
			l.take(raw)
		} else {
			l.refuse("", "is larger than 256 KiB, the limit of one record")
		}
		if len(l.batch) < loadRows && l.bytes < loadBytes {
			continue
		}
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
}

// end keeps what was taken before the stream ended early. That it could not be
// kept is the graver error.
func (l *Load) end(ctx context.Context, why error) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	return why
}

func (l *Load) take(raw []byte) {
	rec, fault := l.reader.Read(raw)
	if fault != nil {
		l.refuse(fault.Key, fault.Reason)
		return
	}
	if l.ClientField == "" {
		rec.ClientID = l.ClientID
	}
	if l.Only != "" && rec.ClientID != l.Only {
		l.refuse(rec.Key, fmt.Sprintf("its client is %q, and the key is bound to client %q", rec.ClientID, l.Only))
		return
	}
	rec.Body = bytes.Clone(raw) // raw is the stream's
	l.batch = append(l.batch, rec)
	l.bytes += len(raw)
}

func (l *Load) refuse(key, reason string) {
	l.Refused = append(l.Refused, RefusedRecord{Line: l.line, Key: key, Reason: reason})
}

// flush commits what was taken.
func (l *Load) flush(ctx context.Context) error {
	if len(l.batch) > 0 {
		n, err := l.put(ctx)
		if err != nil {
			l.dropRefusals()
			return err
		}
		l.Accepted += n.Accepted
		l.Unchanged += n.Unchanged
	}
	clear(l.batch) // the bodies may go
	l.batch, l.bytes, l.Through = l.batch[:0], 0, l.line
	return nil
}

// put commits the batch, or gives up: a database that hangs must not hold the
// stream, and whoever sends it, for as long as it likes (P6).
func (l *Load) put(ctx context.Context) (store.RecordCounts, error) {
	if l.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Patience)
		defer cancel()
	}
	return l.Store.PutRecords(ctx, l.Dataset, l.batch)
}

// dropRefusals forgets the refusals behind the last commit: whoever goes on
// from there is told of them again.
func (l *Load) dropRefusals() {
	for n := len(l.Refused); n > 0 && l.Refused[n-1].Line > l.Through; n-- {
		l.Refused = l.Refused[:n-1]
	}
}
