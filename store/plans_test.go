package store

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/migrations"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// No statement may read all deliveries, messages or attempts: with some
// million of them, it would hold up everything else.

// A path of SQLite that reads a whole large table or its index, and the
// partial indexes, whose whole is small: what waits, what is parked, what failed.
var (
	liteScan    = regexp.MustCompile(`^SCAN (deliveries|messages|attempts|idempotency_keys|verifications|d|x|s)\b`)
	litePartial = regexp.MustCompile(`USING (COVERING )?INDEX (deliveries_(check|parked|quarantine|failed)|verifications_pending|idempotency_keys_sealed)$`)
	liteWalk    = regexp.MustCompile(`^SCAN (deliveries|verifications) USING INDEX`)
	pgScan      = regexp.MustCompile(`Seq Scan on (deliveries|messages|attempts|verifications)\b`)
)

// walks are lists without an index of their own: they go down from the newest
// row and skip what is not asked for, until a page is full.
func walks(name string) bool {
	return slices.Contains([]string{"Deliveries", "list all", "list by type", "list succeeded", "Verifications"}, name)
}

// sorts are lists of few rows: one message's, one run's, the sealed ones counted.
func sorts(name string) bool {
	return strings.HasSuffix(name, "by message") || strings.HasSuffix(name, "by run") || name == "Tallies" || name == "CountSealed" || name == "PageReceipts" ||
		name == "Erase" || // the attempts of one delivery
		strings.HasPrefix(name, "stats ") // what they read is bounded
}

func TestPlansOnSQLite(t *testing.T) {
	t.Parallel()
	e := newEnv(t, "sqlite:"+t.TempDir()+"/plans.db")
	found := e.plans(t)
	for name, lines := range found {
		for _, line := range lines {
			if liteScan.MatchString(line) && !litePartial.MatchString(line) && !(walks(name) && liteWalk.MatchString(line)) {
				t.Errorf("%s reads everything: %s", name, line)
			}
			if strings.Contains(line, "TEMP B-TREE") && !sorts(name) {
				t.Errorf("%s sorts: %s", name, line)
			}
		}
	}
	for name, want := range map[string]string{
		"Claim":                    "SEARCH d USING INDEX sqlite_autoindex_deliveries_1 (id=?)",
		"Record":                   "SEARCH d USING INDEX sqlite_autoindex_deliveries_1 (id=?)",
		"GiveBack":                 "SEARCH d USING INDEX sqlite_autoindex_deliveries_1 (id=?)",
		"Feed":                     "SEARCH deliveries USING INDEX deliveries_parked (subscription_id=?)",
		"ParkedSubscriptions":      "SEARCH deliveries USING INDEX deliveries_parked (subscription_id>?)",
		"FeedHost":                 "SEARCH deliveries USING INDEX deliveries_parked_host (host=?)",
		"ParkedHosts":              "SEARCH deliveries USING INDEX deliveries_parked_host (host>?)",
		"ExpireVerifications":      "SEARCH verifications USING INDEX verifications_pending (expires_at<?)",
		"Due":                      "SEARCH deliveries USING INDEX deliveries_check (check_at<?)",
		"CountSealed":              "SCAN idempotency_keys USING INDEX idempotency_keys_sealed",
		"SealedWith":               "SEARCH idempotency_keys USING INDEX idempotency_keys_sealed (<expr>=? AND (scope,key)>(?,?))",
		"pause":                    "SEARCH deliveries USING INDEX deliveries_open (state=?)",
		"resume":                   "SEARCH deliveries USING INDEX deliveries_open (state=?)",
		"delete":                   "SEARCH deliveries USING INDEX deliveries_open (state=?)",
		"list by client":           "SEARCH deliveries USING INDEX deliveries_client (client_id=?)",
		"list by message":          "SEARCH deliveries USING INDEX deliveries_message (message_id=?)",
		"list by run":              "SEARCH deliveries USING INDEX deliveries_run (run_id=?)",
		"list failed":              "SEARCH deliveries USING INDEX deliveries_open (state=?)",
		"next page of failed":      "SEARCH deliveries USING INDEX deliveries_open (state=? AND id<?)",
		"list quarantined":         "SCAN deliveries USING INDEX deliveries_quarantine",
		"Quarantined":              "SCAN deliveries USING COVERING INDEX deliveries_quarantine",
		"list since":               "SEARCH deliveries USING INDEX sqlite_autoindex_deliveries_1 (id>?)",
		"events":                   "SEARCH messages USING INDEX sqlite_autoindex_messages_1 (id<?)",
		"Sweep payloads of events": "SEARCH x USING INDEX sqlite_autoindex_messages_1 (id>? AND id<?)",
		"Sweep attempts":           "SEARCH x USING COVERING INDEX sqlite_autoindex_deliveries_1 (id>? AND id<?)",
		"Sweep records":            "SEARCH records USING INDEX records_received (received_at>? AND received_at<?)",
		"Sweep idempotency keys":   "SEARCH idempotency_keys USING INDEX idempotency_keys_created (created_at<?)",
		"Erase":                    "SEARCH x USING INDEX deliveries_client (client_id=? AND id>?)",
		"NextErasure":              "SEARCH erasures USING INDEX erasures_open (not_before<?)",
		// By the position: by the window's begin, each read would pass all that was read before.
		"next records":               "SEARCH records USING INDEX records_at1 (dataset=? AND client_id=? AND (at1,key)>(?,?) AND at1<?)",
		"JobWaiting":                 "SEARCH deliveries USING INDEX deliveries_job_waits (job_id=?)",
		"list by job":                "SEARCH deliveries USING INDEX deliveries_job (job_id=?)",
		"JobItems":                   "SEARCH d USING INDEX deliveries_failed (subscription_id=? AND id>? AND id<?)",
		"JobItems of a replay":       "SEARCH m USING INDEX messages_client (client_id=? AND id>? AND id<?)",
		"stats counts":               "SEARCH deliveries USING COVERING INDEX deliveries_open (state=? AND id>? AND id<?)",
		"stats counts of a client":   "SEARCH deliveries USING INDEX deliveries_client (client_id=? AND id>?)",
		"stats queue":                "SEARCH deliveries USING INDEX deliveries_open (state=?)",
		"stats queue of a client":    "SEARCH deliveries USING INDEX deliveries_client (client_id=?)",
		"stats failing":              "SEARCH deliveries USING INDEX deliveries_open (state=? AND id>?)",
		"stats attempts":             "SEARCH attempts USING INDEX sqlite_autoindex_attempts_1 (delivery_id>?)",
		"stats attempts of a client": "SEARCH attempts USING INDEX sqlite_autoindex_attempts_1 (delivery_id=?)",
		"stats health":               "SEARCH deliveries USING INDEX deliveries_subscription (subscription_id=?)",
		"events by client":           "SEARCH messages USING INDEX messages_client (client_id=? AND id<?)",
	} {
		if !slices.Contains(found[name], want) {
			t.Errorf("%s does not %s:\n%s", name, want, strings.Join(found[name], "\n"))
		}
	}
}

func TestPlansOnPostgres(t *testing.T) {
	t.Parallel()
	e := newEnv(t, testserver.Postgres(t))
	for name, lines := range e.plans(t) {
		for _, line := range lines {
			if pgScan.MatchString(line) {
				t.Errorf("%s reads everything:\n%s", name, strings.Join(lines, "\n"))
			}
		}
	}
}

// plans runs each operation on a database with a history, and returns the
// plans of what it ran.
func (e *env) plans(tb testing.TB) map[string][]string {
	tb.Helper()
	subs := e.history(tb, 50_000)
	plain := e.open(tb)
	r := record(tb, e)
	operations := e.operations(subs)
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		r.take()
		_ = operations[name](context.Background()) // "there is no such delivery" has a plan too
		ran := r.take()
		if len(ran) == 0 {
			tb.Errorf("%s ran no statement", name)
		}
		for _, s := range ran {
			out[name] = append(out[name], plain.plan(tb, s, strings.HasPrefix(name, "stats "))...)
		}
	}
	return out
}

// plan asks the database how it runs a statement. What is bounded may read up
// to 20,000 rows by an index: with so few rows as here, PostgreSQL finds it
// cheaper to read them all, and is asked what it would do otherwise.
func (s *Store) plan(tb testing.TB, st statement, bounded bool) []string {
	tb.Helper()
	switch verb, _, _ := strings.Cut(strings.TrimSpace(st.query), " "); verb {
	case "SELECT", "WITH", "INSERT", "UPDATE", "DELETE":
	default:
		return nil // BEGIN and the like
	}
	explain, line := "EXPLAIN ", func(row interface{ Scan(...any) error }) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	}
	if s.d.name == migrations.SQLite {
		explain, line = "EXPLAIN QUERY PLAN ", func(row interface{ Scan(...any) error }) (text string, err error) {
			var id, parent, unused int
			err = row.Scan(&id, &parent, &unused, &text)
			return text, err
		}
	}
	pool := s.read
	if slices.Contains([]string{acceptStatement, claimStatement, recordStatement}, st.query) {
		pool = s.hot // as it runs: with connections that plan in their own way
	}
	conn, err := pool.Conn(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	if bounded && s.d.name == migrations.Postgres {
		if _, err := conn.ExecContext(context.Background(), "SET enable_seqscan = off"); err != nil {
			tb.Fatal(err)
		}
		defer func() { _, _ = conn.ExecContext(context.Background(), "RESET enable_seqscan") }()
	}
	rows, err := conn.QueryContext(context.Background(), explain+st.query, st.args...)
	if err != nil {
		tb.Fatalf("%s: %v", st.query, err)
	}
	lines, err := collect(rows, line)
	if err != nil {
		tb.Fatal(err)
	}
	return lines
}

// history fills a database with n deliveries of twenty subscriptions: most are
// over, some wait, few are parked, held or failed.
func (e *env) history(tb testing.TB, n int) []webhook.SubscriptionID {
	tb.Helper()
	var subs []webhook.SubscriptionID
	for range 20 {
		subs = append(subs, e.subscribe(tb))
	}
	const each = 200 // more may not be committed in time on a busy machine
	for done := 0; done < n; done += each {
		e.clock.Advance(time.Minute)
		in := &Intake{Messages: make([]webhook.Message, each)}
		for i := range in.Messages {
			m := e.message()
			m.ClientID, m.Type = webhook.ClientID(fmt.Sprintf("c%d", i%50)), webhook.Slug(fmt.Sprintf("t.%d", i%10))
			if i%10 == 0 {
				m.ID, m.Kind = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindExportPage
			}
			in.Messages[i] = m
			d := e.delivery(&in.Messages[i], subs[i%20])
			if i%10 == 0 {
				d.RunID, d.Page = webhook.RunID(fmt.Sprintf("run_%d", done/10_000)), i/10
			}
			in.Deliveries = append(in.Deliveries, d)
		}
		e.mustAccept(tb, in)
	}
	statements := []string{
		`UPDATE deliveries SET state = 'succeeded', check_at = NULL, next_attempt_at = NULL, finished_at = created_at, attempt_count = 1,
			automatic_count = 1, generation = 3 WHERE substr(id, 25, 3) > '049'`,
		`UPDATE deliveries SET state = 'failed', check_at = NULL, next_attempt_at = NULL, finished_at = created_at
			WHERE substr(id, 25, 3) BETWEEN '000' AND '004'`,
		`UPDATE deliveries SET parked = TRUE, check_at = NULL WHERE substr(id, 25, 3) BETWEEN '005' AND '009'`,
		`UPDATE deliveries SET state = 'held', hold_reason = 'paused', check_at = NULL WHERE substr(id, 25, 3) BETWEEN '010' AND '014'`,
		`UPDATE deliveries SET state = 'held', hold_reason = 'quarantine', check_at = NULL WHERE substr(id, 25, 3) = '015'`,
		`INSERT INTO attempts (delivery_id, number, trigger, started_at, duration_us, status, error_code, detail)
			SELECT id, 1, 'automatic', created_at, 1, 200, '', message_id FROM deliveries WHERE state = 'succeeded'`,
		`INSERT INTO verifications (id, client_id, status, type, national_id_masked, callback_url, callback_method, created_at, updated_at, expires_at)
			SELECT 'ver_' || substr(id, 5), client_id, CASE substr(id, 27, 2) WHEN '10' THEN 'PENDING' WHEN '20' THEN 'FAILED'
				WHEN '30' THEN 'EXPIRED' ELSE 'COMPLETED' END, '', '', '', '', created_at, created_at, created_at + 1000000 FROM deliveries`,
	}
	if e.d.name == migrations.Postgres { // PostgreSQL plans by what it has counted; SQLite is never told to count
		statements[5] = strings.Replace(statements[5], "message_id", "convert_to(message_id, 'UTF8')", 1)
		statements = append(statements, `ANALYZE`)
	}
	for _, s := range statements {
		if _, err := e.write.ExecContext(context.Background(), s); err != nil {
			tb.Fatal(err)
		}
	}
	return subs
}

// operations are everyCall, each list by each filter, and the changes of a
// subscription that has a history.
func (e *env) operations(subs []webhook.SubscriptionID) map[string]func(context.Context) error {
	out := e.everyCall()
	for name, f := range map[string]DeliveryFilter{
		"all": {}, "by client": {ClientID: "c7"}, "by subscription": {SubscriptionID: subs[3]}, "by type": {EventType: "t.3"},
		"by message": {MessageID: "evt_1"}, "by run": {RunID: "run_2"}, "by job": {JobID: "job_1"}, "pending": {State: webhook.StatePending},
		"held": {State: webhook.StateHeld}, "failed": {State: webhook.StateFailed},
		"quarantined": {HoldReason: webhook.HoldQuarantine}, "paused": {HoldReason: webhook.HoldPaused}, "succeeded": {State: webhook.StateSucceeded},
		"since": {Since: e.now().Add(-time.Hour)}, "until": {Until: e.now().Add(-time.Hour)},
		"failed by client":       {State: webhook.StateFailed, ClientID: "c7"},
		"failed by subscription": {State: webhook.StateFailed, SubscriptionID: subs[3]},
	} {
		for kind, p := range map[string]Page{"list ": {Limit: 50}, "next page of ": {Limit: 50, After: idAt(webhook.PrefixDelivery, e.now(), 0)}} {
			out[kind+name] = func(ctx context.Context) error { _, _, err := e.Deliveries(ctx, f, p); return err }
		}
	}
	for name, f := range map[string]EventFilter{
		"events": {}, "events by client": {ClientID: "c7"}, "events by type": {Type: "t.3"},
		"events since": {Since: e.now().Add(-time.Hour)}, "events until": {Until: e.now().Add(-time.Hour)},
	} {
		out[name] = func(ctx context.Context) error { _, _, err := e.Events(ctx, f, Page{Limit: 50}); return err }
	}
	out["next records"] = func(ctx context.Context) error {
		w := webhook.Window{From: e.now().Add(-time.Hour), To: e.now()}
		after := position{partFirst, micros(w.From) + 1, "k"}.String()
		_, err := e.ReadRecords(ctx, RecordQuery{Dataset: webhook.Vendas, ClientID: "c7", Window: w, After: after, Limit: 50})
		return err
	}
	out["pause"] = func(ctx context.Context) error { return e.PauseSubscription(ctx, subs[0]) }
	out["resume"] = func(ctx context.Context) error { return e.ResumeSubscription(ctx, subs[0]) }
	out["delete"] = func(ctx context.Context) error { return e.DeleteSubscription(ctx, subs[1]) }
	return out
}
