package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
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
	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const testKey = "test-admin-key-0123456789-0123456789"

// house is the console on real parts, behind the guard, on a real port.
type house struct {
	t        testing.TB
	store    *store.Store
	subs     *subscriptions.Registry
	d        *dispatcher.Dispatcher
	s        *scheduler.Scheduler
	keys     *seal.Ring
	access   *access.Registry
	late     atomic.Int64 // how much later it is for the console, in nanoseconds
	c        *console
	url      string // of the server, without a path
	log      *logBuffer
	observed chan dispatcher.Observation
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

// newHouse starts the parts on SQLite. Without workers nothing is sent.
func newHouse(t testing.TB, workers int) *house {
	t.Helper()
	return newHouseAt(t, workers, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db"))
}

// eachDatabase runs a test on both databases: for pages whose reads are new.
func eachDatabase(t *testing.T, workers int, test func(*testing.T, *house)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newHouse(t, workers)) })
	t.Run("postgres", func(t *testing.T) { test(t, newHouseAt(t, workers, testserver.Postgres(t))) })
}

func newHouseAt(t testing.TB, workers int, database string) *house {
	t.Helper()
	return newHouseWith(t, workers, database, webhook.DefaultSchedule())
}

func newHouseWith(t testing.TB, workers int, database string, schedule webhook.Schedule) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{t: t, log: &logBuffer{}, observed: make(chan dispatcher.Observation, 10_000)}
	var err error
	h.store, err = store.Open(ctx, database, store.Options{})
	must(t, err)
	_, err = h.store.Migrate(ctx)
	must(t, err)
	must(t, h.store.AddEventTypes(ctx, webhook.BuiltinEventTypes()))
	h.keys, err = seal.NewRing([32]byte{1})
	must(t, err)
	policy, err := sender.NewPolicy(sender.PolicyOptions{
		AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
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
		Store: h.store, Subscriptions: h.subs, Sender: send, Redis: redis, Schedule: schedule,
		Timeout: 5 * time.Second, Workers: workers, Log: quiet,
		Observe: func(ob dispatcher.Observation) { h.observed <- ob },
	})
	must(t, err)
	must(t, h.d.Start(ctx))
	h.s = scheduler.New(scheduler.Options{Store: h.store, Dispatcher: h.d, Source: scheduler.NewStoredRecords(h.store), Log: quiet})
	h.access, err = access.New(access.Options{Store: h.store, AdminKey: testKey, Log: quiet})
	must(t, err)
	h.c, err = newConsole(h.options())
	must(t, err)
	handler, err := h.c.router(h.c.routes())
	must(t, err)
	server := httptest.NewServer(guard.Handler(handler))
	h.url = server.URL
	t.Cleanup(func() {
		server.Close()
		h.access.Stop()
		h.s.Stop()
		h.d.Stop(ctx)
		send.Close()
		must(t, redis.Close())
		must(t, h.store.Close())
	})
	return h
}

// now is the console's clock.
func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.late.Load())) }

func (h *house) options() Options {
	return Options{
		Store: h.store, Subscriptions: h.subs, Dispatcher: h.d, Scheduler: h.s, Keys: h.keys, Access: h.access, Now: h.now,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key makes an API key of a role, bound to a client unless that is "".
func (h *house) key(role webhook.Role, client webhook.ClientID) (id webhook.KeyID, text string) {
	h.t.Helper()
	k := webhook.APIKey{Name: string(role) + " of " + string(client), Role: role}
	if client != "" {
		k.ClientID = &client
	}
	must(h.t, h.access.Create(context.Background(), k, func(k *webhook.APIKey, t webhook.KeyText) (*store.Idempotency, error) {
		id, text = k.ID, t.Reveal()
		return nil, nil
	}))
	return id, text
}

// visitor is a browser without eyes: it keeps cookies and follows redirects.
type visitor struct {
	h      *house
	client *http.Client
}

// stranger is a visitor without a session.
func (h *house) stranger() *visitor {
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	return &visitor{h, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// admin is a visitor who has signed in with the admin key.
func (h *house) admin() *visitor { return h.withKey(testKey) }

// as is a visitor with a fresh key of a role, bound to a client unless "".
func (h *house) as(role webhook.Role, client webhook.ClientID) *visitor {
	h.t.Helper()
	_, text := h.key(role, client)
	return h.withKey(text)
}

func (h *house) withKey(text string) *visitor {
	h.t.Helper()
	v := h.stranger()
	if p := v.post("/console/sign-in", "key", text).want(200); p.path() != "/console" {
		h.t.Fatalf("signing in led to %s: %s", p.path(), p.body)
	}
	return v
}

// page is what came back, after redirects.
type page struct {
	t      testing.TB
	status int
	header http.Header
	url    *url.URL
	body   string
}

func (v *visitor) get(path string, headers ...string) *page {
	v.h.t.Helper()
	r, err := http.NewRequest("GET", v.h.url+path, nil)
	must(v.h.t, err)
	return v.do(r, headers...)
}

// post sends a form of pairs of a name and a value.
func (v *visitor) post(path string, pairs ...string) *page {
	v.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest("POST", v.h.url+path, strings.NewReader(form.Encode()))
	must(v.h.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

// do sends a request; headers are "Name: value".
func (v *visitor) do(r *http.Request, headers ...string) *page {
	v.h.t.Helper()
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	res, err := v.client.Do(r)
	must(v.h.t, err)
	body, err := io.ReadAll(res.Body)
	must(v.h.t, errors.Join(err, res.Body.Close()))
	return &page{t: v.h.t, status: res.StatusCode, header: res.Header, url: res.Request.URL, body: string(body)}
}

func (p *page) path() string { return p.url.Path }

// want checks the status.
func (p *page) want(status int) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("status %d at %s, want %d: %s", p.status, p.url, status, p.body)
	}
	return p
}

// has checks that texts are on the page.
func (p *page) has(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			p.t.Fatalf("%q is not on the page %s:\n%s", text, p.url, p.body)
		}
	}
	return p
}

// hasNot checks that texts are not on the page.
func (p *page) hasNot(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Fatalf("%q is on the page %s:\n%s", text, p.url, p.body)
		}
	}
	return p
}

// subscribe registers a URL for everything of a client.
func (h *house) subscribe(client webhook.ClientID, url string) webhook.SubscriptionID {
	h.t.Helper()
	sub, err := h.subs.Create(context.Background(), webhook.Subscription{
		ClientID: client, URL: url, EventTypes: []webhook.Pattern{"*"},
	}, nil)
	must(h.t, err)
	return sub.ID
}

const redemption = `{"user":{"id":"123","name":"Maria Aluna","email":"maria@example.com"},"exchange":{"id":"321","quantity":"1"}}`

// accept takes an event of the built-in type for a client in, and returns its
// deliveries.
func (h *house) accept(client webhook.ClientID) (webhook.MessageID, []webhook.DeliveryID) {
	h.t.Helper()
	out, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{
		Type: "shop.product.redemption", ClientID: client, Data: json.RawMessage(redemption),
	}}, nil)
	must(h.t, err)
	var ids []webhook.DeliveryID
	for _, d := range out[0].Deliveries {
		ids = append(ids, d.ID)
	}
	return out[0].Message.ID, ids
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

// newReceiver answers each request with a status and a body.
func newReceiver(t testing.TB, status int, body string) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("receiver: %v", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if _, err := io.WriteString(w, body); err != nil {
			t.Errorf("receiver: %v", err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
