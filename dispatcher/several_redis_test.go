package dispatcher_test

import (
	"context"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestRedisCluster: two processes on a cluster of three masters. Each lane's
// keys are on one of them; one that is killed and comes back empty costs
// nothing (P5).
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	cluster := testserver.RedisCluster(t, 3)
	r := newReceiver(t, func(n int) int { return []int{500, 200}[min(n, 1)] })
	h := newHouse(t, houseOptions{
		database: testserver.Postgres(t), redis: cluster.URL(), schedule: webhook.Schedule{2 * time.Second},
	})
	intake := h.another(func(o *houseOptions) { o.workers = -1 })
	must(t, h.redis.Ready(context.Background()))
	h.subscribe(r.URL)
	intake.post(redemption)
	if ob := h.next(); ob.State != webhook.StateRetrying {
		t.Fatalf("observed %+v", ob)
	}
	h.wantSucceeded(1)

	const events = 60
	for i, node := range cluster.Nodes { // whichever carries the lane that is used
		node.Kill()
		for range events {
			intake.post(redemption)
		}
		if i%2 == 0 {
			must(t, node.Wipe())
		}
		must(t, node.Restart(context.Background()))
		h.wantSucceeded(events)
	}
	if n := len(r.requests()); n != 2+3*events {
		t.Errorf("%d requests, want %d", n, 2+3*events)
	}
}

// TestRedisSentinelFailover: the master dies with hints in it, the sentinels
// make its replica the master, and everything moves again by itself.
func TestRedisSentinelFailover(t *testing.T) {
	t.Parallel()
	watched := testserver.RedisSentinel(t)
	r := newReceiver(t, func(n int) int { return []int{500, 200}[min(n, 1)] })
	h := newHouse(t, houseOptions{
		database: testserver.Postgres(t), redis: watched.URL(), schedule: webhook.Schedule{3 * time.Second},
	})
	intake := h.another(func(o *houseOptions) { o.workers = -1 })
	must(t, h.redis.Ready(context.Background()))
	h.subscribe(r.URL)
	intake.post(redemption)
	if ob := h.next(); ob.State != webhook.StateRetrying { // its hint is in Redis
		t.Fatalf("observed %+v", ob)
	}
	watched.Master.Kill()
	const events = 60
	for range events {
		intake.post(redemption)
	}
	h.wantSucceeded(events + 1)
	if n := len(r.requests()); n != events+2 {
		t.Errorf("%d requests, want %d", n, events+2)
	}
	must(t, h.redis.Ready(context.Background()))
}

// wantSucceeded waits for n deliveries that have succeeded.
func (h *house) wantSucceeded(n int) {
	h.t.Helper()
	for range n {
		if ob := h.next(); ob.State != webhook.StateSucceeded {
			h.t.Errorf("observed %+v", ob)
		}
	}
}
