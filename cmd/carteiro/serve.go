package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/internal/guard"
)

type serveCommand struct {
	Demo bool `help:"Run with a demo client, a local receiver that fails and recovers, and a schedule sixty times faster, in the data directory's folder demo."`
}

// Run runs the server until a signal comes.
func (s serveCommand) Run(r runContext) error {
	var demo *demo
	if s.Demo {
		demo = newDemo(r.stdout)
		demo.settings(&r.settings)
	}
	c, err := config.Load(r.settings)
	if err != nil {
		return err
	}
	if s.Demo {
		c.DataDir = filepath.Join(c.DataDir, "demo")
	}
	log := newLog(c, r)
	if err := makeDataDir(c); err != nil {
		return err
	}
	unlock, err := lockDataDir(c)
	if err != nil {
		return err
	}
	defer unlock()

	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; set CARTEIRO_LISTEN to another address", c.Listen, err)
	}
	h, err := build(r, c, log, listener.Addr(), demo)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return h.run(r, listener)
}

// lockDataDir keeps a second process from the same embedded database: each
// would believe itself alone with an empty queue.
func lockDataDir(c *config.Config) (unlock func(), err error) {
	lock := flock.New(filepath.Join(c.DataDir, "carteiro.lock"))
	if c.PostgreSQL() {
		return func() {}, nil
	}
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("another carteiro runs on the data directory %s; stop it, or set CARTEIRO_DATA_DIR", c.DataDir)
	}
	return func() { _ = lock.Unlock() }, nil
}

func newLog(c *config.Config, r runContext) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(r.stderr, o))
	}
	return slog.New(slog.NewTextHandler(r.stderr, o))
}

// Times of the stop. Those of the HTTP server are in internal/guard.
const (
	intakeStop     = 10 * time.Second // requests under way may finish
	deliveriesStop = 45 * time.Second // attempts under way may finish
	tracesStop     = 5 * time.Second  // what has gathered may be sent
)

// run serves until a signal, then stops in order. The second signal exits.
func (h *house) run(r runContext, listener net.Listener) error {
	server := guard.Server(h.handler, h.log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := h.start(r); err != nil {
		return errors.Join(err, server.Close(), h.close())
	}
	h.announce(r, listener.Addr())
	h.tell(r, supervisorReady)
	// What the start needed once is given back; it is a third of the process.
	go debug.FreeOSMemory()
	var err error
	var signal os.Signal
	select {
	case signal = <-r.signals:
	case <-r.Done():
	case err = <-failed:
	}
	go h.exitOnSecond(r.signals)
	h.tell(r, supervisorStopping)
	h.leave(signal)
	return errors.Join(err, h.stop(server))
}

// sameSignal is how long after the first signal another one counts as the
// same: a supervisor may send it to the process and to its group.
const sameSignal = 300 * time.Millisecond

// exitOnSecond ends the process at once when a second signal comes.
func (h *house) exitOnSecond(signals <-chan os.Signal) {
	first := time.Now()
	for range signals {
		if time.Since(first) > sameSignal {
			h.log.Warn("second signal: exiting at once; what was in flight is sent again at the next start")
			os.Exit(exitFailed)
		}
	}
}

// leave lets load balancers turn away before the doors close: /readyz says that
// the server stops, and requests are still taken. A connection that was made
// and not yet served when a listener closes is reset, and no balancer may send
// its request again. Who presses Ctrl-C has no balancer.
func (h *house) leave(signal os.Signal) {
	h.stopping.Store(true)
	if signal != syscall.SIGTERM || !h.config.Roles.API || h.config.StopDelay == 0 {
		return
	}
	h.log.Info("stopping soon: requests are still taken, /readyz sends them elsewhere", "for", h.config.StopDelay)
	time.Sleep(h.config.StopDelay)
}

// stop ends the house from the top down: the doors close, requests under way
// finish, attempts under way finish, what was claimed goes back to SQL.
func (h *house) stop(server *http.Server) error {
	h.log.Info("stopping: no new requests; attempts under way finish", "in_flight", h.dispatcher.InFlight())
	ctx, cancel := context.WithTimeout(context.Background(), intakeStop)
	defer cancel()
	h.demo.stop()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		h.log.Warn("some requests did not end in time and were cut off")
		err = server.Close()
	}
	ctx, cancel = context.WithTimeout(context.Background(), deliveriesStop)
	defer cancel()
	h.keeper.Stop()
	h.scheduler.Stop()
	h.dispatcher.Stop(ctx)
	err = errors.Join(err, h.close())
	h.log.Info("stopped")
	return err
}
