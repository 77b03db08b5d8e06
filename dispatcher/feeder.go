package dispatcher

import (
	"context"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// feeder brings parked deliveries back: when an attempt of their subscription
// ends, when a rate limit opens, or when the reconciler finds some. Nothing
// polls for one subscription, however many of its deliveries are parked.
type feeder struct {
	w    *worker
	mu   sync.Mutex
	busy map[gateKey]bool // a feed is under way; true: and another is wanted
	late map[gateKey]bool // a timer is set
	ends bool
	wg   sync.WaitGroup

	// starved are subscriptions whose pages found no room among those that are
	// claimed, in the order in which they get it.
	starved []gateKey
	inLine  map[gateKey]bool // those of starved
}

// maxFeed is how many parked deliveries one look takes.
const maxFeed = 100

func newFeeder(w *worker) *feeder {
	return &feeder{w: w, busy: map[gateKey]bool{}, late: map[gateKey]bool{}, inLine: map[gateKey]bool{}}
}

// feed starts a look for parked deliveries of a subscription or host, one at a
// time.
func (f *feeder) feed(key gateKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ends {
		return
	}
	if _, running := f.busy[key]; running {
		f.busy[key] = true
		return
	}
	f.busy[key] = false
	f.wg.Go(func() { f.run(key) })
}

// parked notes that a delivery was parked. Its subscription or host may have
// nothing in flight by now that would feed it.
func (f *feeder) parked(key gateKey) {
	f.w.gate.someParked(key)
	f.mu.Lock()
	waits := f.late[key]
	f.mu.Unlock()
	if !waits {
		f.feed(key)
	}
}

// later feeds a subscription when its rate limit opens.
func (f *feeder) later(key gateKey, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.late[key] || f.ends {
		return
	}
	f.late[key] = true
	time.AfterFunc(after, func() {
		f.mu.Lock()
		delete(f.late, key)
		f.mu.Unlock()
		f.feed(key)
	})
}

func (f *feeder) run(key gateKey) {
	for {
		f.once(key)
		f.mu.Lock()
		if again := f.busy[key]; !again || f.ends {
			delete(f.busy, key)
			f.mu.Unlock()
			return
		}
		f.busy[key] = false
		f.mu.Unlock()
	}
}

// once claims as many parked deliveries as may start now, and starts them.
func (f *feeder) once(key gateKey) {
	w := f.w
	limit := webhook.DefaultMaxInFlight
	host, isHost := key.host()
	sub := f.subscription(key)
	switch {
	case sub != nil:
		limit = sub.MaxInFlight
	case !isHost:
		w.gate.setParked(key, false)
		return
	}
	tickets := w.gate.reserve(key, limit, maxFeed)
	allowed := f.allowed(key, sub, len(tickets))
	w.gate.setParked(key, true)
	more := 0
	if sub == nil || sub.RateLimit == 0 {
		more = w.gate.spare(key, maxFeed-allowed)
	}
	if allowed+more == 0 {
		w.gate.unused(tickets)
		return
	}
	limits := store.FeedLimits{Most: allowed, More: more}
	wanted := 0
	if !isHost {
		wanted = min(allowed, w.gate.pageRoom(key, len(tickets)))
		limits.Pages = w.roomForPages(wanted)
	}
	var claimed []store.Claimed
	var err error
	if isHost {
		claimed, err = w.d.o.Store.FeedHost(w.send, host, allowed+more, w.terms())
	} else {
		claimed, err = w.d.o.Store.Feed(w.send, sub.ID, limits, w.terms())
	}
	if err != nil {
		w.d.o.Log.Warn("parked deliveries could not be read; the reconciler tries again", "of", key, "error", err)
	}
	pages := pagesOf(claimed)
	if err == nil && allowed+more > len(claimed)-pages {
		w.gate.noMore(key, isHost || limits.Pages > pages)
	}
	f.send(claimed, key, tickets)
	if pages == limits.Pages && limits.Pages < wanted {
		f.starve(key)
	}
	w.leaveRoom(LaneExport, limits.Pages-pages)
	w.gate.unused(tickets[min(len(claimed), len(tickets)):])
	w.gate.arrived(key, more-max(0, len(claimed)-len(tickets)))
}

// subscription is whose deliveries are to be fed, nil for a host's. One that this
// process has not heard of may have been made since, and what is parked for it
// by a process that is gone: nothing else would have the index read again.
func (f *feeder) subscription(key gateKey) *webhook.Subscription {
	subs, id := f.w.d.o.Subscriptions, webhook.SubscriptionID(key)
	if _, isHost := key.host(); isHost {
		return nil
	}
	if sub := subs.Index().Get(id); sub != nil {
		return sub
	}
	if err := subs.Refresh(f.w.send); err != nil {
		f.w.d.o.Log.Warn("the index of subscriptions could not be refreshed; the reconciler tries again", "error", err)
	}
	return subs.Index().Get(id)
}

// send starts what was claimed. What has no ticket waits for one in memory.
func (f *feeder) send(claimed []store.Claimed, key gateKey, tickets []*ticket) {
	now := time.Now()
	for i := range claimed {
		d := &delivery{w: f.w, c: &claimed[i], lane: laneFor(claimed[i].AttemptCount == 0, claimed[i].RunID != ""), claimed: now}
		if i < len(tickets) {
			d.ticket = tickets[i]
		} else {
			d.expected = key
		}
		f.w.running.Add(1)
		go func() {
			f.w.process(d)
			if d.c.RunID != "" {
				f.w.leaveRoom(LaneExport, 1)
			}
		}()
	}
}

// starve has a subscription fed when there is room for its pages.
func (f *feeder) starve(key gateKey) {
	f.mu.Lock()
	if !f.inLine[key] {
		f.starved, f.inLine[key] = append(f.starved, key), true
	}
	f.mu.Unlock()
	f.feedStarved(1) // there may be room meanwhile
}

// feedStarved feeds up to n of those that wait for room for their pages, if
// hinted pages, which come first, leave any.
func (f *feeder) feedStarved(n int) {
	room := f.w.admission[LaneExport]
	if !room.TryAcquire(1) {
		return
	}
	room.Release(1)
	f.mu.Lock()
	n = min(n, len(f.starved))
	next := f.starved[:n:n]
	f.starved = f.starved[n:] // appending moves it, so that what was taken goes
	for _, key := range next {
		delete(f.inLine, key)
	}
	f.mu.Unlock()
	for _, key := range next {
		f.feed(key)
	}
}

// pagesOf counts the pages of exports.
func pagesOf(claimed []store.Claimed) (n int) {
	for i := range claimed {
		if claimed[i].RunID != "" {
			n++
		}
	}
	return n
}

// allowed is how many of n a subscription's rate limit lets go now. A host has
// no limit.
func (f *feeder) allowed(key gateKey, sub *webhook.Subscription, n int) int {
	if sub == nil || sub.RateLimit == 0 || n == 0 {
		return n
	}
	granted, retryAfter := f.w.rate.take(f.w.send, sub, n)
	if granted < n {
		f.later(key, retryAfter)
	}
	return granted
}

// stop waits for looks under way; no new one starts.
func (f *feeder) stop() {
	f.mu.Lock()
	f.ends = true
	f.mu.Unlock()
	f.wg.Wait()
}

// rateLimit spaces a subscription's requests over all processes (GCRA).
type rateLimit struct{ limiter *redis_rate.Limiter }

func newRateLimit(c redis.UniversalClient) *rateLimit {
	return &rateLimit{redis_rate.NewLimiter(c)}
}

// take asks for up to n requests now. When it grants fewer, it tells when to
// ask again. Without Redis there is no limit: hints do not come either.
func (r *rateLimit) take(ctx context.Context, sub *webhook.Subscription, n int) (granted int, retryAfter time.Duration) {
	// A burst of a tenth of a second's worth keeps the limit true within each second.
	limit := redis_rate.Limit{Rate: sub.RateLimit, Period: time.Second, Burst: max(1, sub.RateLimit/10)}
	res, err := r.limiter.AllowAtMost(ctx, "carteiro:"+string(sub.ID), limit, n)
	if err != nil {
		return n, 0
	}
	if res.Allowed < n {
		retryAfter = max(res.RetryAfter, time.Second/time.Duration(sub.RateLimit))
	}
	return res.Allowed, retryAfter
}
