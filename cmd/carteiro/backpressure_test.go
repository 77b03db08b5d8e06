package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// fault is something that befalls the database or Redis.
type fault struct {
	name  string
	part  string // that /readyz calls red
	state string
	taken bool // intake goes on
	begin func(t *testing.T)
	end   func(t *testing.T)
}

// TestBackpressure: whatever befalls the database, intake, of records too, answers 503 in time
// and names the part; what befalls Redis does not concern it. When it is over,
// everything goes on by itself and nothing that was accepted is missing (P5, P6).
func TestBackpressure(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers and stops them")
	}
	ctx := context.Background()
	sql := testserver.PostgresOwn(t)
	database, err := sql.CreateDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	carrier := testserver.Redis(t)
	url, got := newAgreeing(t, 0)
	p := startShared(t, database, carrier.URL())
	p.subscribe(url)
	s := &poster{t: t, p: p}
	for _, f := range append(sqlFaults(sql, database), redisFaults(carrier)...) {
		t.Run(f.name, func(t *testing.T) {
			s.t, p.t = t, t
			s.at(4, 5)
			f.begin(t)
			if f.taken {
				for _, o := range s.at(8, 5) {
					if o.status != http.StatusAccepted || o.took > 2*time.Second {
						t.Fatalf("answered %+v", o)
					}
				}
			} else {
				s.wantRefused(append(s.at(16, 2), p.putRecords(), p.putRecords()))
			}
			waitFor(t, f.part+" is "+f.state, func() bool {
				status, parts := p.ready()
				return status == 503 && parts[f.part] == f.state
			})
			if f.taken {
				if status := p.call("GET", "/readyz?parts=database,intake", "", nil); status != 200 {
					t.Errorf("without Redis intake goes on, and its readiness is %d", status)
				}
			}
			if status := p.call("GET", "/healthz", "", nil); status != 200 {
				t.Errorf("/healthz answers %d", status)
			}
			f.end(t)
			p.waitReady()
			for _, o := range s.at(4, 5) {
				if o.status != http.StatusAccepted {
					t.Errorf("when it was over: %+v", o)
				}
			}
			if o := p.putRecords(); o.status != http.StatusOK {
				t.Errorf("records, when it was over: %+v", o)
			}
			s.wantDelivered(got)
		})
	}
	p.t = t
	for id, n := range got.copy() {
		if n != 1 {
			t.Logf("%s was sent %d times: its result could not be stored", id, n)
		}
	}
	if code := terminate(p); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// session is a connection of an operator.
func session(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func execute(t *testing.T, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func hangUp(c *pgx.Conn) { _ = c.Close(context.Background()) }

// cutOthers ends every other session of the database.
const cutOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> 'operator' AND datname LIKE 'test%' AND pid <> pg_backend_pid()`

func sqlFaults(server *testserver.PostgresServer, database string) []fault {
	var operator *pgx.Conn
	var crowd []*pgx.Conn
	name := strings.TrimPrefix(strings.SplitAfterN(strings.SplitN(database, "?", 2)[0], "/", 4)[3], "/")
	readOnly := func(on string) []string {
		return []string{"ALTER DATABASE " + name + " SET default_transaction_read_only = " + on, cutOthers}
	}
	return []fault{
		{
			name: "somebody locks the messages", part: "intake", state: "failing",
			begin: func(t *testing.T) {
				operator = session(t, database)
				execute(t, operator, "BEGIN", "LOCK TABLE messages, records IN ACCESS EXCLUSIVE MODE")
			},
			end: func(*testing.T) { hangUp(operator) },
		},
		{
			name: "the database is away", part: "database", state: "failing",
			begin: func(*testing.T) { server.Kill() },
			end: func(t *testing.T) {
				if err := server.Restart(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "the database can only be read", part: "database", state: "read_only",
			begin: func(t *testing.T) {
				operator = session(t, server.URL("postgres"))
				execute(t, operator, readOnly("on")...)
			},
			end: func(t *testing.T) {
				execute(t, operator, readOnly("off")...)
				hangUp(operator)
			},
		},
		{
			name: "the database has no connection left", part: "database", state: "failing",
			begin: func(t *testing.T) {
				operator = session(t, server.URL("postgres"))
				config, err := pgx.ParseConfig(database)
				if err != nil {
					t.Fatal(err)
				}
				config.RuntimeParams["application_name"] = "operator"
				for { // until the server refuses one, and nobody else has one either
					c, err := pgx.ConnectConfig(context.Background(), config)
					if err == nil {
						crowd = append(crowd, c)
						continue
					}
					var others int
					if err := operator.QueryRow(context.Background(), `SELECT count(*) FROM (`+cutOthers+`) AS others`).Scan(&others); err != nil {
						t.Fatal(err)
					}
					if others == 0 {
						return
					}
				}
			},
			end: func(*testing.T) {
				for _, c := range crowd {
					hangUp(c)
				}
				hangUp(operator)
			},
		},
	}
}

func redisFaults(server *testserver.RedisServer) []fault {
	limit := func(t *testing.T, bytes string) {
		c := redis.NewClient(&redis.Options{Addr: server.Addr()})
		defer c.Close()
		if err := c.ConfigSet(context.Background(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return []fault{
		{
			name: "Redis is away", part: "redis", state: "failing", taken: true,
			begin: func(*testing.T) { server.Kill() },
			end: func(t *testing.T) {
				if err := server.Restart(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "Redis is full", part: "redis", state: "full", taken: true,
			begin: func(t *testing.T) { limit(t, "1") },
			end:   func(t *testing.T) { limit(t, "0") },
		},
	}
}

// TestThePartsOfAProcess: /readyz lists what this process needs, by its roles.
func TestThePartsOfAProcess(t *testing.T) {
	database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
	for roles, want := range map[string][]string{
		"api,worker,scheduler": {"database", "intake", "redis", "workers"},
		"api":                  {"database", "intake", "redis"},
		"scheduler":            {"database", "redis"},
	} {
		p := startShared(t, database, carrier, "CARTEIRO_ROLES="+roles)
		if status, parts := p.ready(); status != 200 || !slices.Equal(slices.Sorted(maps.Keys(parts)), want) {
			t.Errorf("%s: %d, %v", roles, status, parts)
		}
	}
}
