package batch

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.RunWithoutLeaks(m)) }

// runner is a run function that tells what it was given, and goes on when it
// is let.
type runner struct {
	mu   sync.Mutex
	runs [][]int
	now  int // runs under way
	most int
	gate chan struct{} // each run takes one value before it answers
}

func newRunner() *runner { return &runner{gate: make(chan struct{}, 1000)} }

// let lets n runs go on.
func (r *runner) let(n int) {
	for range n {
		r.gate <- struct{}{}
	}
}

// run answers each input with ten times itself, and a negative one with an error.
func (r *runner) run(ins []int) []Result[int] {
	r.mu.Lock()
	r.runs = append(r.runs, slices.Clone(ins))
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	<-r.gate
	r.mu.Lock()
	r.now--
	r.mu.Unlock()
	out := make([]Result[int], len(ins))
	for i, in := range ins {
		out[i].Value = 10 * in
		if in < 0 {
			out[i].Err = errNegative
		}
	}
	return out
}

var errNegative = errors.New("negative")

// wantRuns fails the test unless the runs were given these inputs.
func (r *runner) wantRuns(tb testing.TB, want ...[]int) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.runs); diff != "" {
		tb.Errorf("runs: -want +got:\n%s", diff)
	}
}

// do calls Do in the background, after what was called before has settled.
func do(tb testing.TB, b *Batcher[int, int], in int) {
	tb.Helper()
	go func() {
		out, err := b.Do(context.Background(), in)
		if in < 0 && !errors.Is(err, errNegative) || in >= 0 && (err != nil || out != 10*in) {
			tb.Errorf("%d is answered with %d, %v", in, out, err)
		}
	}()
	synctest.Wait()
}

func TestAloneRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 100}, r.run)
		defer b.Close()
		for i := range 3 {
			r.let(1)
			if out, err := b.Do(t.Context(), i); out != 10*i || err != nil {
				t.Errorf("%d is answered with %d, %v", i, out, err)
			}
		}
		r.wantRuns(t, []int{0}, []int{1}, []int{2})
	})
}

func TestGathersWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 4}, r.run)
		for i := range 8 {
			do(t, b, i)
		}
		r.wantRuns(t, []int{0})
		if b.Waiting() != 7 {
			t.Errorf("%d wait, want 7", b.Waiting())
		}
		r.let(1)
		synctest.Wait()
		r.wantRuns(t, []int{0}, []int{1, 2, 3, 4})
		do(t, b, -1)
		r.let(2)
		synctest.Wait()
		r.wantRuns(t, []int{0}, []int{1, 2, 3, 4}, []int{5, 6, 7, -1})
		if b.Waiting() != 0 {
			t.Errorf("%d wait, want none", b.Waiting())
		}
		b.Close()
	})
}

func TestWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 10, Weight: func(in int) int { return in }}, r.run)
		// 0 weighs 1 all the same; 20 is too heavy for any run and goes alone.
		for _, in := range []int{1, 4, 4, 4, 20, 9, 0, 1, 10} {
			do(t, b, in)
		}
		r.let(7)
		b.Close()
		r.wantRuns(t, []int{1}, []int{4, 4}, []int{4}, []int{20}, []int{9, 0}, []int{1}, []int{10})
	})
}

func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 2, Parallel: 3}, r.run)
		for i := range 8 {
			do(t, b, i)
		}
		r.wantRuns(t, []int{0}, []int{1}, []int{2})
		r.let(1)
		synctest.Wait()
		r.wantRuns(t, []int{0}, []int{1}, []int{2}, []int{3, 4})
		r.let(5)
		b.Close()
		if r.most != 3 {
			t.Errorf("%d runs at once, want 3", r.most)
		}
	})
}

// TestGathersBehindMany: behind a run of many the next one waits for company,
// until it is whole or the time is over; behind a small one it does not.
func TestGathersBehindMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		r.let(100)
		b := New(Options[int]{MaxWeight: 4, Gather: time.Second, GatherFrom: 3, Weight: func(in int) int { return in }}, r.run)
		defer b.Close()
		do(t, b, 2)
		do(t, b, 1)
		r.wantRuns(t, []int{2}, []int{1}) // small ones: nothing waits
		do(t, b, 3)
		do(t, b, 1)
		do(t, b, 1)
		r.wantRuns(t, []int{2}, []int{1}, []int{3})
		do(t, b, 2) // the run is whole
		r.wantRuns(t, []int{2}, []int{1}, []int{3}, []int{1, 1, 2})
		do(t, b, 1)
		began := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		r.wantRuns(t, []int{2}, []int{1}, []int{3}, []int{1, 1, 2}, []int{1})
		if took := time.Since(began); took != time.Second {
			t.Errorf("it waited %s", took)
		}
		do(t, b, 4)
		do(t, b, 1) // waits
		b.Close()   // and does not any more
		r.wantRuns(t, []int{2}, []int{1}, []int{3}, []int{1, 1, 2}, []int{1}, []int{4}, []int{1})
		if took := time.Since(began); took != time.Second {
			t.Errorf("the end waited until %s", took)
		}
	})
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 10}, r.run)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 2)
		for _, in := range []int{1, 2} { // one under way, one that waits
			go func() {
				_, err := b.Do(ctx, in)
				left <- err
			}()
			synctest.Wait()
		}
		cancel()
		for range 2 {
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		r.wantRuns(t, []int{1})
		r.let(2)
		b.Close()
		r.wantRuns(t, []int{1}, []int{2}) // what was handed in happens
	})
}

func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner()
		b := New(Options[int]{MaxWeight: 1, Parallel: 2}, r.run)
		for i := range 5 {
			do(t, b, i)
		}
		closed := make(chan struct{})
		go func() {
			b.Close()
			close(closed)
		}()
		synctest.Wait()
		if _, err := b.Do(t.Context(), 9); !errors.Is(err, ErrClosed) {
			t.Errorf("a call after Close: %v", err)
		}
		r.let(4)
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed before the last run was over")
		default:
		}
		r.let(1)
		<-closed
		if len(r.runs) != 5 {
			t.Errorf("%d runs, want all 5 that were accepted", len(r.runs))
		}
		b.Close() // again
	})
}

// Outside of a bubble, for the race detector.
func TestEachGetsItsOwnAnswer(t *testing.T) {
	const callers, calls = 16, 200
	var mu sync.Mutex
	gathered := 0
	b := New(Options[int]{MaxWeight: 7, Parallel: 2}, func(ins []int) []Result[int] {
		mu.Lock()
		gathered += len(ins)
		mu.Unlock()
		out := make([]Result[int], len(ins))
		for i, in := range ins {
			out[i].Value = -in
		}
		return out
	})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				in := c*calls + i
				if out, err := b.Do(context.Background(), in); out != -in || err != nil {
					t.Errorf("%d is answered with %d, %v", in, out, err)
				}
			}
		})
	}
	wg.Wait()
	b.Close()
	if gathered != callers*calls {
		t.Errorf("%d calls were run, want %d", gathered, callers*calls)
	}
}
