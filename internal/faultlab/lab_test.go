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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// What the environment says.
const (
	envFaults = "CARTEIRO_TEST_FAULTS" // "all": every run; else the short part
	envSeed   = "CARTEIRO_TEST_SEED"   // a number: the choices of an earlier run
)

// atOnce is how many runs go on at the same time: most of each is waiting.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == "2" || os.Getenv(envFaults) != "" {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(testserver.Run(m))
}

// lab is what the runs share.
type lab struct {
	program string // the binary, with failpoints
	seed    uint64

	mu   sync.Mutex
	rows []row
}

// row is what a run says of itself.
type row struct {
	name       string
	numbers    numbers
	resumed    time.Duration // how long after the fault's end the last of what waited for it started
	took       time.Duration
	failed     bool
	whatFaults string // what was done, and when
}

// TestFaults is the laboratory.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("the laboratory runs many processes")
	}
	l := &lab{seed: seed(t), program: build(t)}
	t.Logf("seed %d: repeat with %s=%d", l.seed, envSeed, l.seed)
	all := os.Getenv(envFaults) == "all"
	t.Run("runs", func(t *testing.T) {
		for _, s := range scenarios() {
			if !all && !s.short {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				l.run(t, s)
			})
		}
	})
	t.Log("\n" + l.table())
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
	w.setUp()
	s.do(w)
	w.settle()
	o := w.judge()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, row{
		name: s.name, numbers: o.numbers, resumed: o.resumed, took: time.Since(began), failed: t.Failed(), whatFaults: w.told(),
	})
}

// table is the laboratory's output.
func (l *lab) table() string {
	var b strings.Builder
	line := func(name string, columns ...any) {
		fmt.Fprintf(&b, "%-34s%10v%10v%6v%12v%12v%11v%9v%7v  %v\n", append([]any{name}, columns...)...)
	}
	line("run", "attempted", "accepted", "lost", "duplicated", "unexpected", "recovered", "resumed", "took", "")
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rows {
		n, how := r.numbers, ""
		if r.failed {
			how = "FAILED"
		}
		line(r.name, n.attempted, n.accepted, n.lost, n.duplicated, n.unexpected, n.recovered,
			r.resumed.Round(100*time.Millisecond), r.took.Round(time.Second), strings.TrimSpace(r.whatFaults+" "+how))
	}
	fmt.Fprintf(&b, "seed %d\n", l.seed)
	return b.String()
}
