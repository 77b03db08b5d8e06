package retention

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) { os.Exit(testserver.RunWithoutLeaks(m)) }

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is a store with a clock.
type house struct {
	*store.Store
	*clock
	t *testing.T
}

func eachDatabase(t *testing.T, fn func(*testing.T, *house)) {
	for name, address := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "x.db") },
		"postgres": testserver.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			s, err := store.Open(context.Background(), address(t), store.Options{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() }) // an error of it is of no interest
			if _, err := s.Migrate(context.Background()); err != nil {
				t.Fatal(err)
			}
			fn(t, &house{s, c, t})
		})
	}
}

// keeper is one process.
func (h *house) keeper(p webhook.Retention) *Keeper {
	return New(Options{Store: h.Store, Periods: p, Now: h.Now})
}

// events brings n events of a client in, each with a delivery that is over.
func (h *house) events(client webhook.ClientID, n int) []webhook.DeliveryID {
	h.t.Helper()
	var ids []webhook.DeliveryID
	in := &store.Intake{Messages: make([]webhook.Message, n)}
	for i := range in.Messages {
		first := webhook.FirstIDAt(webhook.PrefixEvent, h.Now())
		m := &in.Messages[i]
		*m = webhook.Message{
			ID: webhook.MessageID(fmt.Sprintf("%s%013d000", first[:len(webhook.PrefixEvent)+10], i)), Kind: webhook.KindEvent, ClientID: client,
			Type: "a.b", Body: []byte(`{"n":1}`), DataLength: 7, OccurredAt: h.Now(), CreatedAt: h.Now(),
		}
		id := webhook.DeliveryID(webhook.PrefixDelivery + string(m.ID)[len(webhook.PrefixEvent):])
		ids = append(ids, id)
		in.Deliveries = append(in.Deliveries, store.NewDelivery{ID: id, Message: m, URL: "https://x.example", Method: "POST", CheckAt: h.Now()})
	}
	// An intake has less than two seconds (P6), and the race detector makes the
	// database slow: a hundred at once.
	for n := len(ids); n > 0; n = len(in.Messages) {
		some := min(n, 100)
		if err := h.Accept(context.Background(), &store.Intake{Messages: in.Messages[:some], Deliveries: in.Deliveries[:some]}); err != nil {
			h.t.Fatal(err)
		}
		in.Messages, in.Deliveries = in.Messages[some:], in.Deliveries[some:]
	}
	return ids
}

func (h *house) cancel(ids []webhook.DeliveryID) {
	h.t.Helper()
	for _, id := range ids {
		if _, err := h.Cancel(context.Background(), id); err != nil {
			h.t.Fatal(err)
		}
	}
}

// there counts the payloads of some deliveries that are there.
func (h *house) there(ids []webhook.DeliveryID) (n int) {
	h.t.Helper()
	for _, id := range ids {
		d, err := h.Delivery(context.Background(), id)
		if webhook.IsKind(err, webhook.KindNotFound) {
			continue
		}
		if err != nil {
			h.t.Fatal(err)
		}
		m, err := h.Message(context.Background(), d.MessageID)
		if err != nil {
			h.t.Fatal(err)
		}
		if m.Body != nil {
			n++
		}
	}
	return n
}

func (h *house) look(k *Keeper) {
	h.t.Helper()
	if err := k.Look(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

func TestRetentionIsOnByDefault(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		k, forever := h.keeper(webhook.DefaultRetention()), h.keeper(webhook.Retention{})
		over, open := h.events("acme", 300), []webhook.DeliveryID(nil)
		h.cancel(over)
		h.Advance(time.Second)
		open = h.events("acme", 3)
		h.Advance(30*24*time.Hour - time.Minute)
		h.look(k)
		if n := h.there(over); n != 300 {
			t.Errorf("%d payloads are there before their time", n)
		}
		h.Advance(time.Hour)
		h.look(forever)
		if n := h.there(over); n != 300 {
			t.Errorf("%d payloads are there with retention off", n)
		}
		h.look(k)
		if n := h.there(over); n != 0 {
			t.Errorf("%d payloads are still there", n)
		}
		if n := h.there(open); n != 3 {
			t.Errorf("%d payloads of 3 open deliveries are there", n)
		}
		h.Advance(366 * 24 * time.Hour)
		h.look(k)
		if _, err := h.Delivery(context.Background(), over[0]); !webhook.IsKind(err, webhook.KindNotFound) {
			t.Errorf("the line of a delivery after a year: %v", err)
		}
		if n := h.there(open); n != 3 {
			t.Errorf("%d payloads of 3 open deliveries are there after a year", n)
		}
	})
}

// Whoever stops in the middle leaves the rest to another process, which need
// not wait for a lease.
func TestAnotherProcessGoesOn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		over := h.events("acme", 1000)
		h.cancel(over)
		h.Advance(31 * 24 * time.Hour)
		ctx, stop := context.WithCancel(context.Background())
		first := New(Options{
			Store: h.Store, Periods: webhook.DefaultRetention(), Now: h.Now, Observe: func(Observation) { stop() },
		})
		if err := first.Look(ctx); err == nil {
			t.Error("it did not stop")
		}
		left := h.there(over)
		if left == 0 || left == len(over) {
			t.Fatalf("%d of %d payloads are there after a stop in the middle", left, len(over))
		}
		h.look(h.keeper(webhook.DefaultRetention()))
		if n := h.there(over); n != 0 {
			t.Errorf("%d payloads are still there", n)
		}
	})
}

// While a process lives, another does nothing; when it is dead, its lease ends.
func TestOneAtATime(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		over := h.events("acme", 10)
		h.cancel(over)
		h.Advance(31 * 24 * time.Hour)
		if _, ok, err := h.TakeSweep(context.Background(), h.Now(), h.Now().Add(lease)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		k := h.keeper(webhook.DefaultRetention())
		h.look(k)
		if n := h.there(over); n != 10 {
			t.Errorf("%d payloads are there; another process has the lease", n)
		}
		h.Advance(lease)
		h.look(k)
		if n := h.there(over); n != 0 {
			t.Errorf("%d payloads are there after the end of the lease", n)
		}
	})
}

// An erasure is found by a process that runs, whoever was asked, and ends
// though the intake goes on.
func TestTheKeeperErases(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		mine, other := h.events("acme", 700), []webhook.DeliveryID(nil)
		h.Advance(time.Second)
		other = h.events("other", 5)
		done := make(chan webhook.Erasure, 1)
		k := New(Options{Store: h.Store, Now: h.Now, Observe: func(o Observation) {
			if o.Erasure.FinishedAt != nil {
				done <- *o.Erasure
			}
		}})
		if _, err := h.RequestErasure(context.Background(), "acme", "key_1"); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Minute)
		k.Start()
		defer k.Stop()
		if e := <-done; e.Erased.Payloads != 700 || e.Erased.Canceled != 700 {
			t.Errorf("erased %+v", e.Erased)
		}
		if a, b := h.there(mine), h.there(other); a != 0 || b != 5 {
			t.Errorf("%d payloads of the client and %d of the other are there", a, b)
		}
	})
}
