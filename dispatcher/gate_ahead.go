package dispatcher

// expectation is what the gate says to a delivery that is not there yet.
type expectation int

const (
	expectNothing expectation = iota // it may have to wait long, or be parked
	expectRoom                       // it will be let in, or wait a moment at most; it is counted until it arrives
	expectParking                    // others wait in SQL: it would be parked
)

// expect tells what a delivery of a subscription would find. One that is
// proven may have as many on the way as the gate lets wait; the others no
// more than may be in flight.
func (g *gate) expect(key gateKey, limit int) expectation {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.door(key, limit)
	ahead := d.inFlight + d.expected
	full := d.congested || ahead >= d.max+maxWaiters/2 || !d.proven && (!g.room(d) || ahead >= min(d.limit, d.max))
	switch {
	case !full:
		d.expected++
		return expectRoom
	case g.parked[key] != nil && (d.proven || d.congested):
		return expectParking
	}
	return expectNothing
}

// spare is how many of n parked deliveries may be claimed beyond those that have
// a ticket, to wait in memory: so that the places of a subscription that answers
// briskly are not empty while SQL is asked for the next ones. They are counted
// until they arrive.
func (g *gate) spare(key gateKey, n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.doors[key]
	if d == nil || !d.proven || !d.brisk || d.congested {
		return 0
	}
	n = max(0, min(n, min(d.limit, d.max)-len(d.waiters)-d.expected))
	d.expected += n
	return n
}

// runsDry tells whether parked deliveries should be brought nearer: soon nobody
// will wait in memory. The lock is held.
func (g *gate) runsDry(key gateKey, d *door) bool {
	return g.parked[key] != nil && !d.drained && d.proven && d.brisk && !d.congested && len(d.waiters)+d.expected < min(d.limit, d.max)/2
}

// someParked notes that a delivery of a subscription was parked.
func (g *gate) someParked(key gateKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.doors[key]; d != nil {
		g.parked[key], d.drained = d, false
	}
}

// noMore notes that SQL had fewer parked events than were asked for; all: and no
// parked pages either.
func (g *gate) noMore(key gateKey, all bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.doors[key]; d != nil {
		d.drained = true
	}
	if all {
		delete(g.parked, key)
	}
}

// arrived ends what expect or spare began: a delivery is in, parked or given
// back, or there was none.
func (g *gate) arrived(key gateKey, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n > 0 { // the door is kept as long as it expects somebody
		g.doors[key].expected -= n
	}
}
