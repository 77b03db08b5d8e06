package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/migrations"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// everyCall calls each method that reaches the database.
func (e *env) everyCall() map[string]func(context.Context) error {
	in := e.intake("sub_1")
	c := Claimed{Ref: Ref{"dlv_1", 1}, Standing: webhook.Standing{State: webhook.StatePending}}
	sub := e.subscription(someClient, "*")
	one := Page{Limit: 1}
	calls := map[string]func(context.Context) error{
		"Accept":             func(ctx context.Context) error { return e.Accept(ctx, in) },
		"AddEventTypes":      func(ctx context.Context) error { return e.AddEventTypes(ctx, []webhook.EventType{eventType("a")}) },
		"AllEventTypes":      func(ctx context.Context) error { _, err := e.AllEventTypes(ctx); return err },
		"Attempts":           func(ctx context.Context) error { _, err := e.Attempts(ctx, "dlv_1"); return err },
		"Cancel":             func(ctx context.Context) error { _, err := e.Cancel(ctx, "dlv_1"); return err },
		"CatalogueVersion":   func(ctx context.Context) error { _, err := e.CatalogueVersion(ctx); return err },
		"CheckAllNow":        func(ctx context.Context) error { return e.CheckAllNow(ctx, e.now()) },
		"CheckCatalogue":     func(ctx context.Context) error { return e.CheckCatalogue(ctx, 1) },
		"Claim":              func(ctx context.Context) error { _, err := e.Claim(ctx, []Ref{c.Ref}, e.terms()); return err },
		"Client":             func(ctx context.Context) error { _, err := e.Client(ctx, someClient); return err },
		"Clients":            func(ctx context.Context) error { _, _, err := e.Clients(ctx, "", one); return err },
		"ClientsByID":        func(ctx context.Context) error { _, _, err := e.ClientsByID(ctx, "", one); return err },
		"CreateSubscription": func(ctx context.Context) error { return e.CreateSubscription(ctx, &sub, nil) },
		"DeleteSubscription": func(ctx context.Context) error { return e.DeleteSubscription(ctx, "sub_1") },
		"Deliveries":         func(ctx context.Context) error { _, _, err := e.Deliveries(ctx, DeliveryFilter{}, one); return err },
		"Delivery":           func(ctx context.Context) error { _, err := e.Delivery(ctx, "dlv_1"); return err },
		"Due":                func(ctx context.Context) error { _, _, err := e.Due(ctx, DueTerms{Now: e.now(), Limit: 1}); return err },
		"EventType":          func(ctx context.Context) error { _, err := e.EventType(ctx, "a"); return err },
		"EventTypes":         func(ctx context.Context) error { _, _, err := e.EventTypes(ctx, one); return err },
		"Events":             func(ctx context.Context) error { _, _, err := e.Events(ctx, EventFilter{}, one); return err },
		"Feed": func(ctx context.Context) error {
			_, err := e.Feed(ctx, "sub_1", FeedLimits{Most: 1, Pages: 1}, e.terms())
			return err
		},
		"BuildPage": func(ctx context.Context) error {
			return e.BuildPage(ctx, Hold{RunID: "run_1"}, &BuiltPage{Run: &webhook.Run{}, ClientID: someClient})
		},
		"CreateRun": func(ctx context.Context) error { return e.CreateRun(ctx, &webhook.Run{Dataset: webhook.Vendas}, nil) },
		"Export":    func(ctx context.Context) error { _, err := e.Export(ctx, "vendas"); return err },
		"Exports":   func(ctx context.Context) error { _, err := e.Exports(ctx); return err },
		"FinishRun": func(ctx context.Context) error { return e.FinishRun(ctx, Hold{RunID: "run_1"}, &webhook.Run{}) },
		"Fire":      func(ctx context.Context) error { _, err := e.Fire(ctx, Fire{Run: &webhook.Run{}}); return err },
		"PageReceipts": func(ctx context.Context) error {
			_, err := e.PageReceipts(ctx, PageFilter{RunID: "run_1", Limit: 1})
			return err
		},
		"PlanRun":      func(ctx context.Context) error { return e.PlanRun(ctx, Hold{RunID: "run_1"}, nil) },
		"PutOffRun":    func(ctx context.Context) error { return e.PutOffRun(ctx, Hold{RunID: "run_1"}, e.now(), "") },
		"ReleasePages": func(ctx context.Context) error { return e.ReleasePages(ctx, Hold{RunID: "run_1"}, &PageRelease{}) },
		"RenewRun":     func(ctx context.Context) error { return e.RenewRun(ctx, Hold{RunID: "run_1"}) },
		"Run":          func(ctx context.Context) error { _, err := e.Run(ctx, "run_1"); return err },
		"RunClients":   func(ctx context.Context) error { _, err := e.RunClients(ctx, "run_1"); return err },
		"RunPages": func(ctx context.Context) error {
			_, err := e.RunPages(ctx, &webhook.RunClient{RunID: "run_1"}, 0, 1)
			return err
		},
		"RunTotals": func(ctx context.Context) error { _, err := e.RunTotals(ctx, "run_1", ""); return err },
		"Runs": func(ctx context.Context) error {
			_, _, err := e.Runs(ctx, RunFilter{Export: "vendas"}, one)
			return err
		},
		"TakeRun":             func(ctx context.Context) error { _, err := e.TakeRun(ctx, e.now(), e.now()); return err },
		"Tallies":             func(ctx context.Context) error { _, err := e.Tallies(ctx, "run_1"); return err },
		"FindIdempotent":      func(ctx context.Context) error { return e.FindIdempotent(ctx, key("k", "h")) },
		"GiveBack":            func(ctx context.Context) error { return e.GiveBack(ctx, Release{Ref: c.Ref}) },
		"Message":             func(ctx context.Context) error { _, err := e.Message(ctx, "evt_1"); return err },
		"ParkedSubscriptions": func(ctx context.Context) error { _, err := e.ParkedSubscriptions(ctx); return err },
		"PauseSubscription":   func(ctx context.Context) error { return e.PauseSubscription(ctx, "sub_1") },
		"PutClient":           func(ctx context.Context) error { _, _, err := e.PutClient(ctx, "a", ""); return err },
		"PutEventType":        func(ctx context.Context) error { _, _, err := e.PutEventType(ctx, eventType("a")); return err },
		"Quarantined":         func(ctx context.Context) error { _, err := e.Quarantined(ctx, ""); return err },
		"Ready": func(ctx context.Context) error {
			e.ready.probed = time.Time{} // what was known a moment ago is not asked for
			return e.Store.Ready(ctx)
		},
		"Record":             func(ctx context.Context) error { _, err := e.Record(ctx, e.result(c, 200)); return err },
		"RequestRetry":       func(ctx context.Context) error { _, err := e.RequestRetry(ctx, "dlv_1", e.now(), nil); return err },
		"ResumeSubscription": func(ctx context.Context) error { return e.ResumeSubscription(ctx, "sub_1") },
		"Subscription":       func(ctx context.Context) error { _, err := e.Subscription(ctx, "sub_1"); return err },
		"Subscriptions": func(ctx context.Context) error {
			_, _, err := e.Subscriptions(ctx, SubscriptionFilter{}, one)
			return err
		},
		"SubscriptionOwner":  func(ctx context.Context) error { _, err := e.SubscriptionOwner(ctx, "sub_1"); return err },
		"SubscriptionsSince": func(ctx context.Context) error { _, err := e.SubscriptionsSince(ctx, 0); return err },
		"UpdateSubscription": func(ctx context.Context) error { other := sub; return e.UpdateSubscription(ctx, &other) },
	}
	maps.Copy(calls, e.verificationCalls())
	maps.Copy(calls, e.sweepCalls())
	maps.Copy(calls, e.apiKeyCalls())
	maps.Copy(calls, e.statsCalls())
	maps.Copy(calls, e.jobCalls())
	return calls
}

// wantUnavailable fails the test unless err is what the API answers with 503,
// tells the cause to the log, and does not tell it to the caller.
func wantUnavailable(t *testing.T, name string, err error) {
	t.Helper()
	var u *unavailable
	var answer *webhook.Error
	if !errors.As(err, &u) || !errors.As(err, &answer) || answer.Kind != webhook.KindUnavailable || answer.RetryAfter <= 0 {
		t.Errorf("%s: got the error %v", name, err)
		return
	}
	if !strings.Contains(err.Error(), u.cause.Error()) || u.cause.Error() == "" {
		t.Errorf("%s: the error %q does not tell its cause %q", name, err, u.cause)
	}
	if strings.Contains(answer.Error(), u.cause.Error()) {
		t.Errorf("%s: the answer tells the cause: %q", name, answer)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": sqliteAddress, "postgres": testserver.Postgres} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, address(t))
			calls := e.everyCall()
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			for name, call := range calls {
				wantUnavailable(t, name, call(context.Background()))
			}
		})
	}
}

func TestStoppedPostgresIsUnavailable(t *testing.T) {
	t.Parallel()
	server := testserver.PostgresOwn(t)
	address, err := server.CreateDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, address)
	ref := e.accept(t, "")
	server.Kill()
	for name, call := range e.everyCall() {
		wantUnavailable(t, name, call(context.Background()))
	}
	if err := server.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	// What was committed is there, and the connections mend themselves.
	e.wantStands(t, ref.ID, "pending next=0s check=30s")
	e.attemptOnce(t, ref, 200)
}

// P6: each intake is answered within two seconds by a database that takes
// statements and does not end them, also the intake that waits for another's
// commit. What was refused is not there.
func TestSilentDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": sqliteAddress, "postgres": testserver.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, address(t))
			unlock := e.open(t).lock(t)
			ins := make([]*Intake, 12)
			for i := range ins {
				ins[i] = e.intake("")
			}
			for _, err := range together(len(ins), func(i int) error {
				began := time.Now()
				err := e.Accept(context.Background(), ins[i])
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("answer %d took %s", i, took)
				}
				return err
			}) {
				wantUnavailable(t, "Accept", err)
			}
			if _, _, err := e.Clients(context.Background(), "", Page{Limit: 1}); err != nil {
				t.Errorf("reads wait for a writer: %v", err)
			}
			unlock()
			for _, in := range ins {
				e.wantNothing(t, in)
				e.mustAccept(t, in)
			}
		})
	}
}

// lock keeps others from writing messages.
func (s *Store) lock(tb testing.TB) (unlock func()) {
	tb.Helper()
	tx, err := s.write.BeginTx(context.Background(), nil) // SQLite: the whole database is locked
	if err == nil && s.d.name == migrations.Postgres {
		_, err = tx.ExecContext(context.Background(), `LOCK TABLE messages IN ACCESS EXCLUSIVE MODE`)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			tb.Error(err)
		}
	}
}

// A context that ends at any moment of a transaction must leave the one
// writer's connection usable, and either all or nothing behind.
func TestContextEndsInTransaction(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": sqliteAddress, "postgres": testserver.Postgres} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, address(t))
			const tries = 300
			cut := 0
			began := time.Now()
			for range 10 {
				e.subscribe(t)
			}
			usual := time.Since(began) / 10
			for i := range tries {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*usual/tries*3/2)
				sub := e.subscription("*", "*")
				err := e.CreateSubscription(ctx, &sub, nil)
				cancel()
				if err != nil {
					cut++
				}
				_, found := e.Subscription(context.Background(), sub.ID)
				if err == nil && found != nil {
					t.Fatalf("stored, but not there: %v", found)
				}
			}
			if cut == 0 {
				t.Error("none was cut off: nothing was tested")
			}
			e.subscribe(t)
		})
	}
}

// A standby, or a disk that ran full: reads go on.
func TestReadOnlyPostgresIsUnavailable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e := newEnv(t, testserver.Postgres(t))
	ref := e.accept(t, "")
	if _, err := e.open(t).write.ExecContext(ctx, `DO $do$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
		PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
		END $do$`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first one may meet the connections that were cut
		wantUnavailable(t, "Accept", e.Accept(ctx, e.intake("")))
		_ = e.Ping(ctx)
	}
	e.wantStands(t, ref.ID, "pending next=0s check=30s")
}

// SQLite ends a transaction by itself when the disk is full.
func TestFullSQLiteIsUnavailable(t *testing.T) {
	t.Parallel()
	e := newEnv(t, sqliteAddress(t))
	limit := func(pages int) {
		t.Helper()
		if err := e.tx(context.Background(), func(tx txn) error {
			var now int
			return tx.QueryRowContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&now)
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	stored := 0
	in := e.many(64, "")
	for ; stored < 1000; stored++ {
		err := e.Accept(context.Background(), in)
		if err != nil {
			wantUnavailable(t, "Accept", err)
			break
		}
		in = e.many(64, "")
	}
	if stored == 1000 {
		t.Fatal("the disk never ran full")
	}
	e.wantNothing(t, in)
	limit(1 << 30)
	e.mustAccept(t, in)
}

func TestOwnErrorsAreNotUnavailable(t *testing.T) {
	t.Parallel()
	e := newEnv(t, sqliteAddress(t))
	for _, err := range []error{
		errStale, &Replay{Status: 202}, keyReused(), webhook.NotFound("client", "x"), sql.ErrNoRows, context.Canceled, errors.New("a bug"),
	} {
		if got := e.wrap(err); !errors.Is(got, err) || webhook.IsKind(got, webhook.KindUnavailable) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if e.wrap(nil) != nil {
		t.Error("no error became one")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const password = "s3cret-canary"
	for _, address := range []string{
		"", "mysql://localhost/x", "sqlite:", "sqlite::memory:", "sqlite:" + t.TempDir() + "/no/such/dir/x.db", "sqlite:" + t.TempDir(),
		"postgres://u:" + password + "@127.0.0.1:1/x", "postgres://u:" + password + "@127.0.0.1:port/x",
		"postgres://u:" + password + "@127.0.0.1:1/x?sslmode=nonsense",
	} {
		s, err := Open(context.Background(), address, Options{})
		if err == nil {
			t.Errorf("opened %q", address)
			_ = s.Close()
		} else if strings.Contains(err.Error(), password) {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}
