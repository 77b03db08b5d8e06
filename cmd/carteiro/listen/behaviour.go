package listen

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Behaviour is how a receiver answers. The zero one is good: 200 at once.
type Behaviour struct {
	Status    int     // of a good answer; 0: 200
	BadStatus int     // of a bad one; 0: 503
	Fail      float64 // share of requests that are answered badly, 0 to 1
	FailFirst int     // so many requests of each message are answered badly, whatever Fail says
	Close     float64 // share of requests whose connection is reset without an answer
	Hang      float64 // share of requests that get no answer until the sender gives up
	SlowFrom  time.Duration
	SlowTo    time.Duration // each answer waits a time between the two
	Seed      uint64        // the same seed, the same order of requests, the same answers
}

// Good tells whether it never misbehaves.
func (b Behaviour) Good() bool {
	return b.Fail == 0 && b.FailFirst == 0 && b.Close == 0 && b.Hang == 0 && b.SlowTo == 0 && (b.Status == 0 || b.Status == 200)
}

// ParseShare reads a share: 30%, or 0.3.
func ParseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	share, err := strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share <= 1) { // NaN is neither
		return 0, fmt.Errorf("%q is no share such as 30%% or 0.3", text)
	}
	return share, nil
}

// ParseSlow reads a time, or two between which each wait is: 2s, 1s-5s.
func ParseSlow(text string) (from, to time.Duration, err error) {
	first, second, isRange := strings.Cut(text, "-")
	if !isRange {
		second = first
	}
	from, err = time.ParseDuration(first)
	if err == nil {
		to, err = time.ParseDuration(second)
	}
	if err != nil || from < 0 || to < from {
		return 0, 0, fmt.Errorf("%q is no time such as 2s, or 1s-5s", text)
	}
	return from, to, nil
}

// manner is what happens to one request.
type manner string

const (
	answers manner = "answered"
	refuses manner = "refused" // a key was given, and the message is not signed with it
	fails   manner = "failed"
	closes  manner = "closed"
	hangs   manner = "hung"
)

// dice decides. Each request takes the same number of throws, so that one
// setting changes nothing for the others.
type dice struct {
	b   Behaviour
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(b Behaviour) *dice {
	return &dice{b: b, rng: rand.New(rand.NewPCG(b.Seed, 0))}
}

// throw decides about the n-th request of a message.
func (d *dice) throw(n int) (m manner, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what, long := d.rng.Float64(), d.rng.Float64()
	wait = d.b.SlowFrom + time.Duration(long*float64(d.b.SlowTo-d.b.SlowFrom))
	switch {
	case n <= d.b.FailFirst:
		return fails, wait
	case what < d.b.Close:
		return closes, wait
	case what < d.b.Close+d.b.Hang:
		return hangs, wait
	case what < d.b.Close+d.b.Hang+d.b.Fail:
		return fails, wait
	}
	return answers, wait
}
