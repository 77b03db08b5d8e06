package dispatcher

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// asynq finds its work by polling: an idle worker sleeps between looks, which
// costs a first attempt up to a second. The waker is a go-redis hook on the
// workers' connection that makes the look wait instead: a dequeue that found
// nothing blocks here until somebody says that there is a hint, then looks
// again. Who says so: this process's own hints and forwarded ones directly,
// other processes' over a Redis channel.
type waker struct {
	lanes map[Lane]chan struct{}
	done  chan struct{}
	end   sync.Once
}

const (
	// wakeChannel carries the names of lanes that have got a hint.
	wakeChannel = "carteiro:wake"
	// wakeFallback is how long a look waits when nobody says anything: a
	// message on the channel may be lost.
	wakeFallback = time.Second
)

func newWaker() *waker {
	w := &waker{lanes: map[Lane]chan struct{}{}, done: make(chan struct{})}
	for _, l := range lanes {
		w.lanes[l] = make(chan struct{}, 1)
	}
	return w
}

// wake says that a lane has got a hint.
func (w *waker) wake(l Lane) {
	select {
	case w.lanes[l] <- struct{}{}:
	default: // it is told already
	}
}

// stop lets every look go at once from now on.
func (w *waker) stop() { w.end.Do(func() { close(w.done) }) }

// listen passes on what other processes say, until ctx ends.
func (w *waker) listen(ctx context.Context, client redis.UniversalClient) {
	sub := client.Subscribe(ctx, wakeChannel)
	defer sub.Close()
	for {
		select {
		case m, ok := <-sub.Channel():
			if !ok {
				return
			}
			if _, known := w.lanes[Lane(m.Payload)]; known {
				w.wake(Lane(m.Payload))
			}
		case <-ctx.Done():
			return
		}
	}
}

// DialHook is part of redis.Hook; it changes nothing.
func (w *waker) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessPipelineHook is part of redis.Hook; it changes nothing.
func (w *waker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook looks at asynq's scripts by their keys.
//
//	dequeue: 4 keys, the first …:pending, the second …:paused; nil when empty
//	forward: 2 keys, …:scheduled or …:retry first, then …:pending; the number moved
func (w *waker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		name := cmd.Name()
		if name != "evalsha" && name != "eval" {
			return err
		}
		first, second := scriptKeys(cmd.Args())
		switch {
		case strings.HasSuffix(first, ":pending") && strings.HasSuffix(second, ":paused"):
			if lane, ok := laneOfKey(first); ok && errors.Is(err, redis.Nil) && w.wait(lane) {
				cmd.SetErr(nil)
				return next(ctx, cmd)
			}
		case strings.HasSuffix(second, ":pending") && err == nil:
			if c, ok := cmd.(*redis.Cmd); ok {
				if n, err := c.Int(); err == nil && n > 0 {
					w.wakeKey(second)
				}
			}
		}
		return err
	}
}

func (w *waker) wakeKey(key string) {
	if lane, ok := laneOfKey(key); ok {
		if _, known := w.lanes[lane]; known {
			w.wake(lane)
		}
	}
}

// wait blocks until the lane may have a hint; false when the worker stops.
func (w *waker) wait(l Lane) bool {
	fallback := time.NewTimer(wakeFallback)
	defer fallback.Stop()
	select {
	case <-w.lanes[l]:
		return true
	case <-fallback.C:
		return true
	case <-w.done:
		return false
	}
}

// scriptKeys returns the first two keys of an EVAL or EVALSHA.
func scriptKeys(args []any) (first, second string) {
	const keys = 3 // after the command, the script and the number of keys
	if len(args) > keys {
		first, _ = args[keys].(string)
	}
	if len(args) > keys+1 {
		second, _ = args[keys+1].(string)
	}
	return first, second
}
