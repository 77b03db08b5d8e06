package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
)

// hints turns due deliveries into tasks of asynq. Adding one never waits for
// Redis: a goroutine sends what has gathered, so that a hint carries one
// delivery when it is quiet and up to a hundred when there is a backlog. What
// Redis does not take is tried again; what there is no room for is dropped, and
// the reconciler finds it in SQL.
type hints struct {
	redis  *Redis
	client *asynq.Client
	waker  *waker // nil in a process without workers
	log    *slog.Logger

	mu      sync.Mutex
	queue   map[hintKey][]hinted
	count   int
	closing bool
	kick    chan struct{}
	done    chan struct{}
	full    map[Lane]*atomic.Bool // as the reconciler last saw it: enough hints of the lane wait in Redis
	counts  *hintCounts
	failing atomic.Pointer[error] // why the last hint could not be sent; nil: it was
}

// hintKey groups deliveries that may share a hint: one lane, one second.
type hintKey struct {
	lane Lane
	at   int64 // Unix seconds; 0: now
}

const (
	// maxQueued bounds the memory of hints that wait for Redis.
	maxQueued = 50_000
	// maxPending is how many hints may wait in one lane in Redis. Beyond, the
	// backlog stays in SQL and the reconciler feeds it.
	maxPending = 2_000
	// A round of sending waits after the one before, the longer the more that
	// one carried: a quiet system pays nothing, and a busy one has hints that
	// carry many deliveries. gather is the wait for each gatherStep deliveries.
	gather     = 2 * time.Millisecond
	gatherStep = 8
	gatherMost = 12 * time.Millisecond
	// hintAgain is the wait after a round that Redis did not take.
	hintAgain = 500 * time.Millisecond
	// hintTimeout bounds one task: its deliveries may each wait for a slot.
	hintTimeout = 10 * time.Minute
	// hintRetries keeps asynq from ever giving a hint up: SQL decides.
	hintRetries = 1 << 30
	// hintEarly is how long before its due time a hint is to arrive: asynq
	// rounds to seconds and polls. The worker waits out the rest on a timer and
	// claims then, so that until its time a delivery is in nobody's hands: it
	// can be canceled, held, or sent by an operator's wish.
	hintEarly = 500 * time.Millisecond
)

func newHints(r *Redis, w *waker, log *slog.Logger) *hints {
	full := map[Lane]*atomic.Bool{}
	for _, l := range lanes {
		full[l] = &atomic.Bool{}
	}
	return &hints{
		full: full, counts: newHintCounts(),
		redis: r, client: asynq.NewClientFromRedisClient(r.Client), waker: w, log: log,
		queue: map[hintKey][]hinted{}, kick: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// add notes that a delivery is due, at once or at a time.
func (h *hints) add(l Lane, ref store.Ref, at time.Time) {
	if h.full[l].Load() {
		h.counts.dropped.Add(1)
		return
	}
	key, entry := hintKey{lane: l}, hinted{Ref: ref}
	if !at.IsZero() && time.Until(at) > 0 {
		entry.Due = at
		if early := at.Add(-hintEarly); time.Until(early) > 0 {
			key.at = early.Unix()
		}
	}
	h.mu.Lock()
	if h.count < maxQueued && !h.closing {
		h.queue[key] = append(h.queue[key], entry)
		h.count++
	} else {
		h.counts.dropped.Add(1)
	}
	h.mu.Unlock()
	h.poke()
}

func (h *hints) poke() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// keep puts back what Redis did not take, as far as there is room.
func (h *hints) keep(key hintKey, refs []hinted) {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := max(0, min(len(refs), maxQueued-h.count))
	h.counts.dropped.Add(int64(len(refs) - room))
	refs = refs[:room]
	if len(refs) > 0 {
		h.queue[key] = append(h.queue[key], refs...)
		h.count += len(refs)
	}
}

// start runs until stop.
func (h *hints) start() { go h.run() }

func (h *hints) run() {
	defer close(h.done)
	var sent time.Time
	var wait time.Duration
	for range h.kick {
		time.Sleep(wait - time.Since(sent))
		sent = time.Now()
		h.mu.Lock()
		queue, closing := h.queue, h.closing
		wait = min(time.Duration(1+h.count/gatherStep)*gather, gatherMost)
		h.queue, h.count = map[hintKey][]hinted{}, 0
		h.mu.Unlock()
		away := false
		for key, refs := range queue {
			if !away { // once is enough: each try may take seconds
				refs = h.send(key, refs)
				away = len(refs) > 0
			}
			h.keep(key, refs)
		}
		if closing {
			return
		}
		if away {
			wait = hintAgain
			h.poke()
		}
	}
}

// stop sends what has gathered and ends.
func (h *hints) stop() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.poke()
	<-h.done
}

// send returns what Redis did not take.
func (h *hints) send(key hintKey, refs []hinted) (left []hinted) {
	for len(refs) > 0 {
		n := min(len(refs), maxHint)
		if err := h.enqueue(key, refs[:n]); err != nil {
			h.counts.refused.Add(1)
			if h.failing.Swap(&err) == nil {
				h.log.Warn("Redis does not take hints; deliveries stay in SQL until it does", "error", err)
			}
			return refs
		}
		h.counts.sent.Add(1)
		h.counts.deliveries.Add(int64(n))
		if key == (hintKey{lane: LaneFirst}) {
			failpoint.Hit(failpoint.HintSent)
		}
		if h.failing.Swap(nil) != nil {
			h.log.Info("Redis takes hints again")
		}
		refs = refs[n:]
	}
	if key.at == 0 {
		h.tell(key.lane)
	}
	return nil
}

// trouble is why Redis does not take hints, or nil. What it did not take is
// tried again and again, so this ends by itself.
func (h *hints) trouble() error {
	err := h.failing.Load()
	switch {
	case err == nil:
		return nil
	case strings.Contains((*err).Error(), "OOM "):
		return fmt.Errorf("%w: %w", ErrRedisFull, *err)
	}
	return *err
}

func (h *hints) enqueue(key hintKey, refs []hinted) error {
	payload, err := encodeHint(refs)
	if err != nil {
		return err
	}
	// No task id of our own: a task that Redis handed out to nobody, because its
	// answer came too late, would keep its id, and with it every later hint of
	// the same deliveries, for minutes. Two hints are harmless.
	opts := []asynq.Option{asynq.Queue(key.lane.queue()), asynq.MaxRetry(hintRetries), asynq.Timeout(hintTimeout)}
	if key.at != 0 {
		opts = append(opts, asynq.ProcessAt(time.Unix(key.at, 0)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), redisTimeout)
	defer cancel()
	_, err = h.client.EnqueueContext(ctx, asynq.NewTask(hintType, payload), opts...)
	return err
}

// tell wakes the workers of a lane, here and in other processes.
func (h *hints) tell(l Lane) {
	if h.waker != nil {
		h.waker.wake(l)
	}
	if h.redis.Embedded() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), redisTimeout)
	defer cancel()
	if err := h.redis.Client.Publish(ctx, wakeChannel, string(l)).Err(); err != nil {
		h.log.Debug("other processes could not be woken; they look within a second", "error", err)
	}
}

// measure looks how many hints wait in Redis, and tells whether there is room
// for more. A lane that is full takes no more hints; that of the exports fills
// alone, and holds up nobody else.
func (h *hints) measure(ctx context.Context) (room bool, err error) {
	room = true
	for _, l := range lanes {
		n, err := h.redis.Client.LLen(ctx, "asynq:{"+l.queue()+"}:pending").Result()
		if err != nil {
			return false, err
		}
		h.counts.waiting[l].Store(n)
		full := n >= maxPending
		h.full[l].Store(full)
		room = room && (!full || l == LaneExport)
	}
	return room, nil
}
