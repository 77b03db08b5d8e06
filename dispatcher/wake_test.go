package dispatcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// dequeue is asynq's look for a task, as the hook sees it.
func dequeue(l Lane) *redis.Cmd {
	queue := "asynq:{" + l.queue() + "}:"
	return redis.NewCmd(context.Background(), "evalsha", "sha", 4, queue+"pending", queue+"paused", queue+"active", queue+"lease")
}

// emptyThenTask answers nothing the first time, and a task after that.
func emptyThenTask(looks *int) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		*looks++
		if *looks == 1 {
			cmd.SetErr(redis.Nil)
			return redis.Nil
		}
		cmd.(*redis.Cmd).SetVal("task")
		return nil
	}
}

// TestAWakeEndsTheWait: a look that found nothing waits in the hook until its
// lane is woken, and looks again.
func TestAWakeEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, looks := newWaker(), 0
		cmd, start := dequeue(LaneRetry), time.Now()
		done := make(chan error)
		go func() { done <- w.ProcessHook(emptyThenTask(&looks))(context.Background(), cmd) }()
		synctest.Wait()
		w.wake(LaneFirst) // another lane's
		synctest.Wait()
		if looks != 1 {
			t.Fatalf("%d looks before its lane was woken", looks)
		}
		w.wake(LaneRetry)
		if err := <-done; err != nil || cmd.Err() != nil || cmd.Val() != "task" || time.Since(start) != 0 {
			t.Errorf("after %s: %v, %v", time.Since(start), cmd.Val(), err)
		}
	})
}

// TestAWaitEndsByItself: a message may be lost, and a stop lets everybody go.
func TestAWaitEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, looks := newWaker(), 0
		start := time.Now()
		if err := w.ProcessHook(emptyThenTask(&looks))(context.Background(), dequeue(LaneFirst)); err != nil || time.Since(start) != wakeFallback {
			t.Errorf("woken by nobody: %v after %s, want after %s", err, time.Since(start), wakeFallback)
		}
		w.stop()
		w.stop() // twice does no harm
		looks, start = 0, time.Now()
		if err := w.ProcessHook(emptyThenTask(&looks))(context.Background(), dequeue(LaneFirst)); err == nil || looks != 1 || time.Since(start) != 0 {
			t.Errorf("after the stop: %v after %s and %d looks", err, time.Since(start), looks)
		}
	})
}

// TestForwardedHintsWake: asynq's own forwarder moves what has become due.
func TestForwardedHintsWake(t *testing.T) {
	for name, tc := range map[string]struct {
		moved int64
		keys  []any
		want  bool
	}{
		"some":                {2, []any{"asynq:{carteiro-retry}:scheduled", "asynq:{carteiro-retry}:pending"}, true},
		"none":                {0, []any{"asynq:{carteiro-retry}:scheduled", "asynq:{carteiro-retry}:pending"}, false},
		"another's queue":     {2, []any{"asynq:{other}:scheduled", "asynq:{other}:pending"}, false},
		"a lane we know not":  {2, []any{"asynq:{carteiro-x}:scheduled", "asynq:{carteiro-x}:pending"}, false},
		"another script":      {2, []any{"asynq:{carteiro-retry}:t:1"}, false},
		"a script of no keys": {2, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWaker()
			cmd := redis.NewCmd(context.Background(), append([]any{"evalsha", "sha", len(tc.keys)}, tc.keys...)...)
			err := w.ProcessHook(func(_ context.Context, cmd redis.Cmder) error {
				cmd.(*redis.Cmd).SetVal(tc.moved)
				return nil
			})(context.Background(), cmd)
			woken := len(w.lanes[LaneFirst]) + len(w.lanes[LaneRetry]) + len(w.lanes[LaneExport])
			if err != nil || woken == 1 != tc.want || len(w.lanes[LaneRetry]) != woken {
				t.Errorf("%d lanes are woken, %v", woken, err)
			}
		})
	}
}

// TestAnotherProcessWakes over Redis: what it has hinted is looked at at once.
func TestAnotherProcessWakes(t *testing.T) {
	server := testserver.Redis(t)
	r, err := OpenRedis(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := newWaker()
	ctx, cancel := context.WithCancel(context.Background())
	listened := make(chan struct{})
	go func() {
		w.listen(ctx, r.Client)
		close(listened)
	}()
	for subscribed := int64(0); subscribed == 0; { // answered when the server has it
		if subscribed, err = r.Client.Publish(ctx, wakeChannel, "nonsense").Result(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Client.Publish(ctx, wakeChannel, string(LaneExport)).Err(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.lanes[LaneExport]:
	case <-time.After(30 * time.Second):
		t.Error("the lane was not woken")
	}
	if len(w.lanes[LaneFirst]) != 0 || len(w.lanes[LaneRetry]) != 0 {
		t.Error("another lane was woken")
	}
	cancel()
	<-listened
}
