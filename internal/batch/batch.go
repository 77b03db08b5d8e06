package batch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrClosed is returned by Do after Close.
var ErrClosed = errors.New("batch: closed")

// Options shape a Batcher.
type Options[In any] struct {
	MaxWeight int          // a run takes calls until their weights reach this
	Parallel  int          // runs at the same time, at least 1
	Weight    func(In) int // weight of a call; nil: 1 each
	// Gather is how long the next run waits after the end of one that weighed
	// GatherFrom or more, unless MaxWeight is there before: callers that were
	// answered together come back together. Where it is quiet nothing waits.
	Gather     time.Duration
	GatherFrom int
	// Observe is called after each run, before its calls get their answers; nil:
	// nobody looks.
	Observe func(Run)
}

// Run is a run that is over.
type Run struct {
	Calls  int
	Weight int
	Took   time.Duration
}

// Batcher gathers calls of Do into runs.
type Batcher[In, Out any] struct {
	run   func([]In) []Result[Out]
	o     Options[In]
	mu    sync.Mutex
	queue []*call[In, Out]
	heavy int           // weight of the queue
	full  chan struct{} // holds a value when there is a whole run, and at the end
	busy  int
	ended bool
	idle  sync.Cond
}

// Result is what a run answers to one call.
type Result[Out any] struct {
	Value Out
	Err   error
}

type call[In, Out any] struct {
	in     In
	weight int
	done   chan Result[Out]
}

// New returns a Batcher. run gets at least one input and answers each, in order.
func New[In, Out any](o Options[In], run func([]In) []Result[Out]) *Batcher[In, Out] {
	if o.Weight == nil {
		o.Weight = func(In) int { return 1 }
	}
	if o.Observe == nil {
		o.Observe = func(Run) {}
	}
	o.Parallel = max(o.Parallel, 1)
	b := &Batcher[In, Out]{run: run, o: o, full: make(chan struct{}, 1)}
	b.idle.L = &b.mu
	return b
}

// Do hands in to a run and waits for its answer. When ctx ends first, the run
// still happens: its outcome is then unknown to the caller.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	c := &call[In, Out]{in: in, weight: max(b.o.Weight(in), 1), done: make(chan Result[Out], 1)}
	var zero Out
	b.mu.Lock()
	if b.ended {
		b.mu.Unlock()
		return zero, ErrClosed
	}
	b.queue = append(b.queue, c)
	b.heavy += c.weight
	if b.heavy >= b.o.MaxWeight {
		b.hurry()
	}
	if b.busy < b.o.Parallel {
		b.busy++
		go b.work()
	}
	b.mu.Unlock()
	select {
	case r := <-c.done:
		return r.Value, r.Err
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}

// Waiting is how many calls have not been taken by a run yet.
func (b *Batcher[In, Out]) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

// Close refuses further calls and waits for those that were accepted.
func (b *Batcher[In, Out]) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.hurry()
	for b.busy > 0 {
		b.idle.Wait()
	}
}

func (b *Batcher[In, Out]) work() {
	for {
		calls, weight := b.take()
		if calls == nil {
			return
		}
		ins := make([]In, len(calls))
		run := Run{Calls: len(calls)}
		for i, c := range calls {
			ins[i] = c.in
			run.Weight += c.weight
		}
		began := time.Now()
		answers := b.run(ins)
		run.Took = time.Since(began)
		b.o.Observe(run)
		for i, r := range answers {
			calls[i].done <- r
		}
		if b.o.Gather > 0 && weight >= b.o.GatherFrom {
			b.gather()
		}
	}
}

// gather waits until there is a whole run, but not long.
func (b *Batcher[In, Out]) gather() {
	b.mu.Lock()
	enough := b.ended || b.heavy >= b.o.MaxWeight
	if !enough {
		select {
		case <-b.full: // of a run that is over
		default:
		}
	}
	b.mu.Unlock()
	if enough {
		return
	}
	timer := time.NewTimer(b.o.Gather)
	defer timer.Stop()
	select {
	case <-b.full:
	case <-timer.C:
	}
}

// hurry ends a wait for more calls. The lock is held.
func (b *Batcher[In, Out]) hurry() {
	select {
	case b.full <- struct{}{}:
	default:
	}
}

// take removes the next run's calls from the queue; nil ends the worker.
func (b *Batcher[In, Out]) take() (calls []*call[In, Out], weight int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.busy--
		b.idle.Broadcast()
		return nil, 0
	}
	n := 0
	for n < len(b.queue) && (n == 0 || weight+b.queue[n].weight <= b.o.MaxWeight) {
		weight += b.queue[n].weight
		n++
	}
	calls = make([]*call[In, Out], n)
	copy(calls, b.queue)
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	b.heavy -= weight
	return calls, weight
}
