package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func sweepChecks() []check {
	return []check{
		{"a payload goes when all of its deliveries are over, and says when and why", checkSweepPayloads},
		{"an open delivery keeps its payload until it is over too", checkSweepOpen},
		{"a page that is no delivery yet keeps its payload while a run is under way", checkSweepUnreleased},
		{"a sweep goes on where another process stopped, in small batches", checkSweepGoesOn},
		{"a batch has few bytes", checkSweepBytes},
		{"one process sweeps at a time", checkSweepLease},
		{"attempts go before the log, and the log last", checkSweepLog},
		{"bulk jobs go with their parts", checkSweepJobs},
		{"runs go with their receipts, before their deliveries", checkSweepRuns},
		{"details of verifications, then their lines", checkSweepVerifications},
		{"records go when they are over and were sent", checkSweepRecords},
		{"keys and lines of the audit log", checkSweepByTime},
	}
}

func (e *env) body(tb testing.TB, id webhook.MessageID) *webhook.Message {
	tb.Helper()
	m, err := e.Message(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return &m
}

func checkSweepPayloads(t *testing.T, e *env) {
	sub := e.subscribe(t)
	none := e.intake()
	done, mixed := e.intake(sub), e.intake(sub, sub)
	for _, in := range []*Intake{none, done, mixed} {
		e.mustAccept(t, in)
	}
	e.attemptOnce(t, Ref{done.Deliveries[0].ID, 1}, 200)
	e.attemptOnce(t, Ref{mixed.Deliveries[0].ID, 1}, 200)
	failed := e.fail(t, Ref{mixed.Deliveries[1].ID, 1}) // an hour and fifty minutes later
	e.clock.Advance(retention - 2*time.Hour)
	e.wantSwept(t, SweepEventPayloads, 0)
	e.clock.Advance(time.Hour) // one is failed for less than the retention
	e.wantSwept(t, SweepEventPayloads, 2)
	for _, in := range []*Intake{none, done} {
		m := e.body(t, in.Messages[0].ID)
		if m.Body != nil || m.Gone == nil || m.Gone.Why != webhook.GoneRetention || !m.Gone.At.Equal(e.now()) || m.Data() != nil {
			t.Errorf("got %+v, gone %+v", m, m.Gone)
		}
	}
	// P12: what failed keeps its payload until then, and one call sends it again.
	if m := e.body(t, mixed.Messages[0].ID); !bytes.Equal(m.Body, mixed.Messages[0].Body) || m.Gone != nil {
		t.Errorf("got %+v", m)
	}
	_, err := e.RequestRetry(context.Background(), failed.ID, e.now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(3 * time.Hour) // an operator waits for it
	e.wantSwept(t, SweepEventPayloads, 0)
	e.attemptOnce(t, Ref{failed.ID, e.generation(t, failed.ID)}, 500)
	e.clock.Advance(2 * time.Hour)
	e.wantSwept(t, SweepEventPayloads, 1)
	_, err = e.RequestRetry(context.Background(), failed.ID, e.now(), nil)
	wantKind(t, err, webhook.KindConflict)
	if err == nil || !strings.Contains(err.Error(), "was removed on "+e.now().Format(time.RFC3339)) {
		t.Errorf("the conflict says %v", err)
	}
	if d := e.get(t, failed.ID); d.State != webhook.StateFailed || d.RetryRequested || len(e.attempts(t, failed.ID)) != 7 {
		t.Errorf("the log's row: %+v", d)
	}
}

func (e *env) generation(tb testing.TB, id webhook.DeliveryID) (g int64) {
	tb.Helper()
	if err := e.read.QueryRowContext(context.Background(), `SELECT generation FROM deliveries WHERE id = $1`, string(id)).Scan(&g); err != nil {
		tb.Fatal(err)
	}
	return g
}

func checkSweepOpen(t *testing.T, e *env) {
	ids := e.inEachState(t)
	before := map[string]string{}
	for name, id := range ids {
		before[name] = e.describe(t, id)
	}
	e.clock.Advance(10 * retention)
	e.sweep(t, SweepEventPayloads)
	for name, id := range ids {
		d := e.get(t, id)
		if there := e.body(t, d.MessageID).Body != nil; there == d.State.Final() {
			t.Errorf("%s (%s): its payload is there: %v", name, d.State, there)
		}
		if got := e.describe(t, id); got != before[name] {
			t.Errorf("%s stood: %s\nand stands: %s", name, before[name], got)
		}
	}
	held := e.get(t, ids["quarantine"])
	if _, err := e.Cancel(context.Background(), held.ID); err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(retention - time.Second)
	e.wantSwept(t, SweepEventPayloads, 0)
	e.clock.Advance(2 * time.Hour)
	e.wantSwept(t, SweepEventPayloads, 1)
	if e.body(t, held.MessageID).Body != nil {
		t.Error("a payload is never looked at again")
	}
}

func checkSweepUnreleased(t *testing.T, e *env) {
	m := e.message()
	m.ID, m.Kind = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindExportPage
	e.exec(t, `INSERT INTO runs (id, export, event, dataset, trigger, late, window_from, window_to, zone, client_id, subscription_id,
		page_size, page_bytes, seq, state, created_at) VALUES ('run_1', 'vendas', 'venda_export', 'vendas', 'manual', FALSE, 0, 0, '-03:00', '', '',
		1, 1, 1, 'running', $1)`, micros(e.now()))
	e.mustAccept(t, &Intake{Messages: []webhook.Message{m}})
	e.clock.Advance(2 * retention)
	e.wantSwept(t, SweepOtherPayloads, 0)
	e.exec(t, `UPDATE runs SET finished_at = 1 WHERE id = 'run_1'`)
	e.clock.Advance(2 * time.Hour)
	e.wantSwept(t, SweepOtherPayloads, 1)
}

// Whoever is killed between two batches leaves what it did, and the next one
// does the rest; an intake gets its turn between two batches.
func checkSweepGoesOn(t *testing.T, e *env) {
	const n = 20_000
	for range n / 1000 {
		in := &Intake{Messages: make([]webhook.Message, 1000)}
		for i := range in.Messages {
			in.Messages[i] = e.message()
		}
		e.mustAccept(t, in)
	}
	e.clock.Advance(2 * retention)
	var removed int64
	for batches := 0; ; batches++ {
		other := e.open(t)
		h, ok, err := other.TakeSweep(context.Background(), e.now().Add(time.Hour), e.now().Add(time.Minute))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		more := false
		for range 37 { // and then it is dead
			out, err := other.Sweep(context.Background(), SweepEventPayloads, SweepTerms{Hold: h, Now: e.now(), Before: e.now().Add(-retention)})
			if err != nil || out.Removed > sweepRows {
				t.Fatal(out, err)
			}
			removed += out.Removed
			if more = out.More; !more {
				break
			}
			e.mustAccept(t, e.intake())
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if left := e.count(t, `messages WHERE body IS NULL`); removed != n || left != n {
		t.Errorf("removed %d, and %d of %d are gone", removed, left, n)
	}
}

func checkSweepBytes(t *testing.T, e *env) {
	for range 20 { // each on its own: an intake has two seconds, and a disk may be slow
		m := e.message()
		m.Body = bytes.Repeat([]byte("x"), 1<<20)
		e.mustAccept(t, &Intake{Messages: []webhook.Message{m}})
	}
	e.clock.Advance(2 * retention)
	out, err := e.Sweep(context.Background(), SweepEventPayloads, SweepTerms{Hold: e.hold(t), Now: e.now(), Before: e.now()})
	if err != nil || out.Removed != sweepBytes>>20 || !out.More {
		t.Errorf("one batch of bodies of a MiB: %+v, %v", out, err)
	}
	e.wantSwept(t, SweepEventPayloads, 20-out.Removed)
}

func checkSweepLease(t *testing.T, e *env) {
	ctx := context.Background()
	e.exec(t, `UPDATE leases SET until = 0`)
	first, ok, err := e.TakeSweep(ctx, e.now(), e.now().Add(time.Minute))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := e.TakeSweep(ctx, e.now(), e.now()); ok || err != nil {
		t.Errorf("a second process sweeps: %v, %v", ok, err)
	}
	e.clock.Advance(time.Minute)
	second, ok, err := e.TakeSweep(ctx, e.now(), e.now().Add(time.Minute))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	e.mustAccept(t, e.intake())
	e.clock.Advance(2 * retention)
	terms := SweepTerms{Hold: first, Now: e.now(), Before: e.now()}
	if _, err := e.Sweep(ctx, SweepEventPayloads, terms); !errors.Is(err, ErrSweepLost) {
		t.Errorf("the first one goes on: %v", err)
	}
	if _, err := e.Erase(ctx, first, someClient); !errors.Is(err, ErrSweepLost) {
		t.Errorf("the first one erases: %v", err)
	}
	if err := e.LeaveSweep(ctx, first); err != nil {
		t.Fatal(err)
	}
	terms.Hold = second
	if out, err := e.Sweep(ctx, SweepEventPayloads, terms); err != nil || out.Removed != 1 {
		t.Errorf("the second one: %+v, %v", out, err)
	}
}

func checkSweepLog(t *testing.T, e *env) {
	e.attemptsMayBeGone = true
	done := e.accept(t, e.subscribe(t))
	e.fail(t, done)
	open := e.accept(t, e.subscribe(t))
	e.attemptOnce(t, open, 500)
	// As many attempts as two batches have.
	for i := range 2 * sweepRows {
		e.exec(t, `INSERT INTO attempts (delivery_id, number, trigger, started_at, duration_us, status, error_code, detail)
			SELECT delivery_id, $2, trigger, started_at, duration_us, status, error_code, detail FROM attempts WHERE delivery_id = $1 AND number = 1`,
			string(done.ID), 7+i)
	}
	e.exec(t, `UPDATE deliveries SET attempt_count = $2 WHERE id = $1`, string(done.ID), 6+2*sweepRows)
	e.clock.Advance(retention - time.Hour)
	e.wantSwept(t, SweepAttempts, 0)
	e.clock.Advance(3 * time.Hour)
	e.wantSwept(t, SweepAttempts, 6+2*sweepRows)
	if d := e.get(t, done.ID); d.State != webhook.StateFailed || len(e.attempts(t, open.ID)) != 1 {
		t.Errorf("the log's row %+v, attempts of the open one %v", d, e.attempts(t, open.ID))
	}
	e.wantSwept(t, SweepEvents, 0) // it has a delivery
	e.wantSwept(t, SweepDeliveries, 1)
	e.clock.Advance(2 * time.Hour)
	e.wantSwept(t, SweepEvents, 1)
	if n := e.count(t, "deliveries"); n != 1 || e.count(t, "messages") != 1 || e.count(t, "attempts") != 1 {
		t.Errorf("%d deliveries are left", n)
	}
}

func checkSweepJobs(t *testing.T, e *env) {
	ctx := context.Background()
	for range 2 { // the second one is under way
		j, h := e.job(t, webhook.JobRetry, webhook.JobFilter{ClientID: someClient})
		parts := make([]webhook.JobPart, 300)
		for n := range parts {
			parts[n] = webhook.JobPart{JobID: j.ID, SubscriptionID: webhook.SubscriptionID(fmt.Sprintf("sub_%d", n))}
		}
		e.must(t, e.PlanJob(ctx, h, parts))
		if n := e.count(t, "jobs"); n == 1 {
			e.must(t, e.FinishJob(ctx, h))
		}
	}
	e.clock.Advance(2 * retention)
	e.wantSwept(t, SweepJobs, 300+1)
	if jobs, parts := e.count(t, "jobs"), e.count(t, "job_parts"); jobs != 1 || parts != 300 {
		t.Errorf("%d jobs with %d parts are left, want the one under way", jobs, parts)
	}
}

func checkSweepRuns(t *testing.T, e *env) {
	sub := e.subscribe(t)
	for i, finished := range []any{micros(e.now()), nil} {
		run := webhook.RunID(idAt(webhook.PrefixRun, e.clock.Now(), i))
		e.exec(t, `INSERT INTO runs (id, export, event, dataset, trigger, late, window_from, window_to, zone, client_id, subscription_id,
			page_size, page_bytes, seq, state, created_at, finished_at) VALUES ($1, 'vendas', 'venda_export', 'vendas', 'manual', FALSE, 0, 0, '-03:00', '', '',
			1, 1, 1, 'x', 1, $2)`, string(run), finished)
		for n := range 300 {
			e.exec(t, `INSERT INTO pages (run_id, client_id, number, message_id, records, bytes, sha256, first_position, last_position, created_at)
				VALUES ($1, 'acme', $2, '', 1, 1, $3, '', '', 1)`, string(run), n, []byte{1})
		}
		e.exec(t, `INSERT INTO run_refusals (run_id, client_id, key, reason) VALUES ($1, 'acme', 'k', 'r')`, string(run))
		e.exec(t, `INSERT INTO run_clients (run_id, client_id, subscriptions, state) VALUES ($1, 'acme', '[]', 'done')`, string(run))
		in := e.intake(sub)
		in.Deliveries[0].RunID, in.Deliveries[0].Page = run, 1
		e.mustAccept(t, in)
		e.attemptOnce(t, Ref{in.Deliveries[0].ID, 1}, 200)
	}
	e.clock.Advance(2 * retention)
	e.attemptsMayBeGone = true
	e.wantSwept(t, SweepDeliveries, 2) // their attempts; they themselves wait for the runs
	if n := e.count(t, "deliveries"); n != 2 {
		t.Errorf("%d deliveries are left, want 2", n)
	}
	e.wantSwept(t, SweepRuns, 300+1+1+1)
	for _, table := range []string{"runs", "run_refusals", "run_clients"} {
		if n := e.count(t, table); n != 1 {
			t.Errorf("%d rows are left in %s, want those of the run under way", n, table)
		}
	}
	e.clock.Advance(2 * time.Hour)
	e.wantSwept(t, SweepDeliveries, 1)
	e.exec(t, `DELETE FROM pages`)
	e.exec(t, `DELETE FROM run_refusals`)
	e.exec(t, `DELETE FROM run_clients`)
}

func checkSweepVerifications(t *testing.T, e *env) {
	pending, ended := e.verification(), e.verification()
	ended.Callback.URL += "?cpf=52998224725"
	e.mustCreate(t, pending)
	e.mustCreate(t, ended)
	if _, _, err := e.EndVerification(context.Background(), e.ending(ended, webhook.VerificationCompleted)); err != nil {
		t.Fatal(err)
	}
	e.clock.Advance(2 * retention)
	e.wantSwept(t, SweepVerifications, 1)
	v, err := e.Verification(context.Background(), ended.ID)
	if err != nil || v.Metadata != nil || v.NationalIDMasked != "" || v.Callback.URL != someURL || v.WipedAt == nil || v.Status != "COMPLETED" {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := e.Verification(context.Background(), pending.ID); err != nil || v.Metadata == nil || v.WipedAt != nil {
		t.Errorf("a pending one: %+v, %v", v, err)
	}
	e.wantSwept(t, SweepVerificationLog, 1)
	if n := e.count(t, "verifications"); n != 1 {
		t.Errorf("%d are left, want the pending one", n)
	}
}

func checkSweepRecords(t *testing.T, e *env) {
	now := e.now()
	e.put(t, webhook.Vendas, 1, saleRecord("late", "{}", now.Add(-time.Hour)))
	e.exec(t, `UPDATE records SET late = TRUE`)
	e.put(t, webhook.Vendas, 1, saleRecord("future", "{}", now, now.Add(3*retention)))
	for i := range 3 {
		var some []webhook.Record
		for k := range 150 {
			some = append(some, saleRecord(fmt.Sprintf("%d-%d", i, k), "{}", now))
		}
		e.put(t, webhook.Vendas, 150, some...)
		e.clock.Advance(time.Second)
	}
	e.clock.Advance(retention)
	e.put(t, webhook.Vendas, 1, saleRecord("fresh", "{}", now.Add(-time.Hour)))
	e.wantSwept(t, SweepRecords, 450)
	if n := e.count(t, `records WHERE key IN ('late', 'future', 'fresh')`); n != 3 || e.count(t, "records") != 3 {
		t.Errorf("%d records are left", e.count(t, "records"))
	}
	e.exec(t, `UPDATE records SET late = FALSE`)
	e.wantSwept(t, SweepRecords, 1)
}

func checkSweepByTime(t *testing.T, e *env) {
	ctx := webhook.WithActor(context.Background(), webhook.Actor{Line: webhook.AuditID(e.id(webhook.PrefixAudit)), KeyID: "key_1", Action: "x"})
	if _, _, err := e.PutClient(ctx, someClient, "n"); err != nil {
		t.Fatal(err)
	}
	e.mustAccept(t, e.keyed(key("old", "h")))
	e.clock.Advance(retention)
	e.mustAccept(t, e.keyed(key("new", "h")))
	e.clock.Advance(time.Second)
	e.wantSwept(t, SweepAudit, 1)
	e.wantSwept(t, SweepIdempotency, 1)
	if err := e.FindIdempotent(context.Background(), key("new", "h")); err == nil {
		t.Error("a key that is not over is gone")
	}
	if err := e.FindIdempotent(context.Background(), key("old", "h")); err != nil {
		t.Errorf("a key that is over answers %v", err)
	}
}
