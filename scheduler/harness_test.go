package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(childAddress); address != "" {
		child(address)
		return
	}
	os.Exit(testserver.Run(m))
}

// house is a scheduler on real parts. Nothing is sent unless it has workers.
type house struct {
	t     testing.TB
	o     houseOptions
	store *store.Store
	subs  *subscriptions.Registry
	d     *dispatcher.Dispatcher
	s     *Scheduler
	clock *clock
	ended chan Observation // of runs
}

type houseOptions struct {
	database string // "": SQLite in a temporary directory
	clock    *clock // nil: one that stands at someMorning
	workers  int    // 0: pages become deliveries, and nobody sends them
	source   func(*store.Store) Source
	log      slog.Handler
}

// clock is a clock that a test sets; one that runs is the real one.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	runs bool
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs {
		return time.Now()
	}
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// someMorning is a Monday, after the nightly exports.
func someMorning(t testing.TB) time.Time { return gmt3(t, "2025-06-16 09:00") }

func newHouse(t testing.TB, o houseOptions) *house {
	t.Helper()
	ctx := context.Background()
	if o.database == "" {
		o.database = "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db")
	}
	if o.clock == nil {
		o.clock = &clock{now: someMorning(t)}
	}
	if o.log == nil {
		o.log = slog.DiscardHandler
	}
	if o.source == nil {
		o.source = func(s *store.Store) Source { return NewStoredRecords(s) }
	}
	h := &house{t: t, o: o, clock: o.clock, ended: make(chan Observation, 10_000)}
	var err error
	h.store, err = store.Open(ctx, o.database, store.Options{Now: h.clock.Now})
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
	h.subs, err = subscriptions.New(ctx, subscriptions.Options{Store: h.store, Keys: keys, CheckURL: policy.CheckURL, Log: log})
	must(t, err)
	redis, err := dispatcher.OpenRedis("embedded")
	must(t, err)
	snd := sender.New(sender.Options{Policy: policy, Timeout: 5 * time.Second})
	h.d, err = dispatcher.New(ctx, dispatcher.Options{
		Store: h.store, Subscriptions: h.subs, Sender: snd, Redis: redis, Schedule: webhook.DefaultSchedule(),
		Timeout: 5 * time.Second, Workers: o.workers, Log: log, Now: h.clock.Now,
	})
	must(t, err)
	must(t, h.d.Start(ctx))
	h.s = New(Options{
		Store: h.store, Dispatcher: h.d, Source: o.source(h.store), Now: h.clock.Now, Log: log,
		Observe: func(ob Observation) {
			if ob.Done {
				h.ended <- ob
			}
		},
	})
	t.Cleanup(func() {
		h.s.Stop()
		h.d.Stop(ctx)
		snd.Close()
		must(t, redis.Close())
		must(t, h.store.Close())
	})
	return h
}

// another builds a second house, as a second process would, on the same database.
func (h *house) another() *house {
	h.t.Helper()
	return newHouse(h.t, h.o)
}

// eachDatabase runs a test on both.
func eachDatabase(t *testing.T, test func(*testing.T, houseOptions)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, houseOptions{database: "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db")})
	})
	t.Run("postgres", func(t *testing.T) { test(t, houseOptions{database: testserver.Postgres(t)}) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// subscribe registers acme's URL for everything.
func (h *house) subscribe(change ...func(*webhook.Subscription)) *webhook.Subscription {
	h.t.Helper()
	in := webhook.Subscription{ClientID: "acme", URL: "http://127.0.0.1:9/hook", EventTypes: []webhook.Pattern{"*"}}
	for _, c := range change {
		c(&in)
	}
	sub, err := h.subs.Create(context.Background(), in, nil)
	must(h.t, err)
	return sub
}

func of(client webhook.ClientID) func(*webhook.Subscription) {
	return func(s *webhook.Subscription) { s.ClientID = client }
}

// sale is a made-up sale of a client.
type sale struct {
	client  webhook.ClientID // "": acme
	key     string
	updated time.Time
	more    string // a field more, to change the bytes
}

// put stores sales, in transactions of a thousand.
func (h *house) put(sales ...sale) {
	h.t.Helper()
	reader := webhook.NewRecordReader(webhook.Vendas, "")
	var batch []webhook.Record
	flush := func() {
		_, err := h.store.PutRecords(context.Background(), webhook.Vendas, batch)
		must(h.t, err)
		batch = batch[:0]
	}
	for _, s := range sales {
		raw := fmt.Appendf(nil, `{"_id":%q,"updatedAt":%q,"total":15000,"fields_text":%q}`,
			s.key, s.updated.UTC().Format(time.RFC3339Nano), s.more)
		r, fault := reader.Read(raw)
		if fault != nil {
			h.t.Fatal(fault)
		}
		if r.ClientID = s.client; r.ClientID == "" {
			r.ClientID = "acme"
		}
		if batch = append(batch, r); len(batch) == 1000 {
			flush()
		}
	}
	if len(batch) > 0 {
		flush()
	}
}

// yesterday makes n sales of the day before someMorning.
func (h *house) yesterday(client webhook.ClientID, n int) []sale {
	return h.salesOn("2025-06-15", client, n)
}

// salesOn makes n sales of a day, twenty in a second.
func (h *house) salesOn(date string, client webhook.ClientID, n int) []sale {
	day := gmt3(h.t, date)
	out := make([]sale, n)
	for i := range out {
		out[i] = sale{client, fmt.Sprintf("%s-%06d", client, i), day.Add(time.Duration(i) * time.Second / 20), ""}
	}
	return out
}

// limit sets the page size of the sales.
func (h *house) limit(pageSize int) {
	h.t.Helper()
	_, err := h.s.Edit(context.Background(), "vendas", ExportPatch{PageSize: &pageSize})
	must(h.t, err)
}

// fire makes the schedulers' runs of what is due now, works on all runs there
// are, and returns those that ended, in their order.
func (h *house) fire() []Observation {
	h.t.Helper()
	_, err := h.s.fireDue(context.Background())
	must(h.t, err)
	return h.workAll()
}

// workAll works on runs until there are none, here and now.
func (h *house) workAll() (ended []Observation) {
	h.t.Helper()
	for {
		now := h.s.now()
		run, err := h.store.TakeRun(context.Background(), now, now.Add(leaseTime))
		must(h.t, err)
		if run == nil {
			return ended
		}
		h.s.work(run)
		select {
		case ob := <-h.ended:
			ended = append(ended, ob)
		default:
			h.t.Fatalf("run %s did not end", run.ID)
		}
	}
}

// runNow makes a run of sales and works on it.
func (h *house) runNow(q RunRequest) *webhook.Run {
	h.t.Helper()
	if q.Export == "" {
		q.Export = "vendas"
	}
	run, err := h.s.RunNow(context.Background(), q, nil)
	must(h.t, err)
	h.workAll()
	got, err := h.store.Run(context.Background(), run.ID)
	must(h.t, err)
	if got.State != webhook.RunFinished {
		h.t.Fatalf("the run is %s: %s", got.State, got.Error)
	}
	return &got
}

// page is one page of a run as it is stored.
type page struct {
	webhook.RunPage
	body []byte
	keys []string // of its records
}

// pages reads the pages of one client in a run.
func (h *house) pages(run webhook.RunID, client webhook.ClientID) []page {
	h.t.Helper()
	rows, err := h.store.RunPages(context.Background(), &webhook.RunClient{RunID: run, ClientID: client}, 0, 1<<20)
	must(h.t, err)
	out := make([]page, len(rows))
	for i, row := range rows {
		m, err := h.store.Message(context.Background(), row.MessageID)
		must(h.t, err)
		out[i] = page{row, m.Body, keysOf(h.t, m.Body)}
	}
	return out
}

func keysOf(t testing.TB, body []byte) []string {
	t.Helper()
	var got struct {
		Data []struct {
			ID string `json:"_id"`
		}
	}
	must(t, json.Unmarshal(body, &got))
	keys := make([]string, len(got.Data))
	for i, r := range got.Data {
		keys[i] = r.ID
	}
	return keys
}

// sent lists the keys of a client's records in a run, page by page.
func (h *house) sent(run webhook.RunID, client webhook.ClientID) []string {
	h.t.Helper()
	keys := []string{}
	for _, p := range h.pages(run, client) {
		keys = append(keys, p.keys...)
	}
	return keys
}

// deliveries reads the deliveries of a run, oldest first.
func (h *house) deliveries(run webhook.RunID) []webhook.Delivery {
	h.t.Helper()
	ds, _, err := h.store.Deliveries(context.Background(), store.DeliveryFilter{RunID: run}, store.Page{Limit: 1 << 20})
	must(h.t, err)
	for i, j := 0, len(ds)-1; i < j; i, j = i+1, j-1 {
		ds[i], ds[j] = ds[j], ds[i]
	}
	return ds
}
