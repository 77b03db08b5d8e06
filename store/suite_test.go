package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// The conformance suite: every check runs word for word on both databases,
// each on a fresh one.

func TestMain(m *testing.M) { os.Exit(testserver.RunWithoutLeaks(m)) }

// check is one thing that both databases must do alike.
type check struct {
	name string
	run  func(*testing.T, *env)
}

func conformance() []check {
	return slices.Concat(
		dialectChecks(),
		catalogueChecks(), subscriptionChecks(), stateChecks(), intakeChecks(), idempotencyChecks(), bodyChecks(),
		listChecks(), claimChecks(), recordChecks(), recordRaceChecks(), releaseChecks(), keptChecks(), feedChecks(), dueChecks(),
		operatorChecks(), attemptChecks(), concurrencyChecks(), modelChecks(), datasetChecks(), verificationChecks(), callbackChecks(),
		sweepChecks(), erasureChecks(), auditChecks(), apiKeyChecks(), statsChecks(), jobChecks(),
	)
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	runSuite(t, sqliteAddress)
}

// One database serves all checks, and is wiped between them: making one takes
// a tenth of a second and more.
func TestPostgres(t *testing.T) {
	t.Parallel()
	address := testserver.Postgres(t)
	runSuite(t, func(testing.TB) string { return address })
}

func runSuite(t *testing.T, address func(testing.TB) string) {
	for _, c := range conformance() {
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t, address(t))
			c.run(t, e)
			e.checkInvariants(t)
		})
	}
}

// wipe empties the tables.
func (e *env) wipe(tb testing.TB) {
	tb.Helper()
	for _, statement := range []string{
		`DELETE FROM attempts`, `DELETE FROM deliveries`, `DELETE FROM messages`, `DELETE FROM subscriptions`,
		`DELETE FROM event_types`, `DELETE FROM clients`, `DELETE FROM verifications`, `DELETE FROM idempotency_keys`, `UPDATE counters SET value = 1`,
		`DELETE FROM records`, `UPDATE datasets SET seq = 1, watermark = 0`, `DELETE FROM runs`, `DELETE FROM run_clients`, `DELETE FROM run_refusals`, `DELETE FROM pages`,
		`DELETE FROM sweeps`, `DELETE FROM sweep_kept`, `DELETE FROM erasures`, `UPDATE leases SET until = 0`, `DELETE FROM audit_log`, `DELETE FROM api_keys`, `DELETE FROM jobs`, `DELETE FROM job_parts`,
	} {
		if _, err := e.write.ExecContext(context.Background(), statement); err != nil {
			tb.Fatal(err)
		}
	}
}

// sqliteAddress returns the address of a database that does not exist yet. Its
// path holds what has a meaning in a URL, because people's paths do.
func sqliteAddress(tb testing.TB) string {
	tb.Helper()
	return "sqlite:" + filepath.Join(tb.TempDir(), "a b%20c?d#e.db")
}

// checkInvariants looks, after each check, at what must hold of every
// delivery whatever happened to it.
func (e *env) checkInvariants(t *testing.T) {
	t.Helper()
	broken, err := e.brokenInvariants()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

func (e *env) brokenInvariants() (broken []string, err error) {
	for name, cond := range map[string]string{
		"waits, but nobody will look after it":  `state IN ('pending', 'retrying') AND NOT parked AND check_at IS NULL`,
		"waits without a time":                  `state IN ('pending', 'retrying', 'held') AND next_attempt_at IS NULL`,
		"an operator's retry is forgotten":      `manual_at IS NOT NULL AND check_at IS NULL`,
		"a canceled one would be sent":          `state = 'canceled' AND (manual_at IS NOT NULL OR parked OR check_at IS NOT NULL)`,
		"parked, but does not wait":             `parked AND (state NOT IN ('pending', 'retrying') OR manual_at IS NOT NULL)`,
		"parked and claimed":                    `parked AND lease_until IS NOT NULL`,
		"held without a reason, or the reverse": `(state = 'held') <> (hold_reason <> '')`,
		"held, but its subscription is not paused": `hold_reason = 'paused'
			AND subscription_id IN (SELECT s.id FROM subscriptions AS s WHERE s.state <> 'paused' OR s.deleted_at IS NOT NULL)`,
		"final without an end, or the reverse": `(state IN ('succeeded', 'failed', 'canceled')) <> (finished_at IS NOT NULL)`,
		"final, but the schedule goes on":      `state IN ('succeeded', 'failed', 'canceled') AND next_attempt_at IS NOT NULL`,
		"attempts are missing or too many": `attempt_count <> (SELECT count(*) FROM attempts WHERE delivery_id = id)
			OR attempt_count <> (SELECT COALESCE(max(number), 0) FROM attempts WHERE delivery_id = id)`,
	} {
		if e.attemptsMayBeGone && strings.HasPrefix(name, "attempts") {
			continue
		}
		ids, err := list(context.Background(), e.Store, `SELECT id FROM deliveries WHERE `+cond, nil,
			func(row interface{ Scan(...any) error }) (id string, err error) {
				err = row.Scan(&id)
				return id, err
			})
		if err != nil {
			return nil, err
		}
		if len(ids) > 0 {
			broken = append(broken, name+": "+strings.Join(ids, ", "))
		}
	}
	return broken, nil
}
