package faultlab

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// What the environment says.
const (
	envFaults = "CARTEIRO_TEST_FAULTS" // which part: quick when it is not set, short, or all
	envSeed   = "CARTEIRO_TEST_SEED"   // a number: the choices of an earlier run
)

// atOnce is how many runs go on at the same time: most of each is waiting.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(testserver.Run(m))
}

// lab is what the runs share.
type lab struct {
	program string // the binary, with failpoints
	seed    uint64

	mu sync.Mutex // of the output
}

// TestFaults is the laboratory.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("the laboratory runs many processes")
	}
	asked := askedPart(t)
	l := &lab{seed: seed(t), program: build(t)}
	l.head()
	t.Run("runs", func(t *testing.T) {
		for _, s := range scenarios() {
			if s.part > asked {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				l.run(t, s)
			})
		}
	})
}

// part is how much of the laboratory is to be run.
type part int

const (
	whole part = 3 // make faults
	short part = 2 // before a change is merged
	quick part = 1 // with every go test: what needs nothing but Go, and ends soon
)

func askedPart(t *testing.T) part {
	switch text := os.Getenv(envFaults); text {
	case "all":
		return whole
	case "short":
		return short
	case "":
		return quick
	default:
		t.Fatalf("%s=%q is none of short and all", envFaults, text)
		return 0
	}
}

func seed(t *testing.T) uint64 {
	text := os.Getenv(envSeed)
	if text == "" {
		return rand.Uint64N(1_000_000)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is no number", envSeed, text)
	}
	return n
}

// build builds the program with its failpoints.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "carteiro")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "failpoints", "-o", path, "../../cmd/carteiro")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the program cannot be built: %v\n%s", err, out)
	}
	return path
}

// random makes the choices of one run: the same for the same seed and name.
func (l *lab) random(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(l.seed, h.Sum64()))
}

// run makes one run and holds the promises against it.
func (l *lab) run(t *testing.T, s scenario) {
	began := time.Now()
	w := newWorld(t, l, s)
	o := &oracle{}
	defer func() { l.print(w, o, time.Since(began)) }()
	w.setUp()
	s.do(w)
	w.settle()
	o = w.judge()
}

const columns = "%-34s%10v%10v%6v%12v%12v%11v%9v%7v  %s\n"

// head is the first line of the laboratory's output.
func (l *lab) head() {
	fmt.Printf("seed %d: make faults SEED=%d makes the same choices\n", l.seed, l.seed)
	fmt.Printf(columns, "run", "attempted", "accepted", "lost", "duplicated", "unexpected", "recovered", "resumed", "took", "what was broken")
}

// print writes the line of a run: its numbers, and how long after the end of a
// fault the last of what had waited for it started.
func (l *lab) print(w *world, o *oracle, took time.Duration) {
	n, what := o.numbers, w.diary.String()
	if w.t.Failed() {
		what = "FAILED: " + what
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Printf(columns, w.s.name, n.attempted, n.accepted, n.lost, n.duplicated, n.unexpected, n.recovered,
		o.resumed.Round(100*time.Millisecond), took.Round(time.Second), what)
}
