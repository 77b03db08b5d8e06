package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func datasetChecks() []check {
	return []check{
		{"the newer of two versions is kept", checkUpsertRules},
		{"the last of two movements is kept", checkLastWriteWins},
		{"versions of one key in one call", checkVersionsInOneCall},
		{"a record's bytes come back as they came", checkRecordBytes},
		{"each record once, at its first time in the window", checkFirstTimeInWindow},
		{"pages of records cover the window", checkRecordPages},
		{"a late record until a page has it", checkLateMark},
		{"a run does not see what is stored after it", checkRunFence},
		{"records of a run that was under way", checkUpsertWaitsForRun},
		{"the clients that have records", checkRecordClients},
		{"imports at once", checkImportsAtOnce},
		{"a position that is none", checkBadPosition},
		{"each part of a read is a span of one index", checkRecordPlans},
	}
}

// day is noon of a day of June 2025, in UTC.
func day(n int) time.Time { return time.Date(2025, 6, n, 12, 0, 0, 0, time.UTC) }

// days is the window from one day of June to another, both included.
func days(first, last int) webhook.Window {
	return webhook.Window{From: day(first).Add(-12 * time.Hour), To: day(last).Add(12 * time.Hour)}
}

// record makes a record of someClient; times are ascending, the last is updatedAt.
func saleRecord(key, body string, times ...time.Time) webhook.Record {
	r := webhook.Record{Key: key, ClientID: someClient, UpdatedAt: times[len(times)-1], Body: []byte(body)}
	copy(r.Instants[:], times)
	return r
}

// put stores records and checks how many were accepted; the rest is unchanged.
func (e *env) put(tb testing.TB, d webhook.Dataset, accepted int, records ...webhook.Record) {
	tb.Helper()
	got, err := e.PutRecords(context.Background(), d, records)
	if err != nil {
		tb.Fatal(err)
	}
	if want := (RecordCounts{accepted, len(records) - accepted}); got != want {
		tb.Errorf("counts %+v, want %+v", got, want)
	}
}

func everything(d webhook.Dataset) RecordQuery {
	return RecordQuery{Dataset: d, ClientID: someClient, Window: webhook.Window{From: time.Unix(0, 0), To: day(300)}, Limit: 1000}
}

// wantRecords reads and compares "key=body", with "!" before a late one.
func (e *env) wantRecords(tb testing.TB, q RecordQuery, want ...string) {
	tb.Helper()
	rows, err := e.ReadRecords(context.Background(), q)
	if err != nil {
		tb.Fatal(err)
	}
	got := keys(rows, func(r StoredRecord) string {
		mark := ""
		if r.Late {
			mark = "!"
		}
		if r.Size != len(r.Body) && !q.SizeOnly {
			tb.Errorf("%s: %d bytes are told, %d are there", r.Key, r.Size, len(r.Body))
		}
		return mark + r.Key + "=" + string(r.Body)
	})
	if strings.Join(got, " ") != strings.Join(want, " ") {
		tb.Errorf("got  %v\nwant %v", got, want)
	}
}

func checkUpsertRules(t *testing.T, e *env) {
	e.put(t, webhook.Vendas, 1, saleRecord("a", "one", day(10)))
	for _, step := range []struct {
		name     string
		next     webhook.Record
		accepted int
		want     string
	}{
		{"the same bytes", saleRecord("a", "one", day(10)), 0, "a=one"},
		{"as new, other bytes", saleRecord("a", "two", day(10)), 1, "a=two"},
		{"older", saleRecord("a", "old", day(9)), 0, "a=two"},
		{"newer", saleRecord("a", "three", day(11)), 1, "a=three"},
		{"newer by a microsecond", saleRecord("a", "four", day(11).Add(time.Microsecond)), 1, "a=four"},
		{"older by a microsecond", saleRecord("a", "five", day(11)), 0, "a=four"},
		{"newer, the same bytes", saleRecord("a", "four", day(12)), 0, "a=four"},
	} {
		e.put(t, webhook.Vendas, step.accepted, step.next)
		e.wantRecords(t, everything(webhook.Vendas), step.want)
		if t.Failed() {
			t.Fatal(step.name)
		}
	}
	other := saleRecord("a", "theirs", day(1))
	other.ClientID = "globex"
	e.put(t, webhook.Vendas, 1, other)
	e.put(t, webhook.Cadastros, 1, saleRecord("a", "another dataset", day(1)))
	e.wantRecords(t, everything(webhook.Vendas), "a=four")
}

func checkLastWriteWins(t *testing.T, e *env) {
	movement := func(body string, at time.Time) webhook.Record {
		r := saleRecord("REF1", body, at)
		r.UpdatedAt = time.Time{}
		return r
	}
	e.put(t, webhook.Financeiro, 1, movement("one", day(12)))
	e.put(t, webhook.Financeiro, 0, movement("one", day(12)))
	e.put(t, webhook.Financeiro, 1, movement("two", day(9)))
	e.wantRecords(t, everything(webhook.Financeiro), "REF1=two")
	q := everything(webhook.Financeiro)
	q.Window = days(10, 20)
	e.wantRecords(t, q) // it moved to the 9th
}

func checkVersionsInOneCall(t *testing.T, e *env) {
	e.put(t, webhook.Vendas, 3,
		saleRecord("b", "b1", day(1)), saleRecord("a", "a1", day(2)), saleRecord("b", "b0", day(1).Add(-time.Hour)), saleRecord("b", "b2", day(3)),
		saleRecord("b", "b2", day(3)), saleRecord("b", "old", day(2)))
	e.wantRecords(t, everything(webhook.Vendas), "a=a1", "b=b2")
	e.put(t, webhook.Vendas, 0)
}

func checkRecordBytes(t *testing.T, e *env) {
	bodies := []string{
		`{"_id":"k","z":1.50e+3,"big":123456789012345678901234567890,"u":"\u00e9\/é😀","a":null}`,
		"{ \"spaces\" :\t1 ,\n\"x\":\"\\u0000\"}", strings.Repeat("x", webhook.MaxRecord),
	}
	var want []string
	for i, body := range bodies {
		key := fmt.Sprintf("%c'\"%%\\:é😀", 'a'+i)
		e.put(t, webhook.Vendas, 1, saleRecord(key, body, day(i+1)))
		want = append(want, key+"="+body)
	}
	e.wantRecords(t, everything(webhook.Vendas), want...)
	q := everything(webhook.Vendas)
	q.SizeOnly = true
	rows, err := e.ReadRecords(context.Background(), q)
	if err != nil || len(rows) != 3 || rows[2].Size != webhook.MaxRecord || rows[2].Body != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// late makes a scheduled run that has taken everything before a time, and
// returns its number.
func (e *env) late(tb testing.TB, d webhook.Dataset, before time.Time) int64 {
	tb.Helper()
	run := &webhook.Run{
		ID: webhook.RunID(e.id(webhook.PrefixRun)), Export: string(d), Event: d.Spec().Event, Dataset: d,
		Trigger: webhook.RunSchedule, Window: webhook.Window{From: before.Add(-24 * time.Hour), To: before}, CreatedAt: e.now(),
	}
	if err := e.tx(context.Background(), func(tx txn) error { return insertRun(context.Background(), tx, run) }); err != nil {
		tb.Fatal(err)
	}
	return run.Seq
}

func (e *env) clear(tb testing.TB, before int64, keys ...string) {
	tb.Helper()
	ctx := context.Background()
	if err := e.tx(ctx, func(tx txn) error {
		return e.clearLate(ctx, tx, recordOwner{webhook.Ingressos, someClient}, keys, before)
	}); err != nil {
		tb.Fatal(err)
	}
}

func checkLateMark(t *testing.T, e *env) {
	e.put(t, webhook.Ingressos, 1, saleRecord("early", "E", day(1)))
	e.late(t, webhook.Ingressos, day(5))
	e.put(t, webhook.Ingressos, 3, saleRecord("late", "L", day(3), day(4)), saleRecord("next", "N", day(4), day(5)), saleRecord("new", "W", day(6)))
	e.put(t, webhook.Ingressos, 0, saleRecord("early", "E", day(1))) // had its run
	q := everything(webhook.Ingressos)
	q.Window = webhook.Window{From: day(5), To: day(6)}
	e.wantRecords(t, q, "next=N")
	q.Late = true
	e.wantRecords(t, q, "!late=L", "next=N")
	q.Window = days(4, 4)
	e.wantRecords(t, q, "next=N", "!late=L") // in the window: once, with its mark

	q.Window = webhook.Window{From: day(5), To: day(6)}
	second := e.late(t, webhook.Ingressos, day(6))
	e.clear(t, second, "late", "nobody", "new")
	e.wantRecords(t, q, "next=N")

	e.put(t, webhook.Ingressos, 1, saleRecord("early", "E2", day(2))) // its day is over: late
	e.wantRecords(t, q, "!early=E2", "next=N")
	e.clear(t, second, "early") // the run was before this version
	e.wantRecords(t, q, "!early=E2", "next=N")
	e.put(t, webhook.Ingressos, 1, saleRecord("early", "E3", day(7))) // the next window has it
	e.wantRecords(t, q, "next=N")

	e.put(t, webhook.Ingressos, 1, saleRecord("other", "O", day(2)))
	third := e.late(t, webhook.Ingressos, day(7))
	if err := e.tx(context.Background(), func(tx txn) error { return clearAllLate(context.Background(), tx, webhook.Ingressos, third) }); err != nil {
		t.Fatal(err)
	}
	e.wantRecords(t, q, "next=N")
}

func checkRunFence(t *testing.T, e *env) {
	e.put(t, webhook.Ingressos, 2, saleRecord("a", "A1", day(1)), saleRecord("b", "B1", day(1)))
	seq := e.late(t, webhook.Ingressos, day(2))
	q := everything(webhook.Ingressos)
	q.Window, q.Before, q.Late = days(1, 1), seq, true
	e.wantRecords(t, q, "a=A1", "b=B1")
	e.put(t, webhook.Ingressos, 2, saleRecord("b", "B2", day(1)), saleRecord("c", "C1", day(1)))
	e.wantRecords(t, q, "a=A1")
	q.Before = e.late(t, webhook.Ingressos, day(3))
	q.Window = days(2, 2)
	e.wantRecords(t, q, "!b=B2", "!c=C1") // nothing is lost: the next run has them
}

// An upsert that has begun is before the run, however late it commits.
func checkUpsertWaitsForRun(t *testing.T, e *env) {
	ctx := context.Background()
	begun, finish := make(chan struct{}), make(chan struct{})
	upsert := make(chan error, 1)
	go func() {
		upsert <- e.tx(ctx, func(tx txn) error {
			seq, watermark, err := e.datasetForUpsert(ctx, tx, webhook.Ingressos)
			if err != nil {
				return err
			}
			close(begun)
			<-finish
			r := saleRecord("a", "A", day(1))
			_, err = e.upsertRecords(ctx, tx, [][]any{recordRow(webhook.Ingressos, &r, 0, seq, watermark)})
			return err
		})
	}()
	<-begun
	made := make(chan int64, 1)
	go func() { made <- e.late(t, webhook.Ingressos, day(2)) }()
	select {
	case seq := <-made:
		t.Errorf("run %d did not wait for the upsert", seq)
	case <-time.After(50 * time.Millisecond): // it waits: nothing can be seen sooner
	}
	close(finish)
	if err := <-upsert; err != nil {
		t.Fatal(err)
	}
	q := everything(webhook.Ingressos)
	q.Window, q.Before = days(1, 1), <-made
	e.wantRecords(t, q, "a=A")
}

// Imports of the same keys in opposite orders neither lock each other out nor
// lose the newest version.
func checkImportsAtOnce(t *testing.T, e *env) {
	const n = 300
	for _, err := range together(4, func(w int) error {
		rows := make([]webhook.Record, n)
		for i := range rows {
			key := i
			if w%2 == 1 {
				key = n - 1 - i
			}
			rows[i] = saleRecord(fmt.Sprintf("%03d", key), fmt.Sprint("by ", w), day(1+w))
		}
		_, err := e.PutRecords(context.Background(), webhook.Vendas, rows)
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := e.ReadRecords(context.Background(), everything(webhook.Vendas))
	if err != nil || len(rows) != n {
		t.Fatalf("%d records, %v", len(rows), err)
	}
	for _, r := range rows {
		if string(r.Body) != "by 3" {
			t.Errorf("%s holds %s", r.Key, r.Body)
		}
	}
}
