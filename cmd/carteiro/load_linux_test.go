package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// memory is what the process took of the machine at most, in bytes.
func (p *process) memory() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if peak == nil {
		p.t.Fatalf("no VmHWM in %s", text)
	}
	kib, err := strconv.ParseInt(string(peak[1]), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return kib << 10
}

// TestPostersOfADeadDatabase: the database hangs, and posters go on coming with
// bodies near the limit, far more of them than the memory may take. What there
// is no room for is refused at once, and the process stays small.
func TestPostersOfADeadDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("posts half a gigabyte")
	}
	database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
	p := startShared(t, database, carrier)
	url, got := newAgreeing(t, 0)
	p.subscribe(url)
	operator := session(t, database)
	execute(t, operator, "BEGIN", "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
	before := p.memory()
	s := &poster{t: t, p: p, padding: 1_000_000, hasty: true}
	all := s.at(250, 2)
	s.wantRefusedOrLate(all)
	codes := map[string]int{}
	for _, o := range all {
		codes[o.code]++
	}
	after := p.memory()
	t.Logf("%v; memory at most %d MiB, %d MiB before", codes, after>>20, before>>20)
	if codes["overloaded"] == 0 || codes["database_unavailable"] == 0 {
		t.Error("not both: some wait for the database, and some find no room")
	}
	if after > 640<<20 {
		t.Errorf("%d MiB of memory", after>>20)
	}
	hangUp(operator)
	p.waitReady()
	s.padding, s.hasty = 0, false
	s.at(4, 5)
	s.wantDelivered(got)
}

// TestIdleIsCheap: processes that have nothing to do leave the database alone,
// but for a few looks a second each.
func TestIdleIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at processes that do nothing for a while")
	}
	database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
	operator := session(t, database)
	defer hangUp(operator)
	committed := func() (n int64) {
		t.Helper()
		if err := operator.QueryRow(context.Background(), `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const processes, span = 5, 10 * time.Second
	for range processes {
		startShared(t, database, carrier)
	}
	<-time.After(12 * time.Second) // an idle session of PostgreSQL tells what it did ten seconds later
	before := committed()
	<-time.After(span) // not a wait for anything: the span of the measure
	each := float64(committed()-before) / span.Seconds() / processes
	t.Logf("%.1f transactions a second in each of %d processes", each, processes)
	if each > 8 {
		t.Errorf("each process makes %.1f transactions a second", each)
	}
}
