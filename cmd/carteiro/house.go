package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/metrics"
	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/internal/tracing"
	"github.com/carteiro-webhooks/carteiro/retention"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// house is the whole program, built.
type house struct {
	config     *config.Config
	log        *slog.Logger
	store      *store.Store
	keys       *seal.Ring
	redis      *dispatcher.Redis
	sender     *sender.Sender
	subs       *subscriptions.Registry
	dispatcher *dispatcher.Dispatcher
	scheduler  *scheduler.Scheduler
	keeper     *retention.Keeper
	mongo      *scheduler.Mongo // nil: no dataset is read from MongoDB
	access     *access.Registry
	metrics    *metrics.Metrics
	tracing    *tracing.Tracing // nil: no traces are sent
	handler    http.Handler
	demo       *demo
	keyMade    bool // the admin key was made at this start
	key        string
	started    atomic.Bool
	stopping   atomic.Bool
}

// build makes the parts from the ground up. On an error, what was opened is
// closed again.
func build(r runContext, c *config.Config, log *slog.Logger, addr net.Addr, d *demo) (*house, error) {
	h := &house{config: c, log: log, demo: d, metrics: metrics.New(version())}
	if err := h.buildTracing(r, r.environ); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, net.Addr) error{h.buildStore, h.buildSender, h.buildDispatcher, h.buildScheduler, h.buildKeeper, h.buildFaces} {
		if err := step(r, addr); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *house) buildStore(ctx context.Context, _ net.Addr) (err error) {
	if h.store, err = store.Open(ctx, h.config.Database(), store.Options{ObserveBatch: h.metrics.Batch}); err != nil {
		return err
	}
	if h.config.Migrate == config.MigrateAuto {
		if _, err := h.store.Migrate(ctx); err != nil {
			return err
		}
	}
	missing, ahead, err := h.store.SchemaPending(ctx)
	if err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("the database lacks %d schema steps; run \"carteiro migrate\" first", missing)
	}
	if ahead > 0 {
		h.log.Warn("the database's schema is newer than this program", "steps", ahead)
	}
	return h.store.AddEventTypes(ctx, webhook.BuiltinEventTypes())
}

// userAgent names the program with its version, and where a client's engineer
// who finds it in a log can read what it is.
func userAgent(version string) string {
	return "Carteiro/" + version + " (+https://github.com/carteiro-webhooks/carteiro)"
}

func (h *house) buildSender(ctx context.Context, addr net.Addr) error {
	policy, err := sender.NewPolicy(sender.PolicyOptions{
		AllowHTTP: h.config.AllowHTTP, AllowNetworks: h.config.AllowNetworks, OwnAddrs: ownAddrs(addr),
	})
	if err != nil {
		return err
	}
	h.sender = sender.New(sender.Options{
		Policy: policy, Timeout: h.config.DeliveryTimeout, UserAgent: userAgent(version()),
	})
	if h.keys, err = keyRing(h.config); err != nil {
		return err
	}
	if err := h.checkKeys(ctx); err != nil {
		return err
	}
	h.subs, err = subscriptions.New(ctx, subscriptions.Options{
		Store: h.store, Keys: h.keys, CheckURL: policy.CheckURL, Log: h.log, Changed: h.kick,
	})
	return err
}

// kick makes due work be looked for at once.
func (h *house) kick() {
	if h.dispatcher != nil {
		h.dispatcher.Kick()
	}
}

func (h *house) buildDispatcher(ctx context.Context, _ net.Addr) (err error) {
	if h.redis, err = dispatcher.OpenRedis(h.config.RedisURL); err != nil {
		return err
	}
	// One that cannot be asked may come later: SQL holds the deliveries until then.
	if err := h.redis.CheckPolicy(ctx); errors.Is(err, dispatcher.ErrEvicts) {
		return fmt.Errorf("refusing to start with CARTEIRO_REDIS_URL: %w", err)
	}
	o := dispatcher.Options{
		Store: h.store, Subscriptions: h.subs, Sender: h.sender, Redis: h.redis, Log: h.log,
		Schedule: h.config.RetrySchedule, Timeout: h.config.DeliveryTimeout, VerificationTTL: h.config.VerificationTTL,
		Observe: h.observeAttempt, ObserveIntake: h.observeIntake,
	}
	if h.config.Roles.Worker {
		o.Workers = h.config.Workers
	}
	h.dispatcher, err = dispatcher.New(ctx, o)
	return err
}

// buildScheduler makes what runs exports; only the role "scheduler" starts it.
func (h *house) buildScheduler(context.Context, net.Addr) error {
	source, err := h.source()
	if err != nil {
		return err
	}
	o := scheduler.Options{
		Store: h.store, Dispatcher: h.dispatcher, Source: source, Log: h.log, Observe: h.observeRun,
	}
	h.scheduler = scheduler.New(o)
	return nil
}

// buildKeeper makes what removes what is over its time; it is started with
// the scheduler, for it goes by the clock too.
func (h *house) buildKeeper(context.Context, net.Addr) error {
	c := h.config
	h.keeper = retention.New(retention.Options{Store: h.store, Log: h.log, Observe: h.metrics.Removal, Periods: webhook.Retention{
		Payloads: time.Duration(c.RetentionPayloads), Attempts: time.Duration(c.RetentionAttempts), Log: time.Duration(c.RetentionLog),
		Records: time.Duration(c.RetentionRecords), Idempotency: time.Duration(c.RetentionIdempotency), Audit: time.Duration(c.RetentionAudit),
	}})
	return nil
}

// redactRules are the built-in ones and those of the setting.
func redactRules(c *config.Config) *redact.Rules {
	paths := make([][]string, len(c.Redact))
	for i, p := range c.Redact {
		paths[i] = p
	}
	return redact.New(paths)
}

func (h *house) buildFaces(_ context.Context, _ net.Addr) (err error) {
	if h.key, h.keyMade, err = adminKey(h.config); err != nil {
		return err
	}
	h.access, err = access.New(access.Options{Store: h.store, AdminKey: h.key, Rate: int(h.config.APIRate), Log: h.log})
	if err != nil {
		return err
	}
	h.metrics.Watch(metrics.Sources{Store: h.store, Work: h.dispatcher.Snapshot, Parts: h.ready})
	h.handler, err = h.buildFace()
	return err
}

// ready tells the state of each part; nil is green.
func (h *house) ready(ctx context.Context) map[string]error {
	// Side by side: one that hangs must not take the time of the other, and its blame.
	var database, redis error
	var both sync.WaitGroup
	both.Go(func() { database = h.store.Ready(ctx) })
	both.Go(func() { redis = h.dispatcher.Ready(ctx) })
	both.Wait()
	parts := map[string]error{"database": database, "redis": redis}
	if h.config.Roles.Worker {
		parts["workers"] = nil
		switch {
		case h.stopping.Load():
			parts["workers"] = errors.New("the server is stopping")
		case !h.started.Load():
			parts["workers"] = errors.New("the workers are starting")
		}
	}
	if h.config.Roles.API {
		parts["intake"] = h.store.Accepting()
		if h.stopping.Load() {
			parts["intake"] = errors.New("the server is stopping")
		}
	}
	return parts
}

func (h *house) start(ctx context.Context) error {
	if err := h.dispatcher.Start(ctx); err != nil {
		return err
	}
	if h.config.Roles.Scheduler {
		h.scheduler.Start()
		h.keeper.Start()
	}
	h.started.Store(true)
	return nil
}

// close releases what was opened, from the top down.
func (h *house) close() error {
	err := h.closeMongo()
	if h.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), tracesStop)
		defer cancel()
		h.tracing.Stop(ctx)
	}
	if h.access != nil {
		h.access.Stop()
	}
	if h.sender != nil {
		h.sender.Close()
	}
	if h.redis != nil {
		err = errors.Join(err, h.redis.Close())
	}
	if h.store != nil {
		err = errors.Join(err, h.store.Close())
	}
	return err
}

// announce tells where the server is, and the admin key if it was made now.
func (h *house) announce(r runContext, addr net.Addr) {
	database := h.store.Dialect()
	h.log.Info("carteiro is ready", "version", version(), "listen", addr.String(), "database", database,
		"redis", map[bool]string{true: "embedded", false: "external"}[h.redis.Embedded()], "roles", h.config.Roles.String(), "workers", h.config.Workers)
	if h.demo != nil {
		h.demo.start(r, h, addr)
		return
	}
	if h.keyMade {
		fmt.Fprintf(r.stdout, "The admin key was made and is shown this once; it is kept in %s:\n  %s\n",
			filepath.Join(h.config.DataDir, adminKeyFile), h.key)
	}
}

// ownAddrs are the addresses that a delivery must never go to: our own.
func ownAddrs(addr net.Addr) []netip.AddrPort {
	own, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return nil
	}
	return []netip.AddrPort{own}
}
