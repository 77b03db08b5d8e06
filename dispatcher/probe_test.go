package dispatcher_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestATestSendsTheExample at once, marked, signed, to a paused subscription
// too, in a process that sends nothing else; it is recorded and over.
func TestATestSendsTheExample(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		r := newReceiver(t, func(n int) int { return []int{200, 500}[n] })
		o.stopped = true
		h := newHouse(t, o)
		sub := h.subscribe(r.URL, func(s *webhook.Subscription) {
			s.EventTypes = []webhook.Pattern{"course.*", "shop.product.redemption"}
			s.Headers = map[string]string{"X-Key": "k"}
		})
		for n, want := range []webhook.DeliveryState{webhook.StateSucceeded, webhook.StateFailed} {
			if n == 1 {
				_, err := h.subs.Pause(ctx, sub.ID)
				must(t, err)
			}
			got, err := h.d.Test(ctx, sub.ID, "") // the first exact slug
			must(t, err)
			req := r.take(t)
			if got.Delivery.State != want || !got.Delivery.Test || got.Attempt.Trigger != webhook.TriggerTest || got.Attempt.Acknowledged() != (n == 0) {
				t.Errorf("%+v, attempt %+v", got.Delivery, got.Attempt)
			}
			if req.header.Get(sender.HeaderTest) != "true" || req.header.Get("X-Key") != "k" ||
				req.header.Get(sender.HeaderEventType) != "shop.product.redemption" || req.header.Get(sender.HeaderID) != string(got.Delivery.MessageID) {
				t.Errorf("headers %v", req.header)
			}
			if !strings.HasPrefix(req.body, `{"event":{"name":"Resgate do Produto","slug":"shop.product.redemption","send_at":"`) ||
				!strings.Contains(req.body, `"data":{"user":{"id":"123","name":"Aluno","email":"aluno@toolzz.me"`) {
				t.Errorf("body %s", req.body)
			}
			if err := signedBy(t, req, sub.Secrets.Current); err != nil {
				t.Error(err)
			}
			if d := h.delivery(got.Delivery.ID); d.State != want || d.NextAttemptAt != nil || d.AttemptCount != 1 || d.AutomaticCount != 0 {
				t.Errorf("recorded as %+v", d)
			}
		}
		if h.events() != 0 {
			t.Error("a test passes for an event")
		}
	})
}

// TestATestIsRetriedByHandOnly, and then marked as a test again.
func TestATestIsRetriedByHandOnly(t *testing.T) {
	r := newReceiver(t, func(n int) int { return []int{500, 200}[n] })
	h := newHouse(t, houseOptions{})
	sub := h.subscribe(r.URL)
	got, err := h.d.Test(context.Background(), sub.ID, "members.created")
	must(t, err)
	r.take(t)
	h.retry(got.Delivery.ID)
	if ob := h.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Number != 2 {
		t.Errorf("%+v", ob)
	}
	if again := r.take(t); again.header.Get(sender.HeaderTest) != "true" {
		t.Error("the retry is not marked")
	}
}

// TestATestTellsWhyThereIsNone.
func TestATestTellsWhyThereIsNone(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t, houseOptions{stopped: true})
	_, _, err := h.d.PutEventType(ctx, webhook.EventType{Slug: "bare.type", Name: "x", Envelope: webhook.EnvelopeNone})
	must(t, err)
	all := h.subscribe("http://127.0.0.1:1/")
	courses := h.subscribe("http://127.0.0.1:1/", func(s *webhook.Subscription) { s.EventTypes = []webhook.Pattern{"course.*"} })
	none := h.subscribe("http://127.0.0.1:1/", func(s *webhook.Subscription) { s.EventTypes = []webhook.Pattern{"bare.*"} })
	for _, tc := range []struct {
		sub  webhook.SubscriptionID
		slug webhook.Slug
		says string
	}{
		{all.ID, "", "it wants activities.answered.activity, "},
		{courses.ID, "", "it wants course.enrollment.created"},
		{none.ID, "", "none that has an example"},
		{all.ID, "no.such", "is no known event type"},
		{all.ID, "bare.type", "has no example to send; give it one"},
		{all.ID, "verification.completed", "never to a subscription"},
		{courses.ID, "members.created", "does not want members.created"},
	} {
		_, err := h.d.Test(ctx, tc.sub, tc.slug)
		if got := faults(t, err); len(got) != 1 || got[0].Path != "/event_type" || !strings.Contains(got[0].Message, tc.says) {
			t.Errorf("%q: %+v", tc.slug, got)
		}
	}
	if _, err := h.d.Test(ctx, "sub_nobody", "members.created"); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// TestATestIsTimeBoxed, goes on when the caller has gone away, and is one of a
// few at a time.
func TestATestIsTimeBoxed(t *testing.T) {
	answer := newHold()
	r := newReceiver(t, answer.then(200))
	h := newHouse(t, houseOptions{stopped: true, timeout: 30 * time.Second})
	defer answer.release()
	slow := h.subscribe(r.URL)
	quick := h.subscribe(r.URL, func(s *webhook.Subscription) { s.Timeout = webhook.Duration(webhook.MinTimeout) })
	got, err := h.d.Test(context.Background(), quick.ID, "members.created")
	must(t, err)
	if got.Attempt.ErrorCode() != webhook.ErrorTimeout || got.Delivery.State != webhook.StateFailed {
		t.Errorf("%+v", got.Attempt)
	}
	r.take(t)
	ctx, goAway := context.WithCancel(context.Background())
	const most = 16
	done := make(chan error, most)
	for range most {
		go func() {
			_, err := h.d.Test(ctx, slow.ID, "members.created")
			done <- err
		}()
	}
	for range most {
		r.take(t)
	}
	if _, err := h.d.Test(context.Background(), slow.ID, "members.created"); !webhook.IsKind(err, webhook.KindRateLimited) {
		t.Errorf("one more: %v", err)
	}
	goAway()
	answer.release()
	for range most {
		must(t, <-done)
	}
}
