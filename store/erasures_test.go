package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/migrations"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func erasureChecks() []check {
	return []check{
		{"an erasure leaves nothing of a client in any table, and all of another's", checkErasure},
		{"an erasure of many rows goes on after each batch", checkErasureGoesOn},
		{"an erasure waits for the attempt under way", checkErasureInFlight},
		{"what comes after the request is not erased", checkErasureAfter},
		{"an erasure is asked for again", checkErasureAgain},
		{"a delivery that finds its payload erased is canceled", checkErasedWhileClaimed},
	}
}

// planted is what must not be found afterwards.
const (
	plantedCPF  = "52998224725"
	plantedMail = "maria@example.com"
	planted     = `{"cpf":"` + plantedCPF + `","mail":"` + plantedMail + `"}`
)

// erase runs an erasure to its end, each batch by a process of its own.
func (e *env) erase(tb testing.TB, client webhook.ClientID) webhook.Erasure {
	tb.Helper()
	for range 1000 {
		next, err := e.NextErasure(context.Background(), e.now())
		if err != nil {
			tb.Fatal(err)
		}
		if next == "" { // it waits
			e.clock.Advance(time.Second)
			continue
		}
		got, err := e.Erase(context.Background(), e.hold(tb), next)
		if err != nil {
			tb.Fatal(err)
		}
		if got.FinishedAt != nil && next == client {
			return got
		}
	}
	tb.Fatal("the erasure does not end")
	return webhook.Erasure{}
}

func (e *env) request(tb testing.TB, client webhook.ClientID) webhook.Erasure {
	tb.Helper()
	got, err := e.RequestErasure(context.Background(), client, "key_1")
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// plant stores personal data of a client wherever they can be.
func (e *env) plant(t *testing.T, client webhook.ClientID, number int) {
	ctx := context.Background()
	sub := e.subscription(client, "*")
	if err := e.CreateSubscription(ctx, &sub, nil); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		in := e.intake(sub.ID)
		in.Messages[0].ClientID, in.Messages[0].Body = client, []byte(planted+strings.Repeat(" ", 9000))
		e.mustAccept(t, in)
		ref := Ref{in.Deliveries[0].ID, 1}
		if i == 2 {
			continue // it is open
		}
		r := e.result(e.claim(t, ref), 200-300*(i-1)) // 500, then 200
		r.Attempt.ResponseBody = []byte(planted)
		r.Attempt.ResponseHeaders = map[string][]string{"X-Mail": {plantedMail}}
		e.record(t, r)
	}
	v := e.verification()
	v.ClientID, v.NationalIDMasked, v.Metadata = client, "***25", []byte(planted)
	v.Callback.URL += "?mail=" + plantedMail
	pending := *v
	pending.ID = webhook.VerificationID(e.id(webhook.PrefixVerification))
	e.mustCreate(t, &pending)
	k := key(fmt.Sprint("ver", number), "h")
	k.Response, k.ClientID = []byte(planted), client
	if err := e.CreateVerification(ctx, v, k); err != nil {
		t.Fatal(err)
	}
	end := e.ending(v, webhook.VerificationCompleted)
	end.Message.ClientID, end.Delivery.URL = client, v.Callback.URL
	if _, _, err := e.EndVerification(ctx, end); err != nil {
		t.Fatal(err)
	}
	r := e.result(e.claim(t, Ref{end.Delivery.ID, 1}), 500)
	r.Attempt.URL = v.Callback.URL
	e.record(t, r)
	for i := range 2 {
		rec := saleRecord(plantedCPF+fmt.Sprint(i), planted, e.now())
		rec.ClientID = client
		e.put(t, webhook.Vendas, 1, rec)
	}
	run := webhook.RunID(e.id(webhook.PrefixRun))
	e.exec(t, `INSERT INTO runs (id, export, event, dataset, trigger, late, window_from, window_to, zone, client_id, subscription_id,
		page_size, page_bytes, seq, state, created_at) VALUES ($1, 'vendas', 'venda_export', 'vendas', 'manual', FALSE, 0, 0, '-03:00', '', '',
		1, 1, 1, 'running', $2)`, string(run), micros(e.now()))
	e.exec(t, `INSERT INTO run_clients (run_id, client_id, subscriptions, state, position) VALUES ($1, $2, '[]', 'building', $3)`,
		string(run), string(client), "1 "+plantedCPF)
	e.exec(t, `INSERT INTO pages (run_id, client_id, number, message_id, records, bytes, sha256, first_position, last_position, created_at)
		VALUES ($1, $2, 1, '', 1, 1, $3, $4, $4, 1)`, string(run), string(client), []byte{1}, "1 "+plantedCPF)
	e.exec(t, `INSERT INTO run_refusals (run_id, client_id, key, reason) VALUES ($1, $2, $3, 'r')`, string(run), string(client), plantedMail)
}

// dump is every row of every table, table by table.
func (e *env) dump(tb testing.TB) map[string][]string {
	tb.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if e.d.name == migrations.Postgres {
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	names, err := list(context.Background(), e.Store, tables, nil, func(row interface{ Scan(...any) error }) (s string, err error) {
		err = row.Scan(&s)
		return s, err
	})
	if err != nil || len(names) < 15 {
		tb.Fatal(names, err)
	}
	out := map[string][]string{}
	for _, name := range names {
		rows, err := e.read.QueryContext(context.Background(), `SELECT * FROM `+name)
		if err != nil {
			tb.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			tb.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				tb.Fatal(err)
			}
			line := ""
			for i, v := range values {
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				line += fmt.Sprintf("%s=%v ", columns[i], v)
			}
			out[name] = append(out[name], line)
		}
		if err := rows.Err(); err != nil {
			tb.Fatal(err)
		}
		rows.Close()
	}
	return out
}

// of are the lines of a dump that name a client, or hold what was planted.
func of(dump map[string][]string, part string) map[string]int {
	out := map[string]int{}
	for table, lines := range dump {
		for _, line := range lines {
			if strings.Contains(line, part) {
				out[table]++
			}
		}
	}
	return out
}

func checkErasure(t *testing.T, e *env) {
	e.plant(t, "maria-client", 1)
	e.plant(t, "other", 2)
	before := of(e.dump(t), plantedCPF)
	for _, table := range []string{"messages", "attempts", "records", "verifications", "idempotency_keys", "pages", "run_clients"} {
		if before[table] < 2 {
			t.Fatalf("nothing was planted in %s: %v", table, before)
		}
	}
	for table := range before {
		before[table] /= 2
	}
	mails := of(e.dump(t), plantedMail)
	for table := range mails {
		mails[table] /= 2
	}
	asked := e.request(t, "maria-client")
	if asked.FinishedAt != nil || asked.Step != webhook.ErasePayloads || asked.RequestedBy != "key_1" {
		t.Errorf("asked: %+v", asked)
	}
	e.clock.Advance(time.Minute)
	got := e.erase(t, "maria-client")
	want := webhook.ErasureCounts{Payloads: 4, Canceled: 3, Answers: 3, Records: 2, Verifications: 2, IdempotencyKeys: 1, RefusedRecords: 1}
	if diff := cmp.Diff(want, got.Erased); diff != "" || got.Step != webhook.EraseDone {
		t.Errorf("erased (-want +got):\n%s", diff)
	}
	after := e.dump(t)
	if diff := cmp.Diff(before, of(after, plantedCPF)); diff != "" { // the other client's
		t.Errorf("lines with the CPF (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(mails, of(after, plantedMail)); diff != "" {
		t.Errorf("lines with the e-mail address (-want +got):\n%s", diff)
	}
	left := of(after, "maria-client") // the log stays, and who the client is
	for table, n := range map[string]int{"messages": 4, "deliveries": 4, "verifications": 2, "subscriptions": 1, "clients": 1, "run_clients": 1} {
		if left[table] != n {
			t.Errorf("%d lines of the client are left in %s, want %d", left[table], table, n)
		}
	}
	e.wantErasedLog(t)
	e.wantNotInFile(t)
}

// wantErasedLog looks at what the log says of the first client.
func (e *env) wantErasedLog(t *testing.T) {
	ds, _, err := e.Deliveries(context.Background(), DeliveryFilter{ClientID: "maria-client"}, Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	states := map[webhook.DeliveryState]int{}
	for _, d := range ds {
		states[d.State]++
		if (d.CancelReason == webhook.CancelErased) != (d.State == webhook.StateCanceled) {
			t.Errorf("%s is %s for the reason %q", d.ID, d.State, d.CancelReason)
		}
		if gone := e.body(t, d.MessageID).Gone; gone == nil || gone.Why != webhook.GoneErasure {
			t.Errorf("the payload of %s is gone: %+v", d.ID, gone)
		}
		for _, a := range e.attempts(t, d.ID) {
			if a.ResponseBody != nil || a.ResponseHeaders != nil || a.URL == "" || strings.Contains(a.URL, "?") {
				t.Errorf("attempt %+v", a)
			}
		}
	}
	if states[webhook.StateCanceled] != 3 || states[webhook.StateSucceeded] != 1 {
		t.Errorf("states %v", states)
	}
	vs, _, err := e.Verifications(context.Background(), VerificationFilter{ClientID: "maria-client"}, Page{Limit: 10})
	if err != nil || len(vs) != 2 {
		t.Fatal(vs, err)
	}
	for _, v := range vs {
		if v.Status == webhook.VerificationPending || v.NationalIDMasked != "" || v.WipedAt == nil || v.Callback == nil {
			t.Errorf("verification %+v", v)
		}
	}
}

// wantNotInFile erases the other client too, and looks into SQLite's files.
func (e *env) wantNotInFile(t *testing.T) {
	path, ok := strings.CutPrefix(e.address, "sqlite:")
	if !ok {
		return
	}
	e.request(t, "other")
	e.erase(t, "other")
	if err := e.Reclaim(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		bytesOf, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{plantedCPF, plantedMail} {
			if n := bytes.Count(bytesOf, []byte(secret)); n > 0 {
				t.Errorf("%s is still %d times in %s", secret, n, name[strings.LastIndexByte(name, '/'):])
			}
		}
	}
}

func checkErasureGoesOn(t *testing.T, e *env) {
	sub := e.subscribe(t)
	in := e.many(5*sweepRows+7, sub)
	e.mustAccept(t, in)
	e.request(t, someClient)
	e.clock.Advance(time.Minute)
	steps := map[webhook.ErasureStep]int{}
	last := webhook.Erasure{}
	for last.FinishedAt == nil {
		got, err := e.Erase(context.Background(), e.hold(t), someClient)
		if err != nil {
			t.Fatal(err)
		}
		if n := got.Erased.Payloads - last.Erased.Payloads; n > sweepRows {
			t.Fatalf("one batch erased %d payloads", n)
		}
		if n := got.Erased.Canceled - last.Erased.Canceled; n > sweepRows {
			t.Fatalf("one batch canceled %d deliveries", n)
		}
		steps[got.Step]++
		last = got
		e.mustAccept(t, e.intake(sub)) // an intake gets its turn
	}
	if want := int64(len(in.Messages)); last.Erased.Payloads != want || last.Erased.Canceled != want || steps[webhook.ErasePayloads] < 5 {
		t.Errorf("erased %+v in %v batches, want %d", last.Erased, steps, want)
	}
}

func checkErasureInFlight(t *testing.T, e *env) {
	ref := e.accept(t, e.subscribe(t))
	e.request(t, someClient)
	e.clock.Advance(erasureSettles)
	c := e.claim(t, ref)
	for range 5 { // payloads, deliveries
		if next, err := e.NextErasure(context.Background(), e.now()); err != nil || next == "" {
			break
		}
		if _, err := e.Erase(context.Background(), e.hold(t), someClient); err != nil {
			t.Fatal(err)
		}
	}
	now, err := e.Erasure(context.Background(), someClient)
	if err != nil || now.Step != webhook.EraseAnswers || !now.NotBefore.Equal(c.LeaseUntil.Add(leaseSlack)) {
		t.Fatalf("it does not wait for the lease: %+v, %v", now, err)
	}
	r := e.result(c, 200)
	r.Attempt.ResponseBody = []byte(planted)
	e.record(t, r)
	if d := e.get(t, ref.ID); d.State != webhook.StateSucceeded || d.CancelReason != "" || d.AttemptCount != 1 {
		t.Errorf("got %+v", d)
	}
	got := e.erase(t, someClient)
	if lines := of(e.dump(t), plantedCPF); len(lines) > 0 || got.Erased.Answers != 1 {
		t.Errorf("left in %v, erased %+v", lines, got.Erased)
	}
}

func checkErasureAfter(t *testing.T, e *env) {
	sub := e.subscribe(t)
	old := e.accept(t, sub)
	e.request(t, someClient)
	e.clock.Advance(time.Millisecond)
	fresh := e.accept(t, sub)
	v := e.mustCreate(t, e.verification())
	e.put(t, webhook.Vendas, 1, saleRecord("k", "{}", e.now()))
	e.erase(t, someClient)
	if d := e.get(t, fresh.ID); d.State != webhook.StatePending || e.body(t, d.MessageID).Body == nil {
		t.Errorf("what came after it: %+v", d)
	}
	if got, err := e.Verification(context.Background(), v.ID); err != nil || got.Metadata == nil || got.Status != webhook.VerificationPending {
		t.Errorf("a verification after it: %+v, %v", got, err)
	}
	if n := e.count(t, "records"); n != 1 {
		t.Error("a record after it is gone")
	}
	if d := e.get(t, old.ID); d.State != webhook.StateCanceled {
		t.Errorf("what was there: %+v", d)
	}
}

func checkErasureAgain(t *testing.T, e *env) {
	if _, err := e.Erasure(context.Background(), someClient); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("one that nobody asked for: %v", err)
	}
	first := e.request(t, someClient)
	e.clock.Advance(time.Second)
	if again := e.request(t, someClient); !cmp.Equal(first, again) {
		t.Errorf("asked again: %+v, want %+v", again, first)
	}
	done := e.erase(t, someClient)
	if got, err := e.Erasure(context.Background(), someClient); err != nil || !cmp.Equal(got, done) {
		t.Errorf("read %+v (%v), want %+v", got, err, done)
	}
	e.accept(t, e.subscribe(t))
	e.clock.Advance(time.Second)
	if again := e.request(t, someClient); again.FinishedAt != nil || !again.RequestedAt.After(first.RequestedAt) {
		t.Errorf("asked after the end: %+v", again)
	}
	if done := e.erase(t, someClient); done.Erased.Payloads != 1 || done.Erased.Canceled != 1 {
		t.Errorf("the second time: %+v", done)
	}
}

func checkErasedWhileClaimed(t *testing.T, e *env) {
	ref := e.accept(t, e.subscribe(t))
	e.request(t, someClient)
	e.clock.Advance(time.Minute)
	if _, err := e.Erase(context.Background(), e.hold(t), someClient); err != nil {
		t.Fatal(err)
	}
	c := e.claim(t, ref)
	if c.Body != nil {
		t.Fatal("its body is still there")
	}
	e.giveBack(t, c, ReleaseBodyGone)
	if d := e.get(t, ref.ID); d.State != webhook.StateCanceled || d.CancelReason != webhook.CancelErased {
		t.Errorf("got %+v", d)
	}
}
