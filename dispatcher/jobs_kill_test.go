package dispatcher_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// childJobs is set in the process that a test starts: the database.
const childJobs = "CARTEIRO_TEST_JOBS_CHILD"

// workOnJobs is that process: it works on jobs until it is killed.
func workOnJobs(database string) {
	t := &childTB{}
	h := newHouse(t, houseOptions{database: database, stopped: true})
	must(t, h.d.WorkOnJobs(context.Background()))
	os.Exit(0)
}

// childTB lets the house be built outside of a test.
type childTB struct{ testing.TB }

func (*childTB) Helper()        {}
func (*childTB) Cleanup(func()) {}
func (*childTB) Failed() bool   { return false }
func (*childTB) Fatal(args ...any) {
	os.Stderr.WriteString("the child of a test cannot go on\n")
	os.Exit(1)
}

// A job that is killed goes on at its checkpoint: a process that works on one
// is killed by SIGKILL eight times, at any moment, and each event has one new
// delivery in the end, for each subscription.
func TestAJobIsKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.stopped = true
		h := newHouse(t, o)
		random := rand.New(rand.NewPCG(seed, 1))
		const events, kills = 2000, 8
		for range events / 500 {
			h.postMany("acme", 500)
		}
		var subs []webhook.SubscriptionID
		for range 2 { // paused: what is made is held, and takes no room
			sub := h.subscribe("http://127.0.0.1:9")
			_, err := h.subs.Pause(context.Background(), sub.ID)
			must(t, err)
			subs = append(subs, sub.ID)
		}
		job := h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Rate: 2000, Filter: webhook.JobFilter{ClientID: "acme"}})
		for range kills {
			h.killAtWork(job.ID, random.Int64N(150), time.Duration(random.IntN(3000))*time.Microsecond)
		}
		before, err := h.store.Job(context.Background(), job.ID)
		must(t, err)
		if before.State != webhook.JobRunning || before.Generation < kills || before.Done == 0 {
			t.Errorf("after the kills the job is %+v: too few hit it", before)
		}
		h.freeJob(job.ID)
		must(t, h.d.WorkOnJobs(context.Background()))
		if j := h.ended(job.ID); j.Done != 2*events || *j.Counted != 2*events || j.Skipped != 0 {
			t.Errorf("the job is %+v", j)
		}
		for _, sub := range subs {
			h.wantOneEach(h.deliveries(store.DeliveryFilter{JobID: job.ID, SubscriptionID: sub}), events)
		}
	})
}

// killAtWork starts a process that takes the job up, and kills it a moment
// after it has done so much.
func (h *house) killAtWork(id webhook.JobID, done int64, moment time.Duration) {
	h.t.Helper()
	h.freeJob(id)
	was, err := h.store.Job(context.Background(), id)
	must(h.t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childJobs+"="+h.o.database)
	cmd.Stderr = os.Stderr
	must(h.t, cmd.Start())
	for late := time.Now().Add(60 * time.Second); ; time.Sleep(time.Millisecond) { // a process that is to be killed tells nobody
		j, err := h.store.Job(context.Background(), id)
		must(h.t, err)
		if j.Generation > was.Generation && j.Done >= was.Done+done {
			break
		}
		if time.Now().After(late) {
			h.t.Fatalf("after 60 s the job is %+v", j)
		}
	}
	time.Sleep(moment) // not a wait for anything: the point of the kill
	must(h.t, cmd.Process.Kill())
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		h.t.Fatalf("the process was to be killed, and ended with %v", err)
	}
}

// freeJob does what the passing of the lease's time does.
func (h *house) freeJob(id webhook.JobID) {
	h.t.Helper()
	j, err := h.store.Job(context.Background(), id)
	must(h.t, err)
	must(h.t, h.store.PutOffJob(context.Background(), store.JobHold{JobID: id, Generation: j.Generation}, time.Unix(0, 0), ""))
}

// A million deliveries need no more memory than a thousand: what a step holds
// is bounded, whatever the job selects.
func TestAJobHoldsOneStep(t *testing.T) {
	n := 20_000
	if s := os.Getenv("CARTEIRO_TEST_RECORDS"); s != "" {
		var err error
		n, err = strconv.Atoi(strings.TrimSpace(s))
		must(t, err)
	}
	h := newHouse(t, houseOptions{stopped: true})
	for range n / 1000 {
		h.postMany("acme", 1000)
	}
	sub := h.subscribe("http://127.0.0.1:9")
	_, err := h.subs.Pause(context.Background(), sub.ID)
	must(t, err)
	job := h.replay(dispatcher.ReplayRequest{Kind: webhook.JobReplay, Filter: webhook.JobFilter{ClientID: "acme"}})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(t, h.d.WorkOnJobs(context.Background()))
	runtime.GC()
	runtime.ReadMemStats(&after)
	// What the heap was given from the system and not what it holds now: its peak.
	if grew := int64(after.HeapSys) - int64(before.HeapSys); grew > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grew>>20)
	}
	if j := h.ended(job.ID); j.Done != int64(n) {
		t.Errorf("the job is %+v", j)
	}
}
