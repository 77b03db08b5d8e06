package dispatcher_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestRedisIsEmptied: FLUSHALL takes every hint, of a backlog and of retries
// that were scheduled. SQL has it all (P5).
func TestRedisIsEmptied(t *testing.T) {
	t.Parallel()
	ctx, c := context.Background(), &clock{}
	r := newJudge(t, func(_ int, s seen) int {
		if s.header.Get("X-Fails") == "once" && s.header.Get(sender.HeaderAttempt) == "1" {
			return 503
		}
		return 200
	})
	live := newHouse(t, houseOptions{
		database: testserver.Postgres(t), redis: testserver.Redis(t).URL(), now: c.Now,
		schedule: webhook.Schedule{5 * time.Second},
	})
	live.subscribe(r.URL)
	live.subscribe(r.URL, func(s *webhook.Subscription) {
		s.ClientID, s.Headers = "beta", map[string]string{"X-Fails": "once"}
	})
	const retries, backlog = 50, 300
	for range retries {
		live.postFor("beta", redemption)
	}
	for range retries {
		live.next()
	}
	until(t, "the retries are scheduled in Redis", func() bool {
		n, err := live.redis.Client.ZCard(ctx, "asynq:{carteiro-retry}:scheduled").Result()
		must(t, err)
		return n > 0
	})
	intake := live.another(func(o *houseOptions) { o.workers = -1 })
	live.stop()                                    // so that the backlog's hints stay in Redis until it is emptied
	left := retries + backlog - len(live.observed) // on a busy machine some retries came before the stop
	for range backlog {
		intake.post(redemption)
	}
	intake.stop()
	if n, err := live.redis.Client.LLen(ctx, "asynq:{carteiro-first}:pending").Result(); err != nil || n == 0 {
		t.Fatalf("%d hints of the backlog in Redis: %v", n, err)
	}
	must(t, live.redis.Client.FlushAll(ctx).Err())
	c.forward(pastChecks)
	next := live.another()
	for range left {
		if ob := next.next(); ob.State != webhook.StateSucceeded {
			t.Errorf("observed %+v", ob)
		}
	}
	if n := len(r.requests()); n != 2*retries+backlog {
		t.Errorf("%d requests, want %d", n, 2*retries+backlog)
	}
}

// TestRedisIsKilled: while Redis is away intake goes on, and a retry whose
// time comes waits; it comes back empty, and everything moves again (P5) well
// before the reconciler would look: what Redis did not take was kept.
func TestRedisIsKilled(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := testserver.Redis(t, testserver.Password("a long word"))
	log := newListener()
	r := newReceiver(t, func(n int) int { return []int{500, 200}[min(n, 1)] })
	h := newHouse(t, houseOptions{
		database: testserver.Postgres(t), redis: server.URL(), schedule: webhook.Schedule{3 * time.Second}, log: log,
	})
	h.subscribe(r.URL)
	h.post(redemption)
	if ob := h.next(); ob.State != webhook.StateRetrying {
		t.Fatalf("observed %+v", ob)
	}
	server.Kill()
	if h.d.Ready(ctx) == nil {
		t.Error("it calls itself ready without Redis")
	}
	const events = 100
	for range events {
		start := time.Now()
		h.post(redemption)
		if took := time.Since(start); took > slowness*2*time.Second {
			t.Errorf("without Redis an intake took %s", took)
		}
	}
	log.await(t, "Redis does not take hints")
	must(t, server.Restart(ctx))
	back := time.Now()
	for range events + 1 {
		if ob := h.next(); ob.State != webhook.StateSucceeded {
			t.Errorf("observed %+v", ob)
		}
	}
	took := time.Since(back)
	t.Logf("all moved %s after the return of Redis", took)
	if took > 15*time.Second {
		t.Errorf("all moved only %s after the return of Redis, want 15 s", took)
	}
	if n := len(r.requests()); n != events+2 {
		t.Errorf("%d requests, want %d", n, events+2)
	}
}

// TestAHintTwiceIsOneRequest: hints may come twice, late and in the wrong
// lane; the claim in SQL lets one through (P3).
func TestAHintTwiceIsOneRequest(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		answer := newHold()
		r := newReceiver(t, answer.then(200))
		h := newHouse(t, o)
		defer answer.release()
		h.subscribe(r.URL)
		id := h.post(redemption).Deliveries[0].ID
		again := func() {
			for generation := range 5 {
				for _, lane := range []string{"first", "retry", "export"} {
					h.enqueue(lane, "carteiro:due", `{"v":1,"d":[["`+string(id)+`",`+strconv.Itoa(generation+1)+`]]}`)
				}
			}
			until(t, "the hints have been looked at", func() bool { return h.queued() == 0 })
		}
		r.take(t)
		again() // while the attempt is under way
		answer.release()
		if ob := h.next(); ob.State != webhook.StateSucceeded {
			t.Fatalf("observed %+v", ob)
		}
		again() // when it is over
		if n := len(r.requests()); n != 1 {
			t.Errorf("%d requests for one delivery", n)
		}
	})
}

// TestForeignTasksAreDropped: what others put into our queues stops nothing.
func TestForeignTasksAreDropped(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		log := newListener()
		o.log = log
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL)
		unknown := string(webhook.NewDeliveryID())
		for _, payload := range []string{"", "junk", "{}", `{"v":2,"d":[["` + unknown + `",1]]}`, `{"v":1,"d":[]}`, `{"v":1,"d":[["x",1]]}`} {
			h.enqueue("first", "somebody:else", payload)
			log.await(t, "a task that is no hint was dropped")
		}
		h.enqueue("first", "carteiro:due", `{"v":1,"d":[["`+unknown+`",1]]}`) // of no delivery at all
		h.post(redemption)
		if ob := h.next(); ob.State != webhook.StateSucceeded {
			t.Errorf("observed %+v", ob)
		}
		until(t, "the queues are empty", func() bool { return h.queued() == 0 })
	})
}

// enqueue puts a task into a lane's queue, as anybody with the address can.
func (h *house) enqueue(lane, kind, payload string) {
	h.t.Helper()
	_, err := asynq.NewClientFromRedisClient(h.redis.Client).Enqueue(asynq.NewTask(kind, []byte(payload)), asynq.Queue("carteiro-"+lane))
	must(h.t, err)
}

// queued is how many tasks wait or are scheduled in all lanes.
func (h *house) queued() int {
	h.t.Helper()
	n := int64(0)
	for _, lane := range []string{"first", "retry", "export"} {
		queue := "asynq:{carteiro-" + lane + "}:"
		pipe := h.redis.Client.Pipeline()
		parts := []*redis.IntCmd{
			pipe.LLen(context.Background(), queue+"pending"), pipe.ZCard(context.Background(), queue+"scheduled"), pipe.ZCard(context.Background(), queue+"retry"),
		}
		_, err := pipe.Exec(context.Background())
		must(h.t, err)
		for _, p := range parts {
			n += p.Val()
		}
	}
	return int(n)
}
