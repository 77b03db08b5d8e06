package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// TestSeveralMachines: two processes of each role on one PostgreSQL and one
// Redis, as on several machines. Events come in where nobody sends, workers
// send them, and each fire of an export is one run. One of each role is killed
// in the middle: nothing is missing, no fire is skipped or doubled, and only
// what the killed worker had claimed and not recorded may be repeated, once
// (P1, P3, P7, P10).
func TestSeveralMachines(t *testing.T) {
	if testing.Short() {
		t.Skip("starts six processes, and waits for the claims of a killed one to end")
	}
	const inFlight = 8
	database, carrier := testserver.Postgres(t), testserver.Redis(t).URL()
	role := func(name string) *process {
		return startShared(t, database, carrier, "CARTEIRO_ROLES="+name, fmt.Sprintf("CARTEIRO_WORKERS=%d", inFlight))
	}
	one, two := role("api"), role("api") // the first one migrates
	workers := []*process{role("worker"), role("worker")}
	schedulers := []*process{role("scheduler"), role("scheduler")}
	url, got := newAgreeing(t, 20*time.Millisecond) // so that there is something under way
	if status := one.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["*"]}`, nil); status != 201 {
		t.Fatal(status)
	}
	one.everyTwoSeconds()

	s, other := &poster{t: t, p: one}, &poster{t: t, p: two}
	s.at(4, 25)
	other.at(4, 25)
	s.wantDelivered(got)
	other.wantDelivered(got)
	for id, n := range got.copy() {
		if n != 1 {
			t.Errorf("without a fault %s was sent %d times", id, n)
		}
	}

	waitFor(t, "runs are made", func() bool { return len(one.runs()) >= 2 })
	before := len(got.copy())
	var posting sync.WaitGroup
	posting.Go(func() { s.at(4, 100) })
	waitFor(t, "the workers are at work", func() bool { return len(got.copy()) > before+50 })
	waitFor(t, "and the one that is to be killed", func() bool { return !strings.Contains(workers[0].scrape(), "\ncarteiro_workers_busy 0\n") })
	known := time.Now().Add(15 * time.Second) // the killed one's claims last longer
	workers[0].kill()
	left := one.inFlight()
	schedulers[0].kill()
	two.kill()
	posting.Wait()
	left = one.leftBehind(left, known)
	made := len(one.runs())
	waitLong(t, "the other scheduler makes runs", func() bool { return len(one.runs()) >= made+4 })
	s.at(4, 25)
	waitLong(t, "all that was accepted arrives", func() bool { return s.missing(got)+other.missing(got) == 0 })

	runs := one.stopRuns()
	waitLong(t, "each page of each run arrives", func() bool { return one.pages("succeeded") == len(runs) })
	doubled := 0
	for id, n := range got.copy() {
		doubled += n - 1
		if n > 2 || (n == 2 && !left[id]) {
			t.Errorf("%s was sent %d times; left behind by the killed worker: %v", id, n, left[id])
		}
	}
	t.Logf("%d runs, %d events; of the %d that the killed worker had in hand, %d were sent again",
		len(runs), len(s.accepted.copy())+len(other.accepted.copy()), len(left), doubled)
	for _, p := range []*process{one, workers[1], schedulers[1]} {
		if code := terminate(p); code != exitOK {
			t.Errorf("exit code %d: %s", code, p.logged())
		}
	}
}

// inFlight are the messages of the deliveries that some worker has claimed and
// not recorded.
func (p *process) inFlight() map[string]bool {
	p.t.Helper()
	var list struct {
		Data []struct {
			Message  string `json:"message_id"`
			InFlight bool   `json:"in_flight"`
		}
		Next string `json:"next_cursor"`
	}
	found := map[string]bool{}
	for cursor := ""; ; cursor = list.Next {
		list.Data, list.Next = nil, ""
		if status := p.call("GET", "/v1/deliveries?state=pending&limit=500&cursor="+cursor, "", &list); status != http.StatusOK {
			p.t.Fatalf("deliveries: %d", status)
		}
		for _, d := range list.Data {
			if d.InFlight {
				found[d.Message] = true
			}
		}
		if list.Next == "" {
			return found
		}
	}
}

// leftBehind are those in flight when a worker was killed that nobody records,
// as far as that can be told until a time: what the living one had in hand, it
// has recorded when all that is in flight was so at the kill.
func (p *process) leftBehind(atKill map[string]bool, until time.Time) map[string]bool {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now := p.inFlight()
		if time.Now().After(until) {
			return atKill
		}
		before := len(atKill)
		maps.DeleteFunc(atKill, func(id string, _ bool) bool { return !now[id] })
		if len(atKill) == before && len(now) == before {
			return atKill
		}
		<-tick.C
	}
}

// everyTwoSeconds makes an export fire often. It has one record for each run
// to send: yesterday's.
func (p *process) everyTwoSeconds() {
	p.t.Helper()
	record := fmt.Sprintf(`[{"_id":"60d21b4667d0d8992e610c85","updatedAt":%q,"checkin":true}]`, time.Now().UTC().Add(-24*time.Hour).Format(time.RFC3339))
	if status := p.call("PUT", "/v1/records/ingressos?client_id=acme", record, nil); status != http.StatusOK {
		p.t.Fatalf("records: %d", status)
	}
	if status := p.call("PATCH", "/v1/exports/ingressos", `{"cron":"*/2 * * * * *","zone":"+00:00"}`, nil); status != http.StatusOK {
		p.t.Fatalf("schedule: %d", status)
	}
}

// stopRuns ends the schedule, waits for the runs there are, and checks that
// every fire from the first to the last made one of them.
func (p *process) stopRuns() []madeRun {
	p.t.Helper()
	if status := p.call("PATCH", "/v1/exports/ingressos", `{"enabled":false}`, nil); status != http.StatusOK {
		p.t.Fatalf("schedule: %d", status)
	}
	var list []madeRun
	waitLong(p.t, "the runs end", func() bool {
		list = p.runs()
		return !slices.ContainsFunc(list, func(r madeRun) bool { return r.State != "finished" })
	})
	for i, r := range list { // the newest first
		if i > 0 && list[i-1].ScheduledFor.Sub(r.ScheduledFor) != 2*time.Second {
			p.t.Errorf("after the fire of %s comes that of %s", r.ScheduledFor, list[i-1].ScheduledFor)
		}
	}
	return list
}

// madeRun is a run as the list shows it.
type madeRun struct {
	State        string
	ScheduledFor time.Time `json:"scheduled_for"`
}

func (p *process) runs() []madeRun {
	p.t.Helper()
	var list struct{ Data []madeRun }
	p.call("GET", "/v1/exports/ingressos/runs?limit=500", "", &list)
	return list.Data
}

// pages is how many deliveries of exports are in a state.
func (p *process) pages(state string) int {
	p.t.Helper()
	var list struct{ Data []any }
	p.call("GET", "/v1/deliveries?limit=500&event_type=ingresso_export&state="+state, "", &list)
	return len(list.Data)
}

// missing is how many accepted events have not arrived.
func (s *poster) missing(got *ids) int {
	n, there := 0, got.copy()
	for id := range s.accepted.copy() {
		if there[id] == 0 {
			n++
		}
	}
	return n
}

// waitLong waits longer than a dead worker's claims last (P7: 60 s).
func waitLong(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * limit)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}
