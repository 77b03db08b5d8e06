package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/migrations"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A ticket made on the 1st, checked in on the 2nd and changed on the 3rd is in
// the exports of all three days, and once in one that spans them.
func checkFirstTimeInWindow(t *testing.T, e *env) {
	e.put(t, webhook.Ingressos, 4,
		saleRecord("a", "A", day(1), day(2), day(3)), saleRecord("b", "B", day(1)), saleRecord("c", "C", day(1), day(3)),
		saleRecord("d", "D", day(2).Add(time.Second), day(2).Add(2*time.Second), day(2).Add(3*time.Second)))
	for _, tc := range []struct {
		window webhook.Window
		want   string
	}{
		{days(1, 1), "a=A b=B c=C"},
		{days(2, 2), "d=D a=A"},
		{days(3, 3), "c=C a=A"},
		{days(1, 3), "a=A b=B c=C d=D"},
		{days(2, 3), "d=D a=A c=C"},
		{days(4, 9), ""},
		{webhook.Window{From: day(1), To: day(2)}, "a=A b=B c=C"},
		{webhook.Window{From: day(1).Add(time.Microsecond), To: day(2)}, ""},
		{webhook.Window{From: day(2), To: day(2).Add(time.Microsecond)}, "a=A"},
	} {
		q := everything(webhook.Ingressos)
		q.Window = tc.window
		e.wantRecords(t, q, strings.Fields(tc.want)...)
	}
}

func checkRecordPages(t *testing.T, e *env) {
	e.late(t, webhook.Ingressos, day(2))
	var all []webhook.Record
	for i := range 90 { // on the 1st and the 2nd they are late, unless in the window too
		first := day(1 + i%5).Add(time.Duration(i/10) * time.Second)
		times := []time.Time{first, first.Add(24 * time.Hour), first.Add(72 * time.Hour)}[:1+i%3]
		all = append(all, saleRecord(fmt.Sprintf("%02d", i), fmt.Sprint(i), times...))
	}
	e.put(t, webhook.Ingressos, len(all), all...)
	q := everything(webhook.Ingressos)
	q.Window, q.Late = days(2, 4), true
	whole, err := e.ReadRecords(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, r := range all {
		for _, at := range r.Instants {
			want[r.Key] = want[r.Key] || q.Window.Contains(at)
		}
		want[r.Key] = want[r.Key] || r.Latest().Before(day(2))
	}
	seen := map[string]bool{}
	for _, r := range whole {
		if seen[r.Key] || !want[r.Key] {
			t.Errorf("%s is there twice, or does not belong there", r.Key)
		}
		seen[r.Key] = true
	}
	for key, wanted := range want {
		if wanted && !seen[key] {
			t.Errorf("%s is missing", key)
		}
	}
	for _, limit := range []int{1, 2, 7, len(whole)} {
		q.Limit = limit
		got := allPages(t, limit, func(p Page) ([]string, string, error) {
			q.After = p.After
			rows, err := e.ReadRecords(context.Background(), q)
			positions := keys(rows, func(r StoredRecord) string { return r.Position })
			next := ""
			if len(rows) == limit && rows[limit-1].Key != whole[len(whole)-1].Key {
				next = rows[limit-1].Position
			}
			return positions, next, err
		})
		if strings.Join(got, " ") != strings.Join(keys(whole, func(r StoredRecord) string { return r.Position }), " ") {
			t.Errorf("pages of %d give %v", limit, got)
		}
	}
}

func checkRecordClients(t *testing.T, e *env) {
	e.late(t, webhook.Ingressos, day(2))
	for i, client := range []webhook.ClientID{"acme", "globex", "initech", "umbrella"} {
		r := saleRecord("k", "x", day(1+i), day(5+i))
		r.ClientID = client
		if client == "umbrella" {
			r = saleRecord("k", "x", day(1))
			r.ClientID = client
		}
		e.put(t, webhook.Ingressos, 1, r)
	}
	for _, tc := range []struct {
		window webhook.Window
		late   bool
		want   string
	}{
		{days(1, 1), false, "[acme umbrella]"},
		{days(5, 6), false, "[acme globex]"},
		{days(2, 3), true, "[globex initech umbrella]"},
		{days(20, 21), false, "[]"},
	} {
		q := RecordQuery{Dataset: webhook.Ingressos, Window: tc.window, Late: tc.late}
		got, err := e.RecordClients(context.Background(), q)
		if err != nil || fmt.Sprint(got) != tc.want {
			t.Errorf("%v: %v %v, want %s", tc.window, got, err, tc.want)
		}
		q.Before = 1
		if got, err := e.RecordClients(context.Background(), q); err != nil || len(got) != 0 {
			t.Errorf("before everything: %v %v", got, err)
		}
	}
}

func checkBadPosition(t *testing.T, e *env) {
	for _, after := range []string{"x", "1", "1:2", "9:1:k", "-1:1:k", "1:x:k"} {
		q := everything(webhook.Vendas)
		q.After = after
		if _, err := e.ReadRecords(context.Background(), q); err == nil {
			t.Errorf("%q is taken for a position", after)
		}
	}
}

// checkRecordPlans asks SQLite, which tells its plan without having numbers
// of rows: no part may sort, or read rows that are not the client's.
func checkRecordPlans(t *testing.T, e *env) {
	if e.d.name != migrations.SQLite {
		return // PostgreSQL plans by the numbers of rows, and here are none
	}
	q := everything(webhook.Ingressos)
	q.Late, q.Before = true, 5
	for part, want := range []string{
		"records_late (dataset=? AND client_id=? AND key>?)",
		"records_at1 (dataset=? AND client_id=? AND (at1,key)>(?,?) AND at1<?)",
		"records_at2 (dataset=? AND client_id=? AND (at2,key)>(?,?) AND at2<?)",
		"records_at3 (dataset=? AND client_id=? AND (at3,key)>(?,?) AND at3<?)",
	} {
		query, args := q.sql(part, position{part, 1, "k"}, 10)
		steps, err := list(context.Background(), e.Store, "EXPLAIN QUERY PLAN "+query, args, func(row interface{ Scan(...any) error }) (step string, err error) {
			var id, parent, unused int
			err = row.Scan(&id, &parent, &unused, &step)
			return step, err
		})
		if err != nil || len(steps) != 1 || steps[0] != "SEARCH records USING INDEX "+want {
			t.Errorf("part %d: %q %v, want %s", part, steps, err, want)
		}
	}
}
