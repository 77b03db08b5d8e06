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

// TestTheUnprovenShareHalf: however many hang, the proven ones have the rest.
func TestTheUnprovenShareHalf(t *testing.T) {
	g := newGate(20, nobodyFed)
	good := g.enter("good", 20, nil)
	g.leave(good, attempt(true, 0))
	var in int
	var last *ticket
	for i := range 10 {
		for range 3 {
			if ticket := g.enter(gateKey(fmt.Sprint("bad", i)), 20, now()); ticket != nil {
				in, last = in+1, ticket
			}
		}
	}
	if in != 10 {
		t.Errorf("%d attempts of unproven subscriptions at once, want 10", in)
	}
	if g.enter("good", 20, now()) == nil {
		t.Error("a proven subscription was turned away")
	}
	g.leave(last, attempt(false, 2*quick))
	if g.enter("new", 20, now()) == nil {
		t.Error("a place of the unproven was free, and not given")
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
