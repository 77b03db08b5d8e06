package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// What several processes share in these tests.
const (
	sharedSecret = "CARTEIRO_SECRET_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	sharedKey    = "an-admin-key-of-these-tests-0123456789"
)

// startShared starts a process on a database and a Redis that others may use too.
func startShared(t *testing.T, database, redis string, env ...string) *process {
	t.Helper()
	p := start(t, t.TempDir(), append([]string{
		"CARTEIRO_DATABASE_URL=" + database, "CARTEIRO_REDIS_URL=" + redis, sharedSecret, "CARTEIRO_ADMIN_KEY=" + sharedKey,
	}, env...), "serve")
	p.key = sharedKey
	return p
}

// ids is a set of event ids for many goroutines.
type ids struct {
	mu  sync.Mutex
	all map[string]int
}

func (s *ids) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]int{}
	}
	s.all[id]++
}

func (s *ids) copy() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.all)
}

// newAgreeing is a client that takes everything, after thinking about it.
func newAgreeing(t *testing.T, thinks time.Duration) (url string, got *ids) {
	got = &ids{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			got.add(r.Header.Get("webhook-id"))
			time.Sleep(thinks)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// outcome is the answer to one event.
type outcome struct {
	status     int
	id, code   string
	retryAfter string
	took       time.Duration
}

// putRecords puts one record and returns the answer, whatever it is.
func (p *process) putRecords() outcome {
	p.t.Helper()
	o, err := p.send("PUT", "/v1/records/vendas?client_id=acme", `[{"_id":"1","updatedAt":"2025-06-15T18:00:00Z"}]`)
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}

// try posts one event with some padding and returns the answer, whatever it is.
func (p *process) try(padding int) (outcome, error) {
	body := `{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"1"},"exchange":{"id":"x` + strings.Repeat("x", padding) + `"}}}`
	return p.send("POST", "/v1/events", body)
}

// send makes one request.
func (p *process) send(method, path, body string) (outcome, error) {
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		return outcome{}, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	began := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	o := outcome{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After"), took: time.Since(began)}
	if err != nil {
		return o, err
	}
	var answer struct{ ID, Code string }
	err = json.Unmarshal(text, &answer)
	o.id, o.code = answer.ID, answer.Code
	return o, err
}

// poster posts from many sides and keeps what was accepted.
type poster struct {
	t        *testing.T
	p        *process
	padding  int
	hasty    bool // a connection may break: the machine is too busy for the bodies
	accepted ids
}

// at posts from n sides at once, each a number of events, and returns every
// answer.
func (s *poster) at(n, each int) []outcome {
	s.t.Helper()
	var mu sync.Mutex
	var all []outcome
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for range each {
				o, err := s.p.try(s.padding)
				if err != nil {
					if !s.hasty {
						s.t.Errorf("no answer: %v", err)
					}
					continue
				}
				if o.status == http.StatusAccepted {
					s.accepted.add(o.id)
				}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all
}

// wantRefused checks that answers are 503 with Retry-After, in time (P6).
func (s *poster) wantRefused(all []outcome) {
	s.t.Helper()
	if slowest := s.wantRefusedOrLate(all); slowest > 2*time.Second {
		s.t.Errorf("an answer took %s, want at most 2 s", slowest)
	}
}

// wantRefusedOrLate does not look at the time: of a machine that is busy with
// the bodies, it tells nothing about the database.
func (s *poster) wantRefusedOrLate(all []outcome) time.Duration {
	s.t.Helper()
	slowest := time.Duration(0)
	for _, o := range all {
		slowest = max(slowest, o.took)
		if o.status != http.StatusServiceUnavailable || o.retryAfter == "" {
			s.t.Fatalf("answered %+v", o)
		}
	}
	s.t.Logf("%d refused, the slowest after %s", len(all), slowest)
	return slowest
}

// ready asks for readiness.
func (p *process) ready() (status int, parts map[string]string) {
	p.t.Helper()
	var answer struct{ Parts map[string]string }
	status = p.call("GET", "/readyz", "", &answer)
	return status, answer.Parts
}

// waitReady waits until every part is green.
func (p *process) waitReady() {
	p.t.Helper()
	var parts map[string]string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("parts %v; it logged\n%s", parts, p.logged())
		}
	}()
	waitFor(p.t, "it is ready again", func() bool {
		var status int
		status, parts = p.ready()
		return status == 200
	})
}

// waitFor looks until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// wantDelivered waits until all that was accepted has arrived.
func (s *poster) wantDelivered(got *ids) {
	s.t.Helper()
	waitFor(s.t, "all that was accepted arrives", func() bool {
		there := got.copy()
		for id := range s.accepted.copy() {
			if there[id] == 0 {
				return false
			}
		}
		return true
	})
}

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
