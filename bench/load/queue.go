package load

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

// Queue asks for tasks through asynq, one for each delivery, with the body in
// the task. Its Redis is emptied before.
type Queue struct {
	Redis       string // host:port
	Tasks       int
	Enqueuers   int    // goroutines that enqueue
	Concurrency int    // workers
	URL         string // where a handler posts the body; "": it does nothing
	Size        int    // bytes of each event's data
}

// Queued is how long the tasks took, from the first enqueued to the last done.
type Queued struct {
	Took   time.Duration
	Failed int
	Error  string
}

const taskType = "delivery"

// idleLook is how often an idle asynq looks for tasks. Its default of a second
// would be in the figure.
const idleLook = 5 * time.Millisecond

type queueRun struct {
	Queue
	client *http.Client
	done   atomic.Int64
	ended  chan struct{}

	mu     sync.Mutex
	queued Queued
}

func queue(ctx context.Context, in Queue) (Queued, error) {
	r := &queueRun{Queue: in, client: newClient(in.Concurrency), ended: make(chan struct{})}
	defer r.client.CloseIdleConnections()
	opt := asynq.RedisClientOpt{Addr: in.Redis}
	enqueue := asynq.NewClient(opt)
	defer enqueue.Close()
	server := asynq.NewServer(opt, asynq.Config{
		Concurrency: in.Concurrency, TaskCheckInterval: idleLook, LogLevel: asynq.FatalLevel, BaseContext: func() context.Context { return ctx },
	})
	if err := server.Start(asynq.HandlerFunc(r.handle)); err != nil {
		return Queued{}, err
	}
	defer server.Shutdown()
	body := wireBody(in.Size)
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range in.Enqueuers {
		wg.Go(func() {
			for int(next.Add(1)) <= in.Tasks {
				if _, err := enqueue.EnqueueContext(ctx, asynq.NewTask(taskType, body), asynq.MaxRetry(0)); err != nil {
					r.settle(fmt.Errorf("enqueue: %w", err))
				}
			}
		})
	}
	wg.Wait()
	<-r.ended
	r.queued.Took = time.Since(start)
	return r.queued, nil
}

func (r *queueRun) handle(ctx context.Context, t *asynq.Task) error {
	if r.URL == "" {
		r.settle(nil)
		return nil
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(t.Payload()))
	if err == nil {
		id, _ := asynq.GetTaskID(ctx)
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Webhook-Id", id)
		_, err = exchange(r.client, q, http.StatusOK)
	}
	r.settle(err)
	return nil // one that failed is counted, not tried again
}

// settle counts a task that is over.
func (r *queueRun) settle(err error) {
	if err != nil {
		r.mu.Lock()
		if r.queued.Failed++; r.queued.Error == "" {
			r.queued.Error = err.Error()
		}
		r.mu.Unlock()
	}
	if r.done.Add(1) == int64(r.Tasks) {
		close(r.ended)
	}
}
