package dispatcher

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// gate keeps one bad subscriber from taking what the others need. It bounds
// the attempts in flight of each subscription in this process, with a limit
// that adapts: it grows with each quick acknowledgement up to max_in_flight,
// and halves when an attempt hangs. Subscriptions whose last attempt did not
// end quickly are unproven, and all of them together share half of the slots;
// a further quarter is kept for the first attempt of those that nothing is
// known of, so that a newcomer does not wait for those that hang.
//
// Who may not enter waits a moment in memory; after that the subscription is
// congested, and its deliveries are parked in SQL until one in flight ends.
type gate struct {
	unprovenCap int // attempts in flight of all unproven subscriptions together
	newcomerCap int // the same, where the next one is a newcomer's first
	feed        func(gateKey)

	mu       sync.Mutex
	unproven int
	doors    map[gateKey]*door
	waiting  map[gateKey]*door // those of doors that have waiters
	parked   map[gateKey]*door // those of doors of which SQL may hold parked deliveries
}

// gateKey is a subscription's id, or the host of a delivery without one.
type gateKey string

const hostPrefix = "host:" // no subscription's id begins so

func hostKey(host string) gateKey { return gateKey(hostPrefix + host) }

// host is the host that a key stands for; ok is false for a subscription's.
func (k gateKey) host() (host string, ok bool) { return strings.CutPrefix(string(k), hostPrefix) }

// hostOf is the host and port of a target: what callbacks share a door by. One
// that a client spells in two ways gets two.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return "?" // it will not be dialled either; it must not be nobody's
	}
	return strings.ToLower(u.Host)
}

// door is the state of one subscription.
type door struct {
	inFlight  int
	expected  int // claimed deliveries that have not come to the gate yet, see gate_ahead.go
	limit     int // present, at most max
	max       int // the subscription's max_in_flight
	proven    bool
	slow      bool // its last attempt was not quick
	brisk     bool // its last attempt took much less than a delivery's patience
	drained   bool // SQL had no more parked events when it was last asked, and none was parked since
	congested bool // whoever waited for it last waited in vain
	waiters   []chan *ticket
}

// ticket is the right to one attempt in flight.
type ticket struct {
	key      gateKey
	unproven bool
}

const (
	startLimit  = 8                      // attempts in flight of a subscription that nothing is known of
	slowLimit   = 2                      // the least that a hanging one keeps
	quick       = time.Second            // an attempt that took longer proves nothing
	brisk       = 100 * time.Millisecond // an attempt that took longer is not waited for by others that are claimed
	patience    = 500 * time.Millisecond // how long a delivery waits in memory before it is parked
	maxWaiters  = 256                    // deliveries of one subscription that wait in memory
	doorsToKeep = 20_000
)

func newGate(slots int, feed func(gateKey)) *gate {
	return &gate{
		unprovenCap: max(1, slots/2), newcomerCap: max(1, 3*slots/4), feed: feed,
		doors: map[gateKey]*door{}, waiting: map[gateKey]*door{}, parked: map[gateKey]*door{},
	}
}

// enter gives a ticket, or nil when the delivery is to be parked.
func (g *gate) enter(key gateKey, limit int, stop <-chan struct{}) *ticket {
	g.mu.Lock()
	d := g.door(key, limit)
	if len(d.waiters) == 0 {
		if t := g.admit(key, d); t != nil {
			g.mu.Unlock()
			return t
		}
	}
	if d.congested || len(d.waiters) >= maxWaiters {
		g.parked[key] = d
		g.mu.Unlock()
		return nil
	}
	turn := make(chan *ticket, 1)
	d.waiters = append(d.waiters, turn)
	g.waiting[key] = d
	g.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case t := <-turn:
		return t
	case <-timer.C:
	case <-stop:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(d.waiters, turn); i >= 0 {
		d.waiters = slices.Delete(d.waiters, i, i+1)
		if len(d.waiters) == 0 {
			delete(g.waiting, key)
		}
		d.congested, g.parked[key] = true, d
		return nil
	}
	return <-turn // it was admitted in the same moment
}

// enterPage is enter for a page of an export. A page never waits in memory,
// where an event would have to wait behind it, and leaves a part of the
// subscription's places free; the feeder takes parked events before pages.
func (g *gate) enterPage(key gateKey, limit int) *ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.door(key, limit)
	if len(d.waiters) == 0 && d.inFlight < d.pagePlaces() {
		if t := g.admit(key, d); t != nil {
			return t
		}
	}
	g.parked[key] = d
	return nil
}

// pagePlaces is up to how many attempts in flight a page may be one of.
func (d *door) pagePlaces() int { return max(1, min(d.limit, d.max)*3/4) }

// freeForPages is how many further pages of an export would get a ticket now:
// none while others of the subscription wait in SQL.
func (g *gate) freeForPages(key gateKey, limit int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.door(key, limit)
	if g.parked[key] != nil {
		return 0
	}
	return max(0, d.pagePlaces()-d.inFlight)
}

// pageRoom is how many of n tickets, which were just reserved, may go to pages.
func (g *gate) pageRoom(key gateKey, n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.doors[key]
	return max(0, d.pagePlaces()-(d.inFlight-n))
}

// leave gives a ticket back. attempt is nil when nothing was sent.
func (g *gate) leave(t *ticket, attempt *webhook.Attempt) {
	g.mu.Lock()
	d := g.doors[t.key]
	d.inFlight--
	if t.unproven {
		g.unproven--
	}
	if attempt != nil {
		d.learn(attempt)
	}
	var feed []gateKey
	if g.admitWaiters(t.key, d) || g.runsDry(t.key, d) {
		feed = append(feed, t.key)
	}
	if t.unproven {
		g.admitOthers(t.key)
		if other := g.hungry(); other != "" {
			if !d.proven {
				feed = feed[:0] // a place of the share goes round
			}
			feed = append(feed, other)
		}
	}
	g.mu.Unlock()
	for _, key := range feed {
		g.feed(key)
	}
}

// hungry finds an unproven subscription that has parked deliveries and
// nothing in flight: no end of its own attempts would feed it. One that does
// not hang comes first. The lock is held.
func (g *gate) hungry() gateKey {
	var found gateKey
	for key, d := range g.parked {
		if d.proven || d.inFlight > 0 || len(d.waiters) > 0 || !g.room(d) {
			continue
		}
		if !d.slow {
			return key
		}
		found = key
	}
	return found
}

// learn adapts the limit to how an attempt ended.
func (d *door) learn(a *webhook.Attempt) {
	d.slow, d.brisk = a.Duration > quick, a.Duration <= brisk
	switch {
	case a.Duration > quick && a.Acknowledged(): // slow, but it does its work
		d.limit, d.proven, d.congested = min(d.max, d.limit+1), false, false
	case a.Duration > quick:
		d.limit, d.proven = max(slowLimit, d.limit/2), false
	case a.Acknowledged():
		d.limit, d.proven, d.congested = min(d.max, d.limit+1), true, false
	default: // a quick failure costs nobody time
		d.proven, d.congested = true, false
	}
}

// room tells whether one more attempt may start. The lock is held.
func (g *gate) room(d *door) bool {
	switch {
	case d.inFlight >= min(d.limit, d.max):
		return false
	case d.proven || g.unproven < g.unprovenCap:
		return true
	}
	return d.inFlight == 0 && !d.slow && g.unproven < g.newcomerCap
}

// admit gives a ticket if there is room. The lock is held.
func (g *gate) admit(key gateKey, d *door) *ticket {
	if !g.room(d) {
		return nil
	}
	t := &ticket{key: key, unproven: !d.proven}
	d.inFlight++
	if t.unproven {
		g.unproven++
	}
	return t
}

// admitWaiters lets those in who wait for one subscription, and tells whether
// there is room for parked ones too. The lock is held.
func (g *gate) admitWaiters(key gateKey, d *door) (feed bool) {
	for len(d.waiters) > 0 {
		t := g.admit(key, d)
		if t == nil {
			return false
		}
		d.waiters[0] <- t
		d.waiters = d.waiters[1:]
	}
	delete(g.waiting, key)
	return g.parked[key] != nil && g.room(d)
}

// admitOthers lets those in who waited for the share of the unproven.
func (g *gate) admitOthers(but gateKey) {
	for key, d := range g.waiting {
		if key != but && !d.proven {
			g.admitWaiters(key, d)
		}
	}
}

// reserve gives up to n tickets for parked deliveries.
func (g *gate) reserve(key gateKey, limit, n int) []*ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.door(key, limit)
	var out []*ticket
	for len(out) < n {
		t := g.admit(key, d)
		if t == nil {
			break
		}
		out = append(out, t)
	}
	return out
}

// unused gives back tickets that found no parked delivery.
func (g *gate) unused(ts []*ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range ts {
		g.undo(t)
		g.admitWaiters(t.key, g.doors[t.key])
		if t.unproven {
			g.admitOthers(t.key)
		}
	}
}

func (g *gate) undo(t *ticket) {
	g.doors[t.key].inFlight--
	if t.unproven {
		g.unproven--
	}
}

// setParked notes whether SQL holds parked deliveries of a subscription.
func (g *gate) setParked(key gateKey, parked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch d := g.doors[key]; {
	case !parked:
		delete(g.parked, key)
	case d != nil:
		g.parked[key] = d
	}
}

// door finds or makes the state of a subscription. The lock is held.
func (g *gate) door(key gateKey, limit int) *door {
	d := g.doors[key]
	if d == nil {
		if len(g.doors) >= doorsToKeep {
			g.forget()
		}
		d = &door{limit: min(startLimit, limit)}
		g.doors[key] = d
	}
	d.max = limit
	return d
}

// forget drops what is known of subscriptions that do nothing at present.
func (g *gate) forget() {
	for key, d := range g.doors {
		if d.inFlight == 0 && d.expected == 0 && len(d.waiters) == 0 {
			delete(g.doors, key)
			delete(g.parked, key)
		}
	}
}
