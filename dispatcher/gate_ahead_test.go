package dispatcher

import (
	"testing"
	"time"
)

const quickly, slowly = 10 * time.Millisecond, 2 * time.Second

// answered is a gate with a subscription whose last attempt was acknowledged.
func answered(took time.Duration) *gate {
	g := newGate(64, nobodyFed)
	g.leave(g.enter("a", 20, nil), attempt(true, took))
	return g
}

// TestWhoIsOnTheWayCounts: a newcomer and one that hangs may have as many on the
// way as they may have in flight; a proven one as many as may wait, too.
func TestWhoIsOnTheWayCounts(t *testing.T) {
	for _, tc := range []struct {
		name string
		g    *gate
		want int
	}{
		{"nothing is known of it", newGate(64, nobodyFed), startLimit},
		{"it answers", answered(quickly), 20 + maxWaiters/2},
		{"its last attempt was slow", answered(slowly), startLimit + 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			for tc.g.expect("a", 20) == expectRoom {
				n++
			}
			if n != tc.want {
				t.Errorf("%d may be on the way, want %d", n, tc.want)
			}
			if got := tc.g.expect("a", 20); got != expectNothing {
				t.Errorf("then: %v; nobody was parked", got)
			}
			tc.g.arrived("a", 1)
			if got := tc.g.expect("a", 20); got != expectRoom {
				t.Errorf("after one arrived: %v", got)
			}
		})
	}
}

// TestOthersAreParkedAlready: where a subscription is full and has parked ones,
// further ones are parked at once; a newcomer's go the way of a hint, because
// another process may have room.
func TestOthersAreParkedAlready(t *testing.T) {
	proven, fresh := answered(quickly), newGate(64, nobodyFed)
	for g, want := range map[*gate]expectation{proven: expectParking, fresh: expectNothing} {
		for g.expect("a", 20) == expectRoom {
		}
		g.someParked("a")
		if got := g.expect("a", 20); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// TestSpareKeepsThePlacesBusy: only who answers briskly gets parked deliveries
// brought nearer, as many as may be in flight, and is fed again when they run out.
func TestSpareKeepsThePlacesBusy(t *testing.T) {
	if n := answered(time.Second).spare("a", 100); n != 0 {
		t.Errorf("one that takes a second gets %d", n)
	}
	var fed []gateKey
	g := newGate(64, func(key gateKey) { fed = append(fed, key) })
	g.leave(g.enter("a", 20, nil), attempt(true, quickly))
	limit := g.doors["a"].limit
	if n := g.spare("a", 100); n != limit {
		t.Errorf("%d are brought nearer, want %d", n, limit)
	}
	if n := g.spare("a", 100); n != 0 {
		t.Errorf("%d more are brought nearer", n)
	}
	ticket := g.enter("a", 20, nil)
	g.someParked("a")
	g.doors["a"].max = 1 // so that nothing but the run-out feeds
	g.arrived("a", limit)
	g.doors["a"].max = 20
	g.leave(ticket, attempt(true, quickly))
	if len(fed) != 1 {
		t.Errorf("fed %v when nobody waits in memory any more", fed)
	}
	fed = nil
	g.noMore("a", false)
	g.doors["a"].inFlight = 20 // no place is free
	if g.mu.Lock(); g.runsDry("a", g.doors["a"]) {
		t.Error("SQL is asked again although it had no more")
	}
	g.mu.Unlock()
}
