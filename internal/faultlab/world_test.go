package faultlab

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// What every process of every run is told.
const (
	adminKey  = "the-laboratory-has-a-key-of-its-own"
	secretKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// everything is all roles in one process.
const everything = "api,worker,scheduler"

// scenario is a run to be made.
type scenario struct {
	name     string
	part     part                     // the least part that it is in
	embedded bool                     // one process on SQLite; else PostgreSQL and Redis
	roles    []string                 // of the processes; nil: one, or two with everything
	schedule []time.Duration          // nil: fast
	own      bool                     // a PostgreSQL for this run alone
	wired    bool                     // network faults between program and servers
	redis    []testserver.RedisOption //
	behind   bool                     // the load comes through a balancer
	busy     bool                     // more events than elsewhere
	again    bool                     // the fault is such that something must have been sent twice
	do       func(*world)             // the fault, under load
}

// fast is the retry schedule, scaled down.
func fast() []time.Duration { return []time.Duration{time.Second, 2 * time.Second} }

// world is a run: the program's processes, what they stand on, what goes over
// them, and the diary.
type world struct {
	t        testing.TB
	lab      *lab
	s        scenario
	random   *rand.Rand
	dir      string
	env      []string
	database string // as the oracle reads it: no fault between
	postgres *testserver.PostgresServer
	redis    *testserver.RedisServer
	toSQL    *wire
	toRedis  *wire
	procs    []*process
	balancer *balancer
	receiver *receiver
	load     *load
	diary    diary
}

func newWorld(t testing.TB, l *lab, s scenario) *world {
	w := &world{t: t, lab: l, s: s, random: l.random(s.name), dir: t.TempDir(), receiver: newReceiver()}
	t.Cleanup(w.receiver.Close)
	if s.schedule == nil {
		w.s.schedule = fast()
	}
	waits := make([]string, len(w.s.schedule))
	for i, d := range w.s.schedule {
		waits[i] = d.String()
	}
	w.env = []string{
		"CARTEIRO_ADMIN_KEY=" + adminKey, "CARTEIRO_SECRET_KEY=" + secretKey, "CARTEIRO_DATA_DIR=" + w.dir, "CARTEIRO_ALLOW_HTTP=true",
		"CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8", "CARTEIRO_RETRY_SCHEDULE=" + strings.Join(waits, ","), "CARTEIRO_DELIVERY_TIMEOUT=10s",
		"CARTEIRO_WORKERS=64", "CARTEIRO_STOP_DELAY=0s",
	}
	if s.behind {
		w.env = append(w.env, "CARTEIRO_STOP_DELAY=1s") // four looks of the balancer
	}
	if s.embedded {
		w.database = "sqlite:" + w.dir + "/carteiro.db"
	} else {
		w.startServers()
	}
	w.load = newLoad(w)
	w.addProcesses()
	return w
}

func (w *world) addProcesses() {
	roles := w.s.roles
	switch {
	case roles != nil:
	case w.s.embedded:
		roles = []string{everything}
	default:
		roles = []string{everything, everything}
	}
	for i, r := range roles {
		w.procs = append(w.procs, newProcess(w, fmt.Sprintf("process%d", i), r))
	}
	w.t.Cleanup(func() {
		for _, p := range w.procs {
			p.mu.Lock()
			cmd, ended := p.cmd, p.ended
			p.mu.Unlock()
			if cmd != nil && cmd.Process != nil {
				_ = cmd.Process.Kill() // one that has ended is what is wanted
				<-ended
			}
		}
	})
	if w.s.behind {
		w.balancer = newBalancer(w)
	}
}

// startServers starts PostgreSQL and Redis, and what lies between.
func (w *world) startServers() {
	w.redis = testserver.Redis(w.t, w.s.redis...)
	if w.s.own {
		w.postgres = testserver.PostgresOwn(w.t)
		var err error
		w.database, err = w.postgres.CreateDatabase(context.Background())
		w.must(err)
	} else {
		w.database = testserver.Postgres(w.t)
	}
	database, redisURL := w.database, w.redis.URL()
	if w.s.wired {
		database, w.toSQL = w.through(database)
		redisURL, w.toRedis = w.through(redisURL)
	}
	w.env = append(w.env, "CARTEIRO_DATABASE_URL="+database, "CARTEIRO_REDIS_URL="+redisURL)
}

// through puts a wire before a server and returns the address of its near end.
func (w *world) through(address string) (string, *wire) {
	u, err := url.Parse(address)
	w.must(err)
	between, err := newWire(u.Host)
	w.must(err)
	w.t.Cleanup(between.close)
	u.Host = between.addr()
	return u.String(), between
}

// setUp starts the processes and registers the clients.
func (w *world) setUp() {
	w.t.Helper()
	for _, p := range w.procs {
		p.start("")
	}
	for _, client := range []string{calm, fails, slow, never} {
		w.subscribe(client, "shop.*")
	}
	w.subscribe(exporter, "venda_export")
	w.api(call{method: http.MethodPut, path: "/v1/clients/" + verified, body: `{"name":"Verified"}`}, nil)
	var s struct{ Secret string }
	w.api(call{method: http.MethodGet, path: "/v1/clients/" + verified + "/secret"}, &s)
	w.must(w.receiver.trust(verified, s.Secret))
	w.api(call{method: http.MethodPatch, path: "/v1/exports/vendas", body: fmt.Sprintf(
		`{"cron":"*/%d * * * * *","window":"since_last_run","page_size":5}`, int(fireEvery.Seconds()))}, nil)
}

// fireEvery is the time between two fires of the export.
const fireEvery = 4 * time.Second

func (w *world) subscribe(client, eventTypes string) {
	w.t.Helper()
	var s struct{ Secret string }
	w.api(call{path: "/v1/subscriptions", body: fmt.Sprintf(`{"client_id":%q,"url":%q,"event_types":[%q]}`,
		client, w.receiver.URL+"/"+client, eventTypes)}, &s)
	w.must(w.receiver.trust(client, s.Secret))
}

// api makes a request that has to succeed, to whoever takes requests.
func (w *world) api(c call, answer any) {
	w.t.Helper()
	var last string
	for n := range 3 {
		res, text, err := w.load.request(w.intake(n), c)
		if err == nil && res.StatusCode < 300 {
			if answer != nil {
				w.must(json.Unmarshal(text, answer))
			}
			return
		}
		last = fmt.Sprintf("%v %s", err, text)
	}
	w.t.Fatalf("%s %s: %s\n%s", c.method, c.path, last, w.logs())
}

// intake is where the n-th try goes: the balancer, or one process after the other.
func (w *world) intake(n int) string {
	if w.balancer != nil {
		return w.balancer.URL
	}
	var up []string
	for _, p := range w.procs {
		if p.takes() && p.running() {
			up = append(up, p.base())
		}
	}
	if len(up) == 0 {
		return ""
	}
	return up[(n+int(time.Now().UnixMilli()))%len(up)]
}

// arm starts a process anew, with a failpoint, before the load begins.
func (w *world) arm(p *process, plan string) {
	w.t.Helper()
	p.stop()
	p.start(plan)
}

// wait lets the load go on for a while.
func (w *world) wait(d time.Duration) { <-time.After(d) }

// settle ends the load, waits until nothing is left to do, and stops the
// processes.
func (w *world) settle() {
	w.t.Helper()
	w.load.end()
	w.lastFires()
	w.drain()
	for _, p := range w.procs {
		if p.running() {
			p.stop()
		}
	}
}

// lastFires waits until the last records were in a window, also those that
// came late, and ends the schedule.
func (w *world) lastFires() {
	w.t.Helper()
	w.until("the last records are in an export", func() bool {
		later := 0
		for _, r := range w.runs() {
			if r.ScheduledFor.After(w.load.lastPut) {
				later++
			}
		}
		return later >= 2
	})
	w.api(call{method: http.MethodPatch, path: "/v1/exports/vendas", body: `{"enabled":false}`}, nil)
}

type runView struct {
	ID           string
	State        string
	ScheduledFor time.Time `json:"scheduled_for"`
}

// runs are the latest ones.
func (w *world) runs() []runView {
	w.t.Helper()
	var answer struct{ Data []runView }
	w.api(call{method: http.MethodGet, path: "/v1/exports/vendas/runs?limit=100"}, &answer)
	return answer.Data
}

// drain waits until every run has ended and every delivery is final.
func (w *world) drain() {
	w.t.Helper()
	w.until("every run has ended", func() bool {
		for _, r := range w.runs() {
			if r.State != "finished" {
				return false
			}
		}
		return true
	})
	for _, state := range []string{"pending", "retrying", "held"} {
		w.until("no delivery is "+state, func() bool {
			var answer struct{ Data []struct{ ID string } }
			w.api(call{method: http.MethodGet, path: "/v1/deliveries?limit=1&state=" + state}, &answer)
			return len(answer.Data) == 0
		})
	}
}

// settleLimit is how long the backlog of a fault may take to be worked off:
// more than any promise allows, so that the oracle can tell how late it was.
const settleLimit = 150 * time.Second

// until asks the program again and again: nothing tells a test of another
// process's end of work.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	for giveUp := time.Now().Add(settleLimit); !done(); w.wait(200 * time.Millisecond) {
		if time.Now().After(giveUp) {
			w.t.Errorf("waited in vain until %s\n%s", what, w.logs())
			return // the oracle tells what is missing
		}
	}
}

// logs are the ends of all processes' logs.
func (w *world) logs() string {
	var b strings.Builder
	for _, p := range w.procs {
		fmt.Fprintf(&b, "--- %s (%s)\n%s\n", p.name, p.roles, p.log.tail())
	}
	return b.String()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
