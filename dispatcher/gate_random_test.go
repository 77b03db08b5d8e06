package dispatcher

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// gateStep is one thing that happens to a gate.
type gateStep struct {
	What         string
	Key          gateKey
	N, Used      int
	Sent         bool
	Acknowledged bool
	Slow         bool
}

// TestTheGateLeaksNothing drives a gate at random, in virtual time: its books
// agree with the tickets that are out, nobody waits while there is room, and
// whoever asks is answered.
func TestTheGateLeaksNothing(t *testing.T) {
	step := rapid.Custom(func(t *rapid.T) gateStep {
		return gateStep{
			What:         rapid.SampledFrom([]string{"enter", "enter", "enter", "leave", "leave", "reserve", "fed", "wait"}).Draw(t, "what"),
			Key:          rapid.SampledFrom([]gateKey{"a", "b", "c", "d"}).Draw(t, "key"),
			N:            rapid.IntRange(0, 10).Draw(t, "n"),
			Used:         rapid.IntRange(0, 10).Draw(t, "used"),
			Sent:         rapid.Bool().Draw(t, "sent"),
			Acknowledged: rapid.Bool().Draw(t, "acknowledged"),
			Slow:         rapid.Bool().Draw(t, "slow"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.IntRange(1, 40).Draw(rt, "slots")
		steps := rapid.SliceOfN(step, 60, 200).Draw(rt, "steps")
		var fault error
		synctest.Test(t, func(*testing.T) { fault = runGate(slots, steps) })
		if fault != nil {
			rt.Fatal(fault)
		}
	})
}

// gateRun is a gate and what the test knows about it.
type gateRun struct {
	gate     *gate
	most     map[gateKey]int
	held     []*ticket
	reserved []*ticket // for parked deliveries that SQL is asked for
	came     chan *ticket
	asked    int
	answered int
}

func runGate(slots int, steps []gateStep) error {
	r := &gateRun{
		gate: newGate(slots, nobodyFed), most: map[gateKey]int{"a": 1, "b": 3, "c": 64, "d": 64},
		came: make(chan *ticket, len(steps)),
	}
	var fault error
	do := func(s gateStep) {
		r.do(s)
		if err := r.settle(); err != nil && fault == nil {
			fault = fmt.Errorf("after %+v: %w", s, err)
		}
	}
	for _, s := range steps {
		do(s)
	}
	do(gateStep{What: "fed"})
	for range 4 { // until the patience of all is over
		for len(r.held) > 0 {
			do(gateStep{What: "leave"})
		}
		do(gateStep{What: "wait"})
	}
	if fault == nil && (r.asked != r.answered || r.gate.unproven != 0) {
		fault = fmt.Errorf("%d asked, %d got an answer; %d unproven in flight at the end", r.asked, r.answered, r.gate.unproven)
	}
	return fault
}

func (r *gateRun) do(s gateStep) {
	switch s.What {
	case "enter":
		r.asked++
		go func() { r.came <- r.gate.enter(s.Key, r.most[s.Key], nil) }()
	case "leave":
		if len(r.held) == 0 {
			return
		}
		i := s.N % len(r.held)
		ticket := r.held[i]
		r.held = append(r.held[:i], r.held[i+1:]...)
		var a *webhook.Attempt
		if s.Sent {
			a = attempt(s.Acknowledged, 0)
			if s.Slow {
				a.Duration = 2 * quick
			}
		}
		r.gate.leave(ticket, a)
	case "reserve":
		r.reserved = append(r.reserved, r.gate.reserve(s.Key, r.most[s.Key], s.N)...)
	case "fed":
		used := min(s.Used, len(r.reserved))
		r.held = append(r.held, r.reserved[:used]...)
		r.gate.unused(r.reserved[used:])
		r.reserved = nil
	case "wait":
		time.Sleep(patience / 2) // by the bubble's clock
	}
}

// settle waits until everybody waits or has been answered, and looks.
func (r *gateRun) settle() error {
	synctest.Wait()
	for len(r.came) > 0 {
		r.answered++
		if ticket := <-r.came; ticket != nil {
			r.held = append(r.held, ticket)
		}
	}
	return r.check()
}

// check compares the gate's books with the tickets that are out.
func (r *gateRun) check() error {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	out, unproven := map[gateKey]int{}, 0
	for _, ticket := range slices.Concat(r.held, r.reserved) {
		out[ticket.key]++
		if ticket.unproven {
			unproven++
		}
	}
	if r.gate.unproven != unproven || unproven > r.gate.newcomerCap {
		return fmt.Errorf("%d unproven in flight, counted as %d, at most %d allowed", unproven, r.gate.unproven, r.gate.newcomerCap)
	}
	for key, d := range r.gate.doors {
		if d.inFlight != out[key] || d.inFlight > r.most[key] || d.limit < 1 {
			return fmt.Errorf("%s: %d in flight, counted as %d; limit %d of %d", key, out[key], d.inFlight, d.limit, r.most[key])
		}
		if r.gate.room(d) && len(d.waiters) > 0 {
			return fmt.Errorf("%s: %d wait although there is room", key, len(d.waiters))
		}
	}
	return nil
}
