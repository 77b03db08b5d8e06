package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// house is a running dispatcher on real parts.
type house struct {
	t        testing.TB
	o        houseOptions // as completed: another house can be built on the same parts
	store    *store.Store
	subs     *subscriptions.Registry
	d        *dispatcher.Dispatcher
	redis    *dispatcher.Redis
	sender   *sender.Sender
	observed chan dispatcher.Observation
	jobs     chan webhook.JobID // a step was committed, or the process has left it
	stopping sync.Once
	closing  sync.Once
}

type houseOptions struct {
	database  string // "": SQLite in a temporary directory
	redis     string // "": embedded
	schedule  webhook.Schedule
	timeout   time.Duration
	workers   int
	stopped   bool                                                              // do not start it
	now       func() time.Time                                                  // of the dispatcher and the store; nil: time.Now
	senderNow func() time.Time                                                  // of the sender; nil: time.Now
	log       slog.Handler                                                      // nil: shown when the test fails
	dial      func(ctx context.Context, network, addr string) (net.Conn, error) // of the sender; nil: TCP
}

// piped is the embedded Redis without a socket, for virtual time.
const piped = "piped"

func newHouse(t testing.TB, o houseOptions) *house {
	t.Helper()
	ctx := context.Background()
	if o.database == "" {
		o.database = "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db")
	}
	if o.redis == "" {
		o.redis = "embedded"
	}
	if o.schedule == nil {
		o.schedule = webhook.DefaultSchedule()
	}
	if o.timeout == 0 {
		o.timeout = 5 * time.Second
	}
	if o.workers == 0 {
		o.workers = 64
	}
	if o.log == nil {
		o.log = complaints(t)
	}
	h := &house{t: t, o: o, observed: make(chan dispatcher.Observation, 100_000), jobs: make(chan webhook.JobID, 100_000)}
	var err error
	h.store, err = store.Open(ctx, o.database, store.Options{Now: o.now})
	must(t, err)
	_, err = h.store.Migrate(ctx)
	must(t, err)
	keys, err := seal.NewRing([32]byte{1})
	must(t, err)
	policy, err := sender.NewPolicy(sender.PolicyOptions{
		AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	must(t, err)
	log := slog.New(o.log)
	h.subs, err = subscriptions.New(ctx, subscriptions.Options{
		Store: h.store, Keys: keys, CheckURL: policy.CheckURL, Log: log,
		Changed: func() {
			if h.d != nil {
				h.d.Kick()
			}
		},
	})
	must(t, err)
	if o.redis == piped {
		h.redis = dispatcher.OpenPiped()
	} else {
		h.redis, err = dispatcher.OpenRedis(o.redis)
		must(t, err)
	}
	h.sender = sender.New(sender.Options{Policy: policy, Timeout: o.timeout, Now: o.senderNow, Dial: o.dial})
	must(t, h.store.AddEventTypes(ctx, webhook.BuiltinEventTypes()))
	h.d, err = dispatcher.New(ctx, dispatcher.Options{
		Store: h.store, Subscriptions: h.subs, Sender: h.sender, Redis: h.redis, Schedule: o.schedule,
		Timeout: o.timeout, Workers: o.workers, Log: log, Now: o.now,
		Observe:    func(ob dispatcher.Observation) { h.observed <- ob },
		ObserveJob: func(id webhook.JobID) { h.jobs <- id },
	})
	must(t, err)
	if !o.stopped {
		must(t, h.d.Start(ctx))
	}
	t.Cleanup(h.close)
	return h
}

// stop ends the dispatcher in order; what it stands on stays open.
func (h *house) stop() {
	if !h.o.stopped {
		h.stopping.Do(func() { h.d.Stop(context.Background()) })
	}
}

// close stops the house and what it stands on.
func (h *house) close() {
	h.closing.Do(func() {
		h.stop()
		h.sender.Close()
		must(h.t, h.redis.Close())
		must(h.t, h.store.Close())
	})
}

// complaints is a log that is shown when the test fails.
func complaints(t testing.TB) slog.Handler {
	var out lines
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the house logged:\n%s", out.String())
		}
	})
	return slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})
}

// lines is a buffer for many writers; it keeps the first 20 kB.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() < 20_000 {
		l.text.Write(b)
	}
	return len(b), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// another builds a second house, as a second process would, on the same
// database and, unless it is embedded, the same Redis.
func (h *house) another(change ...func(*houseOptions)) *house {
	h.t.Helper()
	o := h.o
	for _, c := range change {
		c(&o)
	}
	return newHouse(h.t, o)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// subscribe registers a URL for everything of a client.
func (h *house) subscribe(url string, change ...func(*webhook.Subscription)) *webhook.Subscription {
	h.t.Helper()
	in := webhook.Subscription{ClientID: "acme", URL: url, EventTypes: []webhook.Pattern{"*"}}
	for _, c := range change {
		c(&in)
	}
	sub, err := h.subs.Create(context.Background(), in, nil)
	must(h.t, err)
	return sub
}

// post accepts one event of the built-in type.
func (h *house) post(data string) dispatcher.Accepted { return h.postFor("acme", data) }

func (h *house) postFor(client webhook.ClientID, data string) dispatcher.Accepted {
	h.t.Helper()
	got, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{
		Type: "shop.product.redemption", ClientID: client, Data: []byte(data),
	}}, nil)
	must(h.t, err)
	return got[0]
}

// postMany accepts many events as a platform brings them: a hundred in a
// request, with a key, and again when the answer is that the database was not
// quick enough (P6), as happens under the race detector on a busy machine.
func (h *house) postMany(client webhook.ClientID, n int) {
	h.t.Helper()
	event := []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: client, Data: []byte(redemption)}}
	for late := time.Now().Add(2 * time.Minute); n > 0; n -= 100 {
		key := string(webhook.NewMessageID())
		once := func([]dispatcher.Accepted) (*store.Idempotency, error) {
			return &store.Idempotency{Scope: "events", Key: key, RequestHash: []byte{1}, Status: 202, Response: []byte("{}")}, nil
		}
		for {
			_, err := h.d.Accept(context.Background(), slices.Repeat(event, min(n, 100)), once)
			if webhook.IsKind(err, webhook.KindUnavailable) && time.Now().Before(late) {
				continue
			}
			if before := (*store.Replay)(nil); !errors.As(err, &before) {
				must(h.t, err)
			}
			break
		}
	}
}

// next waits for the next committed attempt.
func (h *house) next() dispatcher.Observation {
	h.t.Helper()
	select {
	case ob := <-h.observed:
		return ob
	case <-time.After(60 * time.Second):
		h.t.Fatal("no attempt was committed within 60 s")
		return dispatcher.Observation{}
	}
}

// await passes over attempts until one is as wanted.
func (h *house) await(want func(dispatcher.Observation) bool) dispatcher.Observation {
	h.t.Helper()
	late := time.After(60 * time.Second)
	for {
		select {
		case ob := <-h.observed:
			if want(ob) {
				return ob
			}
		case <-late:
			h.t.Fatal("no such attempt was committed within 60 s")
		}
	}
}

// delivery reads a delivery as the API shows it.
func (h *house) delivery(id webhook.DeliveryID) webhook.Delivery {
	h.t.Helper()
	d, err := h.store.Delivery(context.Background(), id)
	must(h.t, err)
	return d
}

// seen is one request at a receiver.
type seen struct {
	at     time.Time
	header http.Header
	body   string
	method string
}

// receiver keeps what it gets and answers as told.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	all  []seen
	came chan seen
}

// take waits for the next request.
func (r *receiver) take(t testing.TB) seen {
	t.Helper()
	select {
	case s := <-r.came:
		return s
	case <-time.After(60 * time.Second):
		t.Fatal("no request came within 60 s")
		return seen{}
	}
}

// newReceiver answers the n-th request (from 0) with answer(n).
func newReceiver(t testing.TB, answer func(n int) int) *receiver {
	return newJudge(t, func(n int, _ seen) int { return answer(n) })
}

// newJudge also looks at the request before it answers.
func newJudge(t testing.TB, answer func(n int, s seen) int) *receiver {
	r := &receiver{came: make(chan seen, 100_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("receiver: %v", err)
		}
		s := seen{at: time.Now(), header: req.Header, body: string(body), method: req.Method}
		r.mu.Lock()
		n := len(r.all)
		r.all = append(r.all, s)
		r.mu.Unlock()
		r.came <- s
		answered := make(chan int, 1)
		go func() { answered <- answer(n, s) }()
		select {
		case status := <-answered:
			w.WriteHeader(status)
		case <-req.Context().Done(): // the sender has given up: a test that failed can end
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.all...)
}

// byDelivery sorts requests by the delivery that they belong to.
func byDelivery(all []seen) map[webhook.DeliveryID][]seen {
	out := map[webhook.DeliveryID][]seen{}
	for _, s := range all {
		id := webhook.DeliveryID(s.header.Get(sender.HeaderDeliveryID))
		out[id] = append(out[id], s)
	}
	return out
}

// signedBy tells whether the independent judge, the library of the Standard
// Webhooks project, accepts a request.
func signedBy(t testing.TB, s seen, secret webhook.Secret) error {
	t.Helper()
	judge, err := standardwebhooks.NewWebhook(secret.Reveal())
	must(t, err)
	return judge.Verify([]byte(s.body), s.header)
}

func always(status int) func(int) int { return func(int) int { return status } }

const redemption = `{"user":{"id":"123","name":"Aluno","email":"aluno@toolzz.me"},"exchange":{"id":"321","quantity":"1"}}`
