package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const testKey = "test-admin-key-0123456789-0123456789"

// house is the API on real parts.
type house struct {
	t        testing.TB
	store    *store.Store
	subs     *subscriptions.Registry
	d        *dispatcher.Dispatcher
	s        *scheduler.Scheduler
	keys     *seal.Ring
	access   *access.Registry
	late     atomic.Int64 // how much later it is for keys, in nanoseconds
	engine   http.Handler // what New made
	handler  http.Handler // the same, held to the document
	log      *logBuffer
	observed chan dispatcher.Observation
	jobs     chan webhook.JobID         // a step of a job was committed, or the process has left it
	ran      chan scheduler.Observation // runs that have ended
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newHouse starts the parts. Without workers nothing is sent.
func newHouse(t testing.TB, workers int) *house {
	t.Helper()
	return newHouseAt(t, workers, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db"))
}

func newHouseAt(t testing.TB, workers int, database string) *house {
	t.Helper()
	return newHouseWith(t, workers, database, sender.PolicyOptions{
		AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
}

func newHouseWith(t testing.TB, workers int, database string, targets sender.PolicyOptions) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{t: t, log: &logBuffer{}, observed: make(chan dispatcher.Observation, 10_000), jobs: make(chan webhook.JobID, 1000), ran: make(chan scheduler.Observation, 1000)}
	var err error
	h.store, err = store.Open(ctx, database, store.Options{})
	must(t, err)
	_, err = h.store.Migrate(ctx)
	must(t, err)
	must(t, h.store.AddEventTypes(ctx, webhook.BuiltinEventTypes()))
	h.keys, err = seal.NewRing([32]byte{1})
	must(t, err)
	policy, err := sender.NewPolicy(targets)
	must(t, err)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	h.subs, err = subscriptions.New(ctx, subscriptions.Options{
		Store: h.store, Keys: h.keys, CheckURL: policy.CheckURL, Log: quiet,
		Changed: func() {
			if h.d != nil {
				h.d.Kick()
			}
		},
	})
	must(t, err)
	redis, err := dispatcher.OpenRedis("embedded")
	must(t, err)
	send := sender.New(sender.Options{Policy: policy})
	h.d, err = dispatcher.New(ctx, dispatcher.Options{
		Store: h.store, Subscriptions: h.subs, Sender: send, Redis: redis, Schedule: webhook.DefaultSchedule(),
		Timeout: 5 * time.Second, Workers: workers, Log: quiet,
		Observe:    func(ob dispatcher.Observation) { h.observed <- ob },
		ObserveJob: func(id webhook.JobID) { h.jobs <- id },
	})
	must(t, err)
	must(t, h.d.Start(ctx))
	h.s = scheduler.New(scheduler.Options{Store: h.store, Dispatcher: h.d, Source: scheduler.NewStoredRecords(h.store), Log: quiet, Observe: func(ob scheduler.Observation) {
		if ob.Done {
			h.ran <- ob
		}
	}})
	h.access, err = access.New(access.Options{Store: h.store, AdminKey: testKey, Log: quiet, Now: h.now})
	must(t, err)
	h.engine, err = New(h.options())
	must(t, err)
	h.handler = h.engine
	if _, measured := t.(*testing.B); !measured {
		h.handler = holdTo(t, h.engine)
	}
	t.Cleanup(func() {
		h.access.Stop()
		h.s.Stop()
		h.d.Stop(ctx)
		send.Close()
		must(t, redis.Close())
		must(t, h.store.Close())
	})
	return h
}

// now is the clock by which keys expire and are counted.
func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.late.Load())) }

func (h *house) options() Options {
	return Options{
		Store: h.store, Subscriptions: h.subs, Dispatcher: h.d, Scheduler: h.s, Keys: h.keys, Access: h.access,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// holding is another handler on the same parts, held to the document.
func (h *house) holding(o Options) http.Handler {
	h.t.Helper()
	handler, err := New(o)
	must(h.t, err)
	return holdTo(h.t, handler)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do sends one request with the key; headers are "Name: value".
func (h *house) do(method, target, body string, headers ...string) *answer {
	h.t.Helper()
	return ask(h.t, h.handler, method, target, body, append([]string{"Authorization: Bearer " + testKey}, headers...)...)
}

func ask(t testing.TB, handler http.Handler, method, target, body string, headers ...string) *answer {
	t.Helper()
	return askFrom(t, "192.0.2.1:1234", handler, httptest.NewRequest(method, target, strings.NewReader(body)), headers...)
}

// askFrom sends a request that comes from an address.
func askFrom(t testing.TB, from string, handler http.Handler, r *http.Request, headers ...string) *answer {
	t.Helper()
	r.RemoteAddr = from
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return &answer{t: t, status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

// want checks the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// into reads the body.
func (a *answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

// at returns a value of the body by its names.
func (a *answer) at(names ...any) any {
	a.t.Helper()
	var v any
	a.into(&v)
	for _, name := range names {
		switch n := name.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				a.t.Fatalf("no %q in %s", n, a.body)
			}
			v = m[n]
		case int:
			l, ok := v.([]any)
			if !ok || n >= len(l) {
				a.t.Fatalf("no element %d in %s", n, a.body)
			}
			v = l[n]
		}
	}
	return v
}

// text returns a string of the body.
func (a *answer) text(names ...any) string {
	a.t.Helper()
	s, ok := a.at(names...).(string)
	if !ok {
		a.t.Fatalf("%v is no string in %s", names, a.body)
	}
	return s
}

// problem checks that the answer is a problem with a code.
func (a *answer) problem(status int, code string) *answer {
	a.t.Helper()
	a.want(status)
	if ct := a.header.Get("Content-Type"); ct != contentProblem {
		a.t.Errorf("Content-Type %q", ct)
	}
	if got := a.text("code"); got != code {
		a.t.Errorf("code %q, want %q: %s", got, code, a.body)
	}
	return a
}

// paths returns the paths of a problem's errors.
func (a *answer) paths() []string {
	a.t.Helper()
	var p problem
	a.into(&p)
	out := make([]string, len(p.Errors))
	for i, f := range p.Errors {
		out[i] = f.Path
	}
	return out
}

// subscribe registers a URL for everything of acme, and returns its id.
func (h *house) subscribe(url string) string {
	h.t.Helper()
	return h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["*"]}`).want(201).text("id")
}

// next waits for the next committed attempt.
func (h *house) next() dispatcher.Observation {
	h.t.Helper()
	select {
	case ob := <-h.observed:
		return ob
	case <-time.After(30 * time.Second):
		h.t.Fatal("no attempt was committed within 30 s")
		return dispatcher.Observation{}
	}
}

// seen is one request at a receiver.
type seen struct {
	header http.Header
	body   []byte
}

// newReceiver answers with a status and hands on what it gets.
func newReceiver(t testing.TB, status int, body string) (url string, came chan seen) {
	came = make(chan seen, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("receiver: %v", err)
		}
		came <- seen{r.Header, b}
		w.WriteHeader(status)
		if _, err := io.WriteString(w, body); err != nil {
			t.Errorf("receiver: %v", err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, came
}

const redemption = `{"user":{"id":"123"},"exchange":{"id":"321","quantity":"1"}}`

// event is an intake request of the built-in type.
func event(data string) string {
	return `{"type":"shop.product.redemption","client_id":"acme","data":` + data + `}`
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// storedAnswer is the answer that the store keeps under a key.
func (h *house) storedAnswer(scope, key, path, body string) []byte {
	h.t.Helper()
	sum := sha256.Sum256([]byte(path + "\n" + body))
	err := h.store.FindIdempotent(context.Background(), &store.Idempotency{Scope: scope, Key: key, RequestHash: sum[:]})
	var r *store.Replay
	if !errors.As(err, &r) {
		h.t.Fatalf("nothing is stored under %s %s: %v", scope, key, err)
	}
	return r.Response
}

// askURL gets a URL that need not have the form of a request line.
func askURL(t testing.TB, handler http.Handler, u *url.URL) *answer {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.URL = u
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return &answer{t: t, status: w.Code, header: w.Result().Header, body: w.Body.String()}
}
