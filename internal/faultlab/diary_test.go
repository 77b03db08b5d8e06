package faultlab

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// fault is a line of the diary: what was broken, when, and what that excuses.
type fault struct {
	what string
	from time.Time
	to   time.Time // healed; zero: not yet
	// repeats: what was in flight may be sent again.
	repeats bool
	intake  intakeRule
	// within is how soon after the healing everything due has to move.
	within time.Duration
}

// intakeRule says what the intake may do during a fault.
type intakeRule int

const (
	accepts intakeRule = iota // it takes everything in
	refuses                   // it may refuse, with 503 and Retry-After, in time (P6)
	gone                      // the process that was asked is dead
)

// The times that are promised.
const (
	afterRedis  = 30 * time.Second // P5: Redis is back
	afterWipe   = 60 * time.Second // P5: Redis is back and empty
	afterKill   = 60 * time.Second // P7
	afterSQL    = 60 * time.Second // what was claimed when SQL went away waits for the end of its lease
	intakeLimit = 2 * time.Second  // P6
)

// What the laboratory allows for on a busy machine.
const (
	slack     = time.Second      // of an answer
	commits   = 2 * time.Second  // between an answer that the receiver wrote and its record
	edges     = 3 * time.Second  // until every connection has noticed a fault, or its end
	ordinary  = 5 * time.Second  // lateness without any fault
	hinted    = 12 * time.Second // how far ahead hints are made: what is due until then may be lost with one
	tolerance = 2 * time.Microsecond
)

// diary is what was done to the program.
type diary struct {
	mu     sync.Mutex
	faults []*fault
}

// note writes a fault down; its end is written by healed.
func (d *diary) note(f fault) *fault {
	if f.from.IsZero() {
		f.from = time.Now()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
	return &f
}

func (d *diary) healed(f *fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.to = time.Now()
}

// any tells whether one of the faults has a property.
func (d *diary) any(has func(*fault) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if has(f) {
			return true
		}
	}
	return false
}

// overlaps tells whether a span of time touches the fault, with its edges.
func (f *fault) overlaps(from, to time.Time) bool {
	return from.Before(f.to.Add(edges)) && to.After(f.from.Add(-slack))
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var parts []string
	for _, f := range d.faults {
		text := f.what
		if took := f.to.Sub(f.from); took > 0 {
			text += fmt.Sprintf(" (%s)", took.Round(100*time.Millisecond))
		}
		parts = append(parts, text)
	}
	if len(parts) > 4 {
		parts = append(parts[:3], fmt.Sprintf("and %d more", len(parts)-3))
	}
	return strings.Join(parts, ", ")
}
