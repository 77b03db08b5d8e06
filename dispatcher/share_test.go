package dispatcher_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// hintCount counts the deliveries that a process names in the hints it sends.
type hintCount struct {
	mu    sync.Mutex
	named map[string]int
}

var namedInHint = regexp.MustCompile(`\["(dlv_[0-9a-z]{26})"`)

func (c *hintCount) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *hintCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *hintCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		args := fmt.Sprint(cmd.Args()...)
		if name := strings.ToLower(cmd.Name()); err != nil || (name != "evalsha" && name != "eval") || !strings.Contains(args, ":pending") {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, arg := range cmd.Args() {
			for _, found := range namedInHint.FindAllStringSubmatch(fmt.Sprintf("%s", arg), -1) {
				c.named[found[1]]++
			}
		}
		return nil
	}
}

// lockDeliveries keeps others from changing deliveries, until letGo finds that
// so many want to: then they do at the same moment.
func lockDeliveries(t *testing.T, database string) (letGo func(n int)) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	must(t, err)
	tx, err := conn.Begin(ctx)
	must(t, err)
	_, err = tx.Exec(ctx, `LOCK TABLE deliveries IN EXCLUSIVE MODE`)
	must(t, err)
	return func(n int) {
		t.Helper()
		until(t, "all wait for the lock", func() bool {
			waiting := 0
			must(t, tx.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'deliveries'::regclass`).Scan(&waiting))
			return waiting >= n
		})
		must(t, tx.Commit(ctx))
		must(t, conn.Close(ctx))
	}
}

// TestTheReconcilersShareTheWork: Redis was wiped, 2,000 deliveries are due,
// and five processes look. Each delivery is hinted about once, by one of them,
// and sent once (P5).
func TestTheReconcilersShareTheWork(t *testing.T) {
	ctx, c := context.Background(), &clock{}
	r := newReceiver(t, always(200))
	intake := newHouse(t, houseOptions{database: testserver.Postgres(t), redis: testserver.Redis(t).URL(), workers: -1, now: c.Now})
	intake.subscribe(r.URL)
	const due, processes = 2000, 5
	for range due / 500 {
		intake.postMany("acme", 500)
	}
	intake.stop()
	must(t, intake.redis.Client.FlushAll(ctx).Err())
	counts := make([]*hintCount, processes)
	all := make([]*house, processes)
	for i := range all {
		all[i] = intake.another(func(o *houseOptions) { o.workers, o.stopped = 64, true })
		counts[i] = &hintCount{named: map[string]int{}}
		all[i].redis.Client.AddHook(counts[i])
		must(t, all[i].d.Start(ctx))
		defer all[i].d.Stop(ctx)
	}
	c.forward(pastChecks)
	letGo := lockDeliveries(t, intake.o.database)
	for _, h := range all {
		h.d.Kick()
	}
	letGo(processes)
	until(t, "all are sent", func() bool { return len(r.requests()) >= due })
	for _, h := range all {
		h.d.Stop(ctx)
	}
	if n := len(r.requests()); n != due {
		t.Errorf("%d requests for %d deliveries", n, due)
	}
	hinted, hints, busy := map[string]bool{}, 0, 0
	for _, c := range counts {
		c.mu.Lock()
		t.Logf("a process named %d deliveries", len(c.named))
		busy += min(len(c.named), 1)
		for id, n := range c.named {
			hinted[id] = true
			hints += n
		}
		c.mu.Unlock()
	}
	if len(hinted) != due || hints > due*11/10 {
		t.Errorf("%d of %d deliveries were hinted, %d times in all", len(hinted), due, hints)
	}
	if busy < 2 {
		t.Errorf("%d of %d processes made hints", busy, processes)
	}
	list, _, err := intake.store.Deliveries(ctx, store.DeliveryFilter{State: webhook.StatePending}, store.Page{Limit: 1})
	must(t, err)
	if len(list) != 0 {
		t.Errorf("some are still pending: %d or more", len(list))
	}
}

// TestWhatADeadProcessHasParked is fed by another one, although that has never
// heard of the subscription: nothing else may ever come for it.
func TestWhatADeadProcessHasParked(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		r := newReceiver(t, always(200))
		h := newHouse(t, durable(t, o))
		dead := h.another(func(o *houseOptions) { o.stopped = true }) // its hints go nowhere
		dead.subscribe(r.URL)
		id := dead.post(redemption).Deliveries[0].ID
		now := time.Now()
		claimed, err := dead.store.Claim(ctx, []store.Ref{{ID: id, Generation: 1}}, store.ClaimTerms{Now: now, Horizon: now, Lease: now.Add(time.Minute)})
		must(t, err)
		must(t, dead.store.GiveBack(ctx, store.Release{Ref: claimed[0].Ref, Why: store.ReleaseParked}))
		if ob := h.next(); ob.DeliveryID != id || ob.State != webhook.StateSucceeded {
			t.Errorf("observed %+v", ob)
		}
	})
}
