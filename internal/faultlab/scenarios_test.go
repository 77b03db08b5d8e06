package faultlab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
)

// scenarios is every run.
func scenarios() []scenario {
	return slices.Concat(quiet(), kills(), randomKills(), stalls(), redisFaults(), sqlFaults())
}

// quiet are runs in which nothing is broken (P3): the oracle's own proof, too.
func quiet() []scenario {
	both := func(w *world) {
		w.load.begin()
		w.load.more(150)
	}
	return []scenario{
		{name: "quiet/embedded", part: quick, embedded: true, do: both},
		{name: "quiet/servers", part: whole, do: both},
		{name: "rolling/servers", part: short, behind: true, busy: true, do: rollingRestarts},
	}
}

// rollingRestarts restarts one instance after the other behind a balancer:
// nothing is sent twice and nothing is refused, and so nothing is in the diary.
func rollingRestarts(w *world) {
	w.load.begin()
	for range 3 {
		for _, p := range w.procs {
			w.load.more(200)
			p.stop()
			p.start("")
		}
	}
	w.load.more(100)
}

// killPlan is how a failpoint is reached.
type killPlan struct {
	point failpoint.Point
	most  int  // it is one of the first so many times that kills
	part  part // the least part that it is in; 0: whole
	slow  bool // its moment comes only with waits above ten seconds
	clock bool // it is the scheduler's
	again bool // what was in flight there has been sent: it must be seen twice
	lite  bool // on PostgreSQL the step is one statement, and has no such moment
}

func killPlans() []killPlan {
	return []killPlan{
		{point: failpoint.EventCommitted, most: 40, part: quick},
		{point: failpoint.HintSent, most: 30},
		{point: failpoint.HintTaken, most: 30},
		{point: failpoint.Claimed, most: 30, part: quick},
		{point: failpoint.RequestWritten, most: 30, again: true},
		{point: failpoint.Acknowledged, most: 30, again: true, part: quick},
		{point: failpoint.FailureRead, most: 15, again: true},
		{point: failpoint.ResultWritten, most: 30, lite: true, again: true},
		{point: failpoint.RetryRecorded, most: 15, part: quick},
		{point: failpoint.HintDone, most: 30},
		{point: failpoint.Stopping, most: 1},
		{point: failpoint.Reconciling, most: 2, slow: true},
		{point: failpoint.Fired, most: 2, clock: true},
		{point: failpoint.PageWritten, most: 8, clock: true, part: short},
		{point: failpoint.PageCommitted, most: 8, clock: true},
		{point: failpoint.PagesReleased, most: 2, clock: true},
	}
}

// Each point of package failpoint has its run.
func TestEachPointIsTried(t *testing.T) {
	for _, p := range failpoint.Points() {
		if !slices.ContainsFunc(killPlans(), func(k killPlan) bool { return k.point == p }) {
			t.Errorf("no run kills at %s", p)
		}
	}
}

// kills are runs in which a process dies by SIGKILL at one moment.
func kills() (all []scenario) {
	for _, k := range killPlans() {
		s := scenario{part: cmp.Or(k.part, whole), do: k.do, again: k.again}
		if k.slow {
			s.schedule = []time.Duration{time.Second, 11 * time.Second}
		}
		s.name, s.embedded = "kill/embedded/"+string(k.point), true
		if all = append(all, s); k.lite {
			continue
		}
		s.name, s.embedded, s.part = "kill/servers/"+string(k.point), false, max(s.part, short)
		if k.clock { // of two schedulers, one may always be the first
			s.roles = []string{"api,worker", "scheduler"}
		}
		all = append(all, s)
	}
	return all
}

// do kills the last process at the plan's moment. Alone, or as the only
// scheduler, it is started again at once; beside another one it stays dead,
// and the other has to go on with what it left.
func (k killPlan) do(w *world) {
	victim := w.procs[len(w.procs)-1]
	n := 1 + w.random.IntN(k.most)
	w.arm(victim, fmt.Sprintf("%s:%d", k.point, n))
	w.load.begin()
	if k.point == failpoint.Stopping {
		w.load.more(30)
		victim.signal(syscall.SIGTERM)
	}
	death := victim.dies()
	if !victim.reached() {
		w.t.Fatalf("the process died without coming to %s", k.point)
	}
	f := w.diary.note(fault{
		what: fmt.Sprintf("killed at %s, time %d", k.point, n), from: death, to: death, repeats: true, intake: gone, within: afterKill,
	})
	if w.s.embedded || k.clock {
		victim.start("")
		w.diary.healed(f)
	}
	w.load.more(30)
}

// randomKills are runs in which any process dies at any moment.
func randomKills() []scenario {
	return []scenario{
		{name: "random/embedded", part: whole, embedded: true, do: func(w *world) { killSome(w, 3) }},
		{name: "random/servers", part: whole, roles: []string{"api", "api", "worker", "worker", "scheduler", "scheduler"}, do: func(w *world) { killSome(w, 8) }},
	}
}

func killSome(w *world, kills int) {
	w.load.begin()
	for range kills {
		w.load.more(5)
		w.wait(time.Duration(500+w.random.IntN(2500)) * time.Millisecond)
		p := w.procs[w.random.IntN(len(w.procs))]
		f := w.diary.note(fault{what: "killed " + p.roles, from: p.kill(), repeats: true, intake: gone, within: afterKill})
		w.wait(time.Duration(w.random.IntN(1000)) * time.Millisecond)
		p.start("")
		w.diary.healed(f)
	}
	w.load.more(30)
}

// standstill is longer than any claim holds.
const standstill = 50 * time.Second

// stalls are runs in which a worker stands still until its claims have ended,
// and goes on as if nothing were: it changes nothing any more.
func stalls() []scenario {
	roles := []string{"api,scheduler", "worker", "worker"}
	at := func(p failpoint.Point, repeats bool) func(*world) {
		return func(w *world) {
			victim := w.procs[len(w.procs)-1]
			w.arm(victim, fmt.Sprintf("%s:%d:sleep=%s", p, 1+w.random.IntN(20), standstill))
			w.load.begin()
			w.until("the worker stands still", victim.reached)
			f := w.diary.note(fault{what: fmt.Sprintf("stood still at %s", p), from: time.Now().Add(-commits), repeats: repeats, within: afterKill})
			w.wait(standstill)
			w.diary.healed(f)
			w.load.more(20)
		}
	}
	return []scenario{
		{name: "stall/servers/claimed", part: whole, roles: roles, do: at(failpoint.Claimed, false)},
		{name: "stall/servers/acknowledged", part: whole, roles: roles, do: at(failpoint.Acknowledged, true)},
		{name: "stall/servers/frozen", part: whole, roles: roles, do: func(w *world) {
			w.load.begin()
			w.load.more(30)
			victim := w.procs[len(w.procs)-1]
			victim.signal(syscall.SIGSTOP)
			f := w.diary.note(fault{what: "worker frozen", repeats: true, within: afterKill})
			w.wait(standstill)
			victim.signal(syscall.SIGCONT)
			w.diary.healed(f)
			w.load.more(20)
		}},
	}
}

func (w *world) restartRedis() { w.must(w.redis.Restart(context.Background())) }
