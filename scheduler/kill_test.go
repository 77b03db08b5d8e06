package scheduler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// childAddress is set in the process that a test starts: the database, after
// the number of workers that send.
const childAddress = "CARTEIRO_TEST_SCHEDULER_CHILD"

// child works on runs, telling each step on its standard output, until it is
// killed.
func child(settings string) {
	t := &childTB{}
	workers, address, _ := strings.Cut(settings, " ")
	n, err := strconv.Atoi(workers)
	must(t, err)
	h := newHouse(t, houseOptions{database: address, clock: &clock{runs: true}, workers: n, source: func(s *store.Store) Source {
		return &meddlingSource{Source: NewStoredRecords(s), before: func() { fmt.Println("read") }}
	}})
	for {
		now := h.s.now()
		run, err := h.store.TakeRun(context.Background(), now, now.Add(leaseTime))
		must(t, err)
		if run == nil {
			fmt.Println("idle")
			select {} // until it is killed
		}
		h.s.work(run)
		fmt.Println("worked")
	}
}

// startChild starts a process that works on the runs there are.
func (h *house) startChild(workers int) (*exec.Cmd, *bufio.Scanner) {
	h.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", childAddress, workers, h.o.database))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(h.t, err)
	must(h.t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// childTB lets the house be built outside of a test.
type childTB struct{ testing.TB }

func (*childTB) Helper()         {}
func (*childTB) Cleanup(func())  {}
func (*childTB) TempDir() string { return os.TempDir() }
func (*childTB) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

func (*childTB) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// A run that is killed goes on at its checkpoint, and every record is in
// exactly one page (P11): a process that works on one is killed by SIGKILL at
// twenty points, chosen at random among its steps.
func TestKilledAtTwentyPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("starts twenty processes")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		h := newHouse(t, o)
		h.clock.Set(time.Now())
		random := rand.New(rand.NewPCG(seed, 1))
		sub := h.subscribe()
		h.subscribe(of("globex"))
		h.limit(10)
		const records = 3000
		h.put(h.yesterday("acme", records)...)
		h.put(h.yesterday("globex", 25)...)
		run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{
			Export: "vendas", StartDate: "2025-06-15", EndDate: "2025-06-15",
		}}, nil)
		must(t, err)
		kills := 0
		for ; kills < 20 && h.state(run.ID) != webhook.RunFinished; kills++ {
			h.killChild(random.IntN(7), time.Duration(random.IntN(3000))*time.Microsecond)
			h.endLease(run.ID)
		}
		if kills < 20 {
			t.Errorf("the run had ended after %d kills", kills)
		}
		h.clock.Set(time.Now().Add(time.Hour))
		h.workAll()
		h.wantOnce(run.ID, "acme", records)
		h.wantOnce(run.ID, "globex", 25)
		h.wantSamePages(run.ID, records/10, sub.ID)
		if got := h.generation(run.ID); got < 20 {
			t.Errorf("the run was taken up %d times: too few kills hit it", got)
		}
	})
}

// killChild starts a process that works, and kills it a moment after a number
// of its reads.
func (h *house) killChild(reads int, moment time.Duration) {
	h.t.Helper()
	cmd, lines := h.startChild(0)
	for lines.Scan() && reads >= 0 {
		if strings.HasPrefix(lines.Text(), "read") {
			reads--
		} else {
			break // it has nothing more to do
		}
	}
	time.Sleep(moment) // not a wait for anything: the point of the kill
	must(h.t, cmd.Process.Kill())
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		h.t.Fatalf("the process was to be killed, and ended with %v", err)
	}
}

// endLease does what the passing of the lease's time does.
func (h *house) endLease(id webhook.RunID) {
	h.t.Helper()
	must(h.t, h.store.PutOffRun(context.Background(), store.Hold{RunID: id, Generation: h.generation(id)}, time.Unix(0, 0), ""))
}

func (h *house) generation(id webhook.RunID) int64 {
	h.t.Helper()
	run, err := h.store.Run(context.Background(), id)
	must(h.t, err)
	return run.Generation
}

func (h *house) state(id webhook.RunID) webhook.RunState {
	h.t.Helper()
	run, err := h.store.Run(context.Background(), id)
	must(h.t, err)
	return run.State
}

// wantOnce checks that a client's records are in pages, each in one.
func (h *house) wantOnce(id webhook.RunID, client webhook.ClientID, n int) {
	h.t.Helper()
	seen := map[string]int{}
	for _, key := range h.sent(id, client) {
		seen[key]++
	}
	for key, times := range seen {
		if times != 1 {
			h.t.Errorf("%s is in %d pages", key, times)
		}
	}
	if len(seen) != n {
		h.t.Errorf("%d records of %s are in pages, want %d", len(seen), client, n)
	}
	clients, err := h.store.RunClients(context.Background(), id)
	must(h.t, err)
	for _, c := range clients {
		if c.ClientID == client && (c.Records != int64(n) || c.State != webhook.ClientDone) {
			h.t.Errorf("the run tells of %d records of %s, which is %s", c.Records, client, c.State)
		}
	}
}

// The same in one process: the run is cut off before its fourth read, whatever
// is committed of what was read until then, and goes on in another scheduler,
// which is cut off in turn.
func TestCutOffBeforeReads(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		cut := make(chan struct{}, 1)
		var h *house
		reads := 0
		o.source = func(s *store.Store) Source {
			return &meddlingSource{Source: NewStoredRecords(s), before: func() {
				if reads++; reads%4 == 0 {
					h.s.cancel()
					cut <- struct{}{}
				}
			}}
		}
		h = newHouse(t, o)
		sub := h.subscribe()
		h.limit(10)
		h.put(h.yesterday("acme", 300)...)
		run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{Export: "vendas"}}, nil)
		must(t, err)
		for h.state(run.ID) != webhook.RunFinished {
			got, err := h.store.TakeRun(context.Background(), h.s.now(), h.s.now().Add(leaseTime))
			must(t, err)
			if got == nil {
				t.Fatal("the run was not given back")
			}
			h.s.work(got)
			select {
			case <-cut:
				h.s = New(h.s.o)
			default:
			}
		}
		if got := h.generation(run.ID); got < 5 {
			t.Errorf("it was cut off only %d times", got-1)
		}
		h.wantOnce(run.ID, "acme", 300)
		h.wantSamePages(run.ID, 30, sub.ID)
	})
}

// PostgreSQL is ended in the middle of a run, and takes the last pages with it:
// their commits did not wait for the disk. They are built again, and no record
// is left out or sent twice.
func TestACrashOfPostgresInTheMiddle(t *testing.T) {
	server := testserver.PostgresOwn(t)
	database, err := server.CreateDatabase(t.Context())
	must(t, err)
	reads := 0
	h := newHouse(t, houseOptions{database: database, source: func(s *store.Store) Source {
		return &meddlingSource{Source: NewStoredRecords(s), before: func() {
			if reads++; reads == 5 {
				server.Kill()
			}
		}}
	}})
	sub := h.subscribe()
	h.limit(10)
	h.put(h.yesterday("acme", 300)...)
	run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{Export: "vendas"}}, nil)
	must(t, err)
	got, err := h.store.TakeRun(context.Background(), h.s.now(), h.s.now().Add(leaseTime))
	must(t, err)
	h.s.work(got)
	must(t, server.Restart(context.Background()))
	if state := h.state(run.ID); state == webhook.RunFinished {
		t.Fatal("the run had ended before the crash")
	}
	h.clock.Set(h.clock.Now().Add(2 * leaseTime))
	h.workAll()
	h.wantOnce(run.ID, "acme", 300)
	h.wantSamePages(run.ID, 30, sub.ID)
}

// A scheduler that was taken for dead and comes back changes nothing: its
// generation is over.
func TestTheDeadDoNotWrite(t *testing.T) {
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		var h *house
		stolen := false
		o.source = func(s *store.Store) Source {
			return &meddlingSource{Source: NewStoredRecords(s), before: func() {
				if stolen {
					return
				}
				stolen = true
				h.clock.Set(h.clock.Now().Add(2 * leaseTime))
				other, err := h.store.TakeRun(context.Background(), h.s.now(), h.s.now().Add(leaseTime))
				must(t, err)
				if other == nil {
					t.Error("the lease had ended, and nobody could take the run")
					return
				}
				New(h.s.o).work(other)
			}}
		}
		h = newHouse(t, o)
		sub := h.subscribe()
		h.put(h.yesterday("acme", 40)...)
		run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{Export: "vendas"}}, nil)
		must(t, err)
		got, err := h.store.TakeRun(context.Background(), h.s.now(), h.s.now().Add(leaseTime))
		must(t, err)
		h.s.work(got)
		h.wantOnce(run.ID, "acme", 40)
		h.wantSamePages(run.ID, 1, sub.ID)
		if len(h.ended) != 1 {
			t.Errorf("%d schedulers say that they ended the run", len(h.ended))
		}
	})
}

// A source that fails puts the run off, tells why, and the run goes on.
func TestFailingSource(t *testing.T) {
	var broken error
	h := newHouse(t, houseOptions{database: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), source: func(s *store.Store) Source {
		return &brokenSource{NewStoredRecords(s), &broken}
	}})
	h.subscribe()
	h.put(h.yesterday("acme", 3)...)
	run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{Export: "vendas"}}, nil)
	must(t, err)
	broken = errors.New("the source is away")
	got, err := h.store.TakeRun(context.Background(), h.s.now(), h.s.now().Add(leaseTime))
	must(t, err)
	h.s.work(got)
	stopped, err := h.store.Run(context.Background(), run.ID)
	must(t, err)
	if !strings.Contains(stopped.Error, "the source is away") || stopped.Failures != 1 || stopped.State == webhook.RunFinished {
		t.Errorf("the run stands at %s, %d failures: %q", stopped.State, stopped.Failures, stopped.Error)
	}
	if h.workAll(); h.state(run.ID) == webhook.RunFinished {
		t.Error("it did not wait")
	}
	broken = nil
	h.clock.Set(h.clock.Now().Add(10 * time.Second))
	h.workAll()
	h.wantOnce(run.ID, "acme", 3)
}

type brokenSource struct {
	Source
	err *error
}

func (b *brokenSource) Read(ctx context.Context, q Query) ([]Record, error) {
	if *b.err != nil {
		return nil, *b.err
	}
	return b.Source.Read(ctx, q)
}
