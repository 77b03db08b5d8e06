package faultlab

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// during breaks something for a while, under load, and mends it.
func during(f fault, long time.Duration, breaks, mends func(*world)) func(*world) {
	return func(w *world) {
		w.load.begin()
		w.load.more(40)
		noted := w.diary.note(f)
		breaks(w)
		w.wait(long + time.Duration(w.random.IntN(2000))*time.Millisecond)
		mends(w)
		w.diary.healed(noted)
		w.wait(2 * time.Second)
		w.load.more(20)
	}
}

// redisFaults: nothing that Redis does loses anything, stops the intake or
// sends anything twice (P1, P3, P5).
func redisFaults() []scenario {
	kill := func(w *world) { w.redis.Kill() }
	flush := func(w *world) {
		w.inRedis(func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
	}
	memory := func(most string) func(*world) {
		return func(w *world) {
			w.inRedis(func(ctx context.Context, c *redis.Client) error { return c.ConfigSet(ctx, "maxmemory", most).Err() })
		}
	}
	silence, restore := func(w *world) { w.toRedis.silence() }, func(w *world) { w.toRedis.restore() }
	cut := func(w *world) {
		for range 4 {
			w.toRedis.cut()
			w.wait(500 * time.Millisecond)
		}
	}
	nothing := func(*world) {}
	return []scenario{
		{
			name: "redis/killed, data kept", part: whole, redis: []testserver.RedisOption{testserver.AppendOnly()},
			do: during(fault{what: "Redis killed", within: afterRedis}, 5*time.Second, kill, (*world).restartRedis),
		},
		{
			name: "redis/killed, back empty", part: short,
			do: during(fault{what: "Redis killed", within: afterWipe}, 5*time.Second, kill, (*world).restartRedis),
		},
		{name: "redis/flushed", part: whole, do: during(fault{what: "FLUSHALL", within: afterWipe}, 0, flush, nothing)},
		{name: "redis/full", part: whole, do: during(fault{what: "maxmemory reached", within: afterRedis}, 6*time.Second, memory("1"), memory("0"))},
		{
			name: "redis/paused", part: whole,
			do: during(fault{what: "Redis paused", within: afterRedis}, 8*time.Second,
				func(w *world) { w.must(w.redis.Pause()) }, func(w *world) { w.must(w.redis.Resume()) }),
		},
		{name: "redis/silent network", part: whole, wired: true, do: during(fault{what: "Redis unreachable", within: afterRedis}, 8*time.Second, silence, restore)},
		{name: "redis/cut connections", part: whole, wired: true, do: during(fault{what: "Redis cut off", within: afterRedis}, 0, cut, nothing)},
	}
}

// inRedis does something in Redis itself, past any wire.
func (w *world) inRedis(do func(context.Context, *redis.Client) error) {
	w.t.Helper()
	o, err := redis.ParseURL(w.redis.URL())
	w.must(err)
	c := redis.NewClient(o)
	defer c.Close()
	w.must(do(context.Background(), c))
}

// sqlFaults: without the database the intake refuses in time and accepts
// nothing, and everything goes on when it is back (P1, P6).
func sqlFaults() []scenario {
	down := func(what string) fault {
		return fault{what: what, repeats: true, intake: refuses, within: afterSQL}
	}
	readOnly := func(on string) func(*world) {
		return func(w *world) {
			w.inSQL("ALTER SYSTEM SET default_transaction_read_only = " + on)
			w.inSQL("SELECT pg_reload_conf()")
		}
	}
	silence, restore := func(w *world) { w.toSQL.silence() }, func(w *world) { w.toSQL.restore() }
	cut := func(w *world) {
		for range 4 {
			w.toSQL.cut()
			w.wait(500 * time.Millisecond)
		}
	}
	crawl := func(w *world) { w.toSQL.slow(time.Duration(20+w.random.IntN(80)) * time.Millisecond) }
	return []scenario{
		{
			name: "postgres/stopped", part: short, own: true,
			do: during(down("PostgreSQL stopped at once"), 5*time.Second,
				func(w *world) { w.postgres.Kill() }, func(w *world) { w.must(w.postgres.Restart(context.Background())) }),
		},
		{name: "postgres/read-only", part: whole, own: true, do: during(down("PostgreSQL read-only"), 5*time.Second, readOnly("on"), readOnly("off"))},
		{name: "postgres/silent network", part: whole, wired: true, do: during(down("PostgreSQL unreachable"), 6*time.Second, silence, restore)},
		{name: "postgres/cut connections", part: whole, wired: true, do: during(down("PostgreSQL cut off"), 0, cut, func(*world) {})},
		{name: "postgres/slow", part: whole, wired: true, do: during(down("PostgreSQL slow"), 6*time.Second, crawl, restore)},
	}
}

// inSQL runs one statement in the server's own way, past any wire.
func (w *world) inSQL(statement string) {
	w.t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, w.database)
	w.must(err)
	defer c.Close(ctx)
	_, err = c.Exec(ctx, "SET default_transaction_read_only = off")
	w.must(err)
	_, err = c.Exec(ctx, statement)
	w.must(err)
}
