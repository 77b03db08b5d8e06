package dispatcher_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What a child process is told in its environment.
const (
	childDatabase = "CARTEIRO_TEST_CHILD_DATABASE"
	childRedis    = "CARTEIRO_TEST_CHILD_REDIS"
)

// TestChild is no test: it is the process that another test kills. It takes
// events in for acme and beta, says which it accepted, and never ends.
func TestChild(t *testing.T) {
	if os.Getenv(childDatabase) == "" {
		return // this is not the child
	}
	h := newHouse(t, houseOptions{
		database: os.Getenv(childDatabase), redis: os.Getenv(childRedis), workers: 16,
		timeout: webhook.MaxTimeout, schedule: webhook.Schedule{2 * time.Second, 2 * time.Second},
	})
	for {
		for _, client := range []webhook.ClientID{"acme", "beta"} {
			fmt.Println("accepted", h.postFor(client, redemption).Deliveries[0].ID)
		}
	}
}

// enough accepted events for a kill to have something to destroy.
const enough = 100

// killedChild runs TestChild until it has accepted some events and has some
// under way, kills it, and returns the deliveries that it had accepted.
func killedChild(t *testing.T, o houseOptions, underWay func()) map[webhook.DeliveryID]bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childDatabase+"="+o.database, childRedis+"="+o.redis)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	accepted := map[webhook.DeliveryID]bool{}
	lines := bufio.NewScanner(out)
	for len(accepted) < enough && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "accepted "); ok {
			accepted[webhook.DeliveryID(id)] = true
		}
	}
	if len(accepted) < enough {
		t.Fatal("the child ended by itself")
	}
	underWay()
	must(t, cmd.Process.Kill())
	for lines.Scan() { // it went on accepting until it died
		if id, ok := strings.CutPrefix(lines.Text(), "accepted "); ok && webhook.ValidID(webhook.PrefixDelivery, id) {
			accepted[webhook.DeliveryID(id)] = true
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	return accepted
}

// TestAKilledProcessLosesNothing: a process dies by SIGKILL in the middle of
// everything. The next one delivers all that was accepted; only what was under
// way is repeated, and the crash spends none of the six requests (P1, P3, P7).
func TestAKilledProcessLosesNothing(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		if o.database == "" {
			o.database, o.redis = "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db"), "embedded"
		}
		answers := newHold()
		hanging := newReceiver(t, answers.then(200))
		failsFirst := newJudge(t, func(_ int, s seen) int {
			if s.header.Get(sender.HeaderAttempt) == "1" {
				return 500
			}
			return 200
		})
		first := newHouse(t, o)
		defer answers.release()
		first.subscribe(hanging.URL)
		first.subscribe(failsFirst.URL, func(s *webhook.Subscription) { s.ClientID = "beta" })
		first.close()

		accepted := killedChild(t, o, func() {
			for range 5 {
				hanging.take(t)
				failsFirst.take(t)
			}
		})
		answers.release()
		before := map[webhook.DeliveryID]int{} // how often each was sent until the kill
		for id, requests := range byDelivery(append(hanging.requests(), failsFirst.requests()...)) {
			before[id] = len(requests)
		}
		o.schedule = webhook.Schedule{2 * time.Second, 2 * time.Second}
		if o.redis != "embedded" { // there the dead process's claims have to end first
			later := &clock{}
			later.forward(pastChecks)
			o.now = later.Now
		}
		h := newHouse(t, o)
		for id := range accepted { // what the child saw succeed needs no more
			if h.delivery(id).State == webhook.StateSucceeded {
				delete(accepted, id)
			}
		}
		t.Logf("%d accepted deliveries were open after the kill, %d had been sent", len(accepted), len(before))
		for len(accepted) > 0 {
			if ob := h.next(); ob.State == webhook.StateSucceeded {
				delete(accepted, ob.DeliveryID)
			}
		}
		h.stop()
		checkAfterKill(t, h, byDelivery(append(hanging.requests(), failsFirst.requests()...)), before)
	})
}

// checkAfterKill looks at what each delivery cost and what the receivers saw.
func checkAfterKill(t *testing.T, h *house, requests map[webhook.DeliveryID][]seen, before map[webhook.DeliveryID]int) {
	t.Helper()
	for id, got := range requests {
		d := h.delivery(id)
		want := 1
		if d.ClientID == "beta" {
			want = 2
		}
		if d.State != webhook.StateSucceeded || d.AttemptCount != want || d.AutomaticCount != want {
			t.Errorf("%s of %s: %s after %d attempts, %d of them the schedule's; want %d", id, d.ClientID, d.State, d.AttemptCount, d.AutomaticCount, want)
		}
		if len(got) != want && (len(got) != want+1 || before[id] == 0) {
			t.Errorf("%s of %s was sent %d times, %d of them before the kill", id, d.ClientID, len(got), before[id])
		}
		for _, r := range got {
			if r.header.Get(sender.HeaderID) != string(d.MessageID) || r.body != got[0].body {
				t.Errorf("%s was repeated with another id or body", id)
			}
		}
	}
}

// TestAClaimWhoseWorkerIsGone: somebody has taken the delivery and is never
// heard of again. Its hint is used up; the reconciler finds the row.
func TestAClaimWhoseWorkerIsGone(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		ctx, c := context.Background(), &clock{}
		o.stopped, o.now = true, c.Now
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL)
		id := h.post(redemption).Deliveries[0].ID
		now := time.Now()
		taken, err := h.store.Claim(ctx, []store.Ref{{ID: id, Generation: 1}}, store.ClaimTerms{
			Now: now, Horizon: now.Add(time.Second), Lease: now.Add(30 * time.Second),
		})
		must(t, err)
		if len(taken) != 1 {
			t.Fatal("the delivery could not be claimed")
		}
		must(t, h.d.Start(ctx))
		defer h.d.Stop(ctx)
		c.forward(pastChecks)
		h.d.Kick()
		ob := h.next()
		if ob.DeliveryID != id || ob.State != webhook.StateSucceeded || ob.Attempt.Number != 1 {
			t.Errorf("observed %+v", ob)
		}
		late, err := h.store.Record(ctx, store.Result{Ref: taken[0].Ref, Attempt: ob.Attempt, Outcome: webhook.Outcome{State: webhook.StateFailed}})
		must(t, err)
		if !late.Fenced || h.delivery(id).State != webhook.StateSucceeded {
			t.Error("the result of a worker whose claim had ended changed the delivery")
		}
	})
}
