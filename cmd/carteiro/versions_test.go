package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// TestASchemaThatIsAhead: a later version has added columns, a table and
// indexes, while this binary runs. It goes on, and it starts on that schema
// too: that is what lets old and new run side by side during an upgrade.
func TestASchemaThatIsAhead(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (p *process, db *sql.DB, again func() *process){
		"sqlite": func(t *testing.T) (*process, *sql.DB, func() *process) {
			dir := t.TempDir()
			p := start(t, dir, nil, "serve")
			return p, openSQL(t, "sqlite", "file:"+filepath.Join(dir, "carteiro.db")+"?_pragma=busy_timeout(10000)"), func() *process {
				terminate(p)
				return start(t, dir, nil, "serve")
			}
		},
		"postgres": func(t *testing.T) (*process, *sql.DB, func() *process) {
			database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
			return startShared(t, database, carrier), openSQL(t, "pgx", database), func() *process { return startShared(t, database, carrier) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, db, again := open(t)
			url, got := newAgreeing(t, 0)
			p.subscribe(url)
			s := &poster{t: t, p: p}
			s.at(4, 10) // every connection has its statements prepared
			p.worksWhole()
			n := addToEach(t, db)
			t.Logf("%d tables have new columns", n)
			for _, o := range s.at(4, 10) {
				if o.status != 202 {
					t.Errorf("on the newer schema: %+v", o)
				}
			}
			p.worksWhole()
			s.wantDelivered(got)
			s.p = again()
			s.at(4, 10)
			s.p.worksWhole()
			s.wantDelivered(got)
			if !strings.Contains(s.p.logged(), "newer than this program") {
				t.Error("the log does not tell that the schema is ahead")
			}
		})
	}
}

func openSQL(t *testing.T, driver, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// addToEach does what a later migration may do, and notes it as one.
func addToEach(t *testing.T, db *sql.DB) int {
	t.Helper()
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	list := `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	if _, err := db.ExecContext(context.Background(), "SELECT 1 FROM pg_tables"); err != nil {
		list = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	rows, err := db.QueryContext(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "goose") {
			tables = append(tables, name)
		}
	}
	if err := rows.Err(); err != nil || len(tables) < 10 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	for _, table := range tables {
		run("ALTER TABLE " + table + " ADD COLUMN later_maybe TEXT")
		run("ALTER TABLE " + table + " ADD COLUMN later_always BIGINT NOT NULL DEFAULT 7")
		run("CREATE INDEX " + table + "_later ON " + table + " (later_always)")
	}
	run("CREATE TABLE later (id TEXT PRIMARY KEY)")
	run("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
	return len(tables)
}

// worksWhole runs an export and reads every list there is.
func (p *process) worksWhole() {
	p.t.Helper()
	if status := p.call("PUT", "/v1/records/vendas?client_id=acme", `[{"_id":"1","updatedAt":"2025-06-15T18:00:00Z"}]`, nil); status != 200 {
		p.t.Errorf("records: %d", status)
	}
	var run struct{ ID, State string }
	if status := p.call("POST", "/v1/exports/vendas/runs", `{"start_date":"2025-06-15","end_date":"2025-06-15"}`, &run); status != 202 {
		p.t.Fatalf("a run: %d", status)
	}
	waitFor(p.t, "the run ends", func() bool {
		p.call("GET", "/v1/runs/"+run.ID, "", &run)
		return run.State == "finished"
	})
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	p.call("GET", "/openapi.json", "", &document)
	read := 0
	for path, methods := range document.Paths {
		if _, ok := methods["get"]; !ok || strings.Contains(path, "{") {
			continue
		}
		read++
		if status := p.call("GET", path, "", nil); status != 200 {
			p.t.Errorf("GET %s: %d", path, status)
		}
	}
	if read < 8 {
		p.t.Errorf("only %d lists were read", read)
	}
}

// older is a version of before some migrations. Its schema is still in force
// for whoever upgrades from it.
const older = "5e73957"

// TestOldAndNewSideBySide: a binary of an older version runs, the present one
// migrates under it and joins it, the present one goes away again. Both take
// events and deliver all the time, on one PostgreSQL and one Redis.
func TestOldAndNewSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an older version")
	}
	binary := buildOlder(t)
	database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
	url, got := newAgreeing(t, 0)
	env := []string{
		"CARTEIRO_DATABASE_URL=" + database, "CARTEIRO_REDIS_URL=" + carrier, sharedSecret, "CARTEIRO_ADMIN_KEY=" + sharedKey,
	}
	old := startProgram(t, binary, t.TempDir(), env, "serve")
	old.key = sharedKey
	old.subscribe(url)
	before := &poster{t: t, p: old}
	before.at(4, 10)
	before.wantDelivered(got)

	present := startShared(t, database, carrier) // migrates
	after := &poster{t: t, p: present}
	both := func() {
		t.Helper()
		for _, s := range []*poster{before, after} {
			for _, o := range s.at(4, 10) {
				if o.status != 202 {
					t.Errorf("side by side: %+v", o)
				}
			}
			s.p.worksWhole()
		}
		before.wantDelivered(got)
		after.wantDelivered(got)
	}
	both()
	present.subscribe(url + "/second") // the other one gets to know of it
	both()
	terminate(old)
	after.at(4, 10)
	after.wantDelivered(got)
	old = startProgram(t, binary, t.TempDir(), env, "serve") // on the schema of the present one
	old.key, before.p = sharedKey, old
	both()
	terminate(present) // the upgrade is taken back
	before.at(4, 10)
	before.p.worksWhole()
	before.wantDelivered(got)
	for id, n := range got.copy() {
		if n > 2 { // there are two subscriptions
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

// buildOlder builds an older version out of the history.
func buildOlder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	archive := filepath.Join(dir, "older.tar")
	root := filepath.Join("..", "..")
	// The checkout may belong to another user, of whom git is wary.
	if out, err := exec.Command("git", "-c", "safe.directory=*", "-C", root, "archive", "--format=tar", "-o", archive, older).CombinedOutput(); err != nil {
		if os.Getenv("CARTEIRO_TEST_SERVERS") == "required" {
			t.Fatalf("the history does not have %s: in a shallow clone, run git fetch --unshallow first: %v %s", older, err, out)
		}
		t.Skipf("the history does not have %s here (a shallow clone, or no git): %v %s", older, err, out)
	}
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	binary := filepath.Join(dir, "carteiro")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/carteiro") // as a release is built
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", older, err, out)
	}
	return binary
}
