package dispatcher_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// scaled is a schedule with the contract's number of retries that a test can
// wait for.
func scaled() webhook.Schedule {
	return webhook.Schedule{1200 * time.Millisecond, 2 * time.Second, 3 * time.Second, 2 * time.Second, time.Second}
}

// answerTakes is how long the failing receiver thinks: a schedule that counted
// from the start of an attempt would be found out by that much.
const answerTakes = 300 * time.Millisecond

// latest is how late an attempt may start (P13).
const latest = slowness * 2 * time.Second

// TestTheScheduleIsKept: whoever always fails gets six requests, each at its
// time counted from the end of the one before, never early (P13), and then no
// more; a success ends the schedule.
func TestTheScheduleIsKept(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const subscribers, events = 12, 3
		o.schedule = scaled()
		failing := newReceiver(t, func(int) int {
			<-time.After(answerTakes)
			return 500
		})
		mended := newReceiver(t, func(n int) int { return []int{500, 503, 200}[min(n, 2)] })
		h := newHouse(t, o)
		secrets := map[webhook.SubscriptionID]webhook.Secret{}
		for range subscribers {
			sub := h.subscribe(failing.URL)
			secrets[sub.ID] = sub.Secrets.Current
		}
		h.subscribe(mended.URL, func(s *webhook.Subscription) { s.ClientID = "beta" })
		deliveries := map[webhook.DeliveryID]*story{}
		for range events {
			a := h.post(redemption)
			for _, d := range a.Deliveries {
				deliveries[d.ID] = &story{message: a.Message, secret: secrets[d.SubscriptionID]}
			}
		}
		if len(deliveries) != subscribers*events {
			t.Fatalf("%d deliveries", len(deliveries))
		}
		healed := h.postFor("beta", redemption).Deliveries[0].ID
		for range len(deliveries)*6 + 3 {
			ob := h.next()
			if ob.DeliveryID != healed {
				deliveries[ob.DeliveryID].observed = append(deliveries[ob.DeliveryID].observed, ob)
			}
		}
		if d := h.delivery(healed); d.State != webhook.StateSucceeded || d.AttemptCount != 3 || d.NextAttemptAt != nil {
			t.Errorf("the delivery that succeeded at the third attempt: %+v", d)
		}
		h.stop() // what was still on its way would have arrived by now
		if n := len(mended.requests()); n != 3 {
			t.Errorf("after a success: %d requests, want 3", n)
		}
		got := byDelivery(failing.requests())
		if len(got) != len(deliveries) {
			t.Errorf("%d deliveries were sent, want %d", len(got), len(deliveries))
		}
		var late []time.Duration
		for id, s := range deliveries {
			late = append(late, s.check(t, o.schedule)...)
			s.checkWire(t, got[id], o.schedule)
			if d := h.delivery(id); d.State != webhook.StateFailed || d.AttemptCount != 6 || d.AutomaticCount != 6 || d.NextAttemptAt != nil || d.FinishedAt == nil {
				t.Errorf("a delivery after its last attempt: %+v", d)
			}
		}
		logLateness(t, late)
	})
}

// story is one delivery and what became of it.
type story struct {
	message  webhook.Message
	secret   webhook.Secret
	observed []dispatcher.Observation
}

// check compares the committed attempts with the schedule.
func (s *story) check(t *testing.T, schedule webhook.Schedule) (late []time.Duration) {
	t.Helper()
	if len(s.observed) != 6 {
		t.Errorf("%d attempts, want 6", len(s.observed))
		return nil
	}
	for i, ob := range s.observed {
		want := webhook.StateRetrying
		if i == 5 {
			want = webhook.StateFailed
		}
		if ob.State != want || ob.Attempt.Number != i+1 || ob.Attempt.Trigger != webhook.TriggerAutomatic || ob.Attempt.Status != 500 {
			t.Errorf("attempt %d: %s %+v, want state %s", i+1, ob.State, ob.Attempt, want)
		}
		due := s.message.CreatedAt
		if i > 0 {
			due = s.observed[i-1].Attempt.EndedAt().Add(schedule[i-1]).Truncate(time.Microsecond)
		}
		if !ob.Due.Equal(due) {
			t.Errorf("attempt %d was due at %s, want %s", i+1, ob.Due, due)
		}
		by := ob.Attempt.StartedAt.Sub(due)
		if by < 0 || by >= latest {
			t.Errorf("attempt %d started %s after its time, want from 0 to %s", i+1, by, latest)
		}
		if i > 0 {
			late = append(late, by)
		}
	}
	return late
}

// checkWire compares what the receiver saw with the promises: the same id and
// bytes each time, numbers from 1, signatures that verify, and by its own
// clock no gap shorter than the schedule's.
func (s *story) checkWire(t *testing.T, got []seen, schedule webhook.Schedule) {
	t.Helper()
	if len(got) != 6 {
		t.Errorf("the receiver got %d requests, want 6", len(got))
		return
	}
	for i, r := range got {
		if r.header.Get(sender.HeaderAttempt) != strconv.Itoa(i+1) {
			t.Errorf("request %d says that it is attempt %q", i+1, r.header.Get(sender.HeaderAttempt))
		}
		if r.header.Get(sender.HeaderID) != string(s.message.ID) || r.body != string(s.message.Body) {
			t.Errorf("request %d has another id or body than the message: %s %s", i+1, r.header.Get(sender.HeaderID), r.body)
		}
		if err := signedBy(t, r, s.secret); err != nil {
			t.Errorf("request %d: %v", i+1, err)
		}
		if i == 0 {
			continue
		}
		if gap := r.at.Sub(got[i-1].at); gap < schedule[i-1]+answerTakes {
			t.Errorf("requests %d and %d are %s apart, want at least %s after the end", i, i+1, gap, schedule[i-1])
		}
	}
}

func logLateness(t *testing.T, late []time.Duration) {
	t.Helper()
	var sum, most time.Duration
	for _, l := range late {
		sum, most = sum+l, max(most, l)
	}
	t.Logf("%d retries: late by %s on average, %s at most", len(late), sum/time.Duration(max(1, len(late))), most)
}
