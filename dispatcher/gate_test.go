package dispatcher

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// attempt is one that ended after took.
func attempt(acknowledged bool, took time.Duration) *webhook.Attempt {
	a := &webhook.Attempt{Duration: took}
	if !acknowledged {
		a.Error = &webhook.AttemptError{Code: webhook.ErrorStatus}
	}
	return a
}

// now is a stop that has come: whoever would wait does not.
func now() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func nobodyFed(gateKey) {}

func TestTheLimitAdapts(t *testing.T) {
	const fast, slow = 10 * time.Millisecond, 2 * time.Second
	for _, tc := range []struct {
		name         string
		limit        int
		acknowledged bool
		took         time.Duration
		want         int
		proven       bool
	}{
		{"a quick acknowledgement opens it", 8, true, fast, 9, true},
		{"never beyond max_in_flight", 20, true, fast, 20, true},
		{"a slow one opens it, but proves nothing", 8, true, slow, 9, false},
		{"a quick failure takes no time from anybody", 8, false, fast, 8, true},
		{"one that hangs halves it", 8, false, slow, 4, false},
		{"but leaves it two", 3, false, slow, 2, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGate(64, nobodyFed)
			ticket := g.enter("a", 20, nil)
			g.doors["a"].limit = tc.limit
			g.leave(ticket, attempt(tc.acknowledged, tc.took))
			if d := g.doors["a"]; d.limit != tc.want || d.proven != tc.proven {
				t.Errorf("limit %d, proven %v; want %d, %v", d.limit, d.proven, tc.want, tc.proven)
			}
		})
	}
}

// TestWhoCannotEnterIsParked: it waits for its patience, no longer, and those
// that come after it do not wait at all until something succeeds.
func TestWhoCannotEnterIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(64, nobodyFed)
		var in []*ticket
		for range startLimit {
			in = append(in, g.enter("a", 20, nil))
		}
		start := time.Now()
		if g.enter("a", 20, nil) != nil || time.Since(start) != patience {
			t.Errorf("let in, or turned away after %s, want after %s", time.Since(start), patience)
		}
		start = time.Now()
		if g.enter("a", 20, nil) != nil || time.Since(start) != 0 {
			t.Errorf("let in, or turned away after %s, want at once", time.Since(start))
		}
		if g.enter("b", 20, nil) == nil {
			t.Error("another subscription was turned away")
		}
		g.leave(in[0], attempt(true, 0))
		g.leave(in[1], attempt(true, 0))
		for range 4 { // two places are free, and the limit has grown by two
			if g.enter("a", 20, nil) == nil {
				t.Error("turned away although there is room")
			}
		}
	})
}

// TestWaitersEnterInTheirOrder: who waits is let in as soon as one leaves.
func TestWaitersEnterInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(64, nobodyFed)
		first := g.enter("a", 1, nil)
		entered := make(chan int, 3)
		for i := range 3 {
			go func() {
				if ticket := g.enter("a", 1, nil); ticket != nil {
					entered <- i
					g.leave(ticket, nil)
				}
			}()
			synctest.Wait() // it waits in line
		}
		start := time.Now()
		g.leave(first, attempt(true, 0))
		for want := range 3 {
			if got := <-entered; got != want {
				t.Errorf("number %d entered, want %d", got, want)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("they waited %s", time.Since(start))
		}
	})
}

// TestTheUnprovenShare: however many hang, the proven ones have the rest, and
// a newcomer has a chance to prove itself.
func TestTheUnprovenShare(t *testing.T) {
	g := newGate(20, nobodyFed)
	g.leave(g.enter("good", 20, nil), attempt(true, 0))
	var in []*ticket
	for i := range 10 {
		key := gateKey(fmt.Sprint("bad", i))
		g.leave(g.enter(key, 20, nil), attempt(false, 2*quick))
		for range 3 {
			if ticket := g.enter(key, 20, now()); ticket != nil {
				in = append(in, ticket)
			}
		}
	}
	if len(in) != 10 {
		t.Errorf("%d attempts of hanging subscriptions at once, want 10", len(in))
	}
	if g.enter("good", 20, now()) == nil {
		t.Error("a proven subscription was turned away")
	}
	first := g.enter("new", 20, now())
	if first == nil {
		t.Fatal("a newcomer was turned away")
	}
	if g.enter("new", 20, now()) != nil {
		t.Error("a newcomer got two places of those that are kept for newcomers")
	}
	g.leave(first, attempt(true, 0))
	if g.enter("new", 20, now()) == nil {
		t.Error("it has proven itself, and was turned away")
	}
	for i := range 5 {
		if g.enter(gateKey(fmt.Sprint("newer", i)), 20, now()) == nil {
			t.Error("a newcomer was turned away")
		}
	}
	if g.enter("newest", 20, now()) != nil {
		t.Error("all places for newcomers were taken, and one was given")
	}
}

// TestAPlaceGoesRound: what an unproven subscription leaves is for one that
// has nothing in flight, and of these for one that does not hang.
func TestAPlaceGoesRound(t *testing.T) {
	var fed []gateKey
	g := newGate(2, func(k gateKey) { fed = append(fed, k) }) // one place for all unproven
	for _, key := range []gateKey{"bad1", "bad2"} {
		g.leave(g.enter(key, 20, nil), attempt(false, 2*quick))
	}
	held := g.enter("bad1", 20, nil)
	for _, key := range []gateKey{"bad1", "bad2", "new"} {
		if g.enter(key, 20, now()) != nil {
			t.Fatalf("%s was let in above the share", key)
		}
	}
	g.leave(held, attempt(false, 2*quick))
	if len(fed) != 1 || fed[0] != "new" {
		t.Fatalf("fed %v, want the newcomer", fed)
	}
	g.setParked("new", false)
	g.leave(g.enter("bad1", 20, nil), attempt(false, 2*quick))
	if len(fed) != 2 || fed[1] != "bad1" && fed[1] != "bad2" {
		t.Errorf("fed %v, want one of those that hang", fed)
	}
}

// TestFeedIsAskedForWhenThereIsRoom: only where something is parked.
func TestFeedIsAskedForWhenThereIsRoom(t *testing.T) {
	var fed []gateKey
	g := newGate(64, func(k gateKey) { fed = append(fed, k) })
	a, b := g.enter("a", 1, nil), g.enter("b", 1, nil)
	if g.enter("a", 1, now()) != nil {
		t.Fatal("let in above the limit")
	}
	g.leave(a, attempt(true, 0))
	g.leave(b, attempt(true, 0))
	if len(fed) != 1 || fed[0] != "a" {
		t.Errorf("fed %v, want a", fed)
	}
	g.setParked("a", false)
	g.leave(g.enter("a", 1, nil), attempt(true, 0))
	if len(fed) != 1 {
		t.Errorf("fed %v although nothing is parked", fed)
	}
}

// TestIdleDoorsAreForgotten: memory does not grow with every subscription
// that there ever was, and one in use is kept.
func TestIdleDoorsAreForgotten(t *testing.T) {
	g := newGate(1<<20, nobodyFed)
	kept := g.enter("kept", 1, nil)
	for i := range 2 * doorsToKeep {
		g.leave(g.enter(gateKey(fmt.Sprint(i)), 1, nil), attempt(true, 0))
	}
	if len(g.doors) > doorsToKeep {
		t.Errorf("%d doors", len(g.doors))
	}
	if g.enter("kept", 1, now()) != nil {
		t.Error("what was in flight was forgotten")
	}
	g.leave(kept, nil)
}
