package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// nullTime scans a nullable time.
type nullTime struct{ us sql.NullInt64 }

func (n nullTime) time() time.Time { return maybeStored(n.us) }

func eventType(slug webhook.Slug) webhook.EventType {
	return webhook.EventType{
		Slug: slug, Name: "name of " + string(slug), Description: "what it is", Envelope: webhook.EnvelopeEventData,
	}
}

// wantKind fails the test unless err is of a family.
func wantKind(tb testing.TB, err error, kind webhook.ErrorKind) {
	tb.Helper()
	if !webhook.IsKind(err, kind) {
		tb.Errorf("got the error %v, want one of kind %d", err, kind)
	}
}

// version reads the catalogue's version.
func (e *env) version(tb testing.TB) int64 {
	tb.Helper()
	v, err := e.CatalogueVersion(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// allPages reads a list page by page. No page but the last may be short, and
// the last must not be empty unless it is the only one.
func allPages(tb testing.TB, limit int, read func(Page) (rows []string, next string, err error)) []string {
	tb.Helper()
	all := []string{}
	p := Page{Limit: limit}
	for {
		rows, next, err := read(p)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, rows...)
		if next == "" {
			if len(rows) == 0 && p.After != "" {
				tb.Errorf("an empty page follows %q", p.After)
			}
			return all
		}
		if len(rows) != limit || next != rows[limit-1] {
			tb.Fatalf("a page of %d after %q has %d rows and goes on after %q", limit, p.After, len(rows), next)
		}
		p.After = next
	}
}

func keys[T any](rows []T, key func(T) string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = key(r)
	}
	return out
}

// together runs fn n times at once and returns what each answered.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// wantReplay fails the test unless err is the first answer to a request.
func wantReplay(tb testing.TB, err error, status int, response string) {
	tb.Helper()
	var r *Replay
	if !errors.As(err, &r) || webhook.IsKind(err, webhook.KindUnavailable) {
		tb.Errorf("got the error %v, want a replay", err)
	} else if r.Status != status || string(r.Response) != response {
		tb.Errorf("got the replay %d %q, want %d %q", r.Status, r.Response, status, response)
	}
}

// describe tells in one line where a delivery stands. Times are counted from
// the start of the test.
func (e *env) describe(tb testing.TB, id webhook.DeliveryID) string {
	tb.Helper()
	d, q := e.get(tb, id), e.queued(tb, id)
	out := string(d.State)
	if d.HoldReason != "" {
		out += "/" + string(d.HoldReason)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"attempts", d.AttemptCount}, {"spent", d.AutomaticCount}, {"crashes", q.CrashCount}} {
		if n.value != 0 {
			out += fmt.Sprintf(" %s=%d", n.name, n.value)
		}
	}
	if d.FinishedAt == nil {
		d.FinishedAt = &time.Time{}
	}
	for _, at := range []struct {
		name string
		time time.Time
	}{{"next", q.Next}, {"manual", q.Manual}, {"lease", q.Lease}, {"check", q.Check}, {"finished", *d.FinishedAt}} {
		if !at.time.IsZero() {
			out += " " + at.name + "=" + at.time.Sub(startOfTime().Truncate(time.Microsecond)).String()
		}
	}
	if q.Parked {
		out += " parked"
	}
	return out
}

// wantStands fails the test unless a delivery stands as described.
func (e *env) wantStands(tb testing.TB, id webhook.DeliveryID, want string) {
	tb.Helper()
	if got := e.describe(tb, id); got != want {
		tb.Errorf("it stands: %s\n     want: %s", got, want)
	}
}
