package dispatcher_test

import (
	"context"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// result is what came of one check.
func result(c webhook.CheckFacts, check webhook.CheckName) webhook.CheckResult {
	for _, f := range webhook.Diagnose(c, webhook.English) {
		if f.Check == check {
			return f.Result
		}
	}
	return ""
}

// A receiver that verifies, drops repeats and answers is healthy: it gets the
// same message wrongly signed, rightly signed and again, marked as a test.
func TestADoctorFindsAGoodReceiver(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.stopped = true
		var sub *webhook.Subscription
		r := newJudge(t, func(_ int, s seen) int {
			if signedBy(t, s, sub.Secrets.Current) != nil {
				return 401
			}
			return 200
		})
		h := newHouse(t, o)
		sub = h.subscribe(r.URL)
		got, err := h.d.Check(context.Background(), sub.ID)
		must(t, err)
		for check, want := range map[webhook.CheckName]webhook.CheckResult{
			webhook.CheckAddress: "ok", webhook.CheckTCP: "ok", webhook.CheckTLS: "warn", webhook.CheckProtocol: "ok", webhook.CheckRedirect: "ok",
			webhook.CheckStatus: "ok", webhook.CheckSignature: "ok", webhook.CheckRepeat: "ok",
		} {
			if r := result(got.Facts, check); r != want {
				t.Errorf("%s is %s", check, r)
			}
		}
		all := r.requests()
		if len(all) != 3 || got.Delivery == nil {
			t.Fatalf("%d requests, recorded as %v", len(all), got.Delivery)
		}
		for i, s := range all {
			if s.header.Get(sender.HeaderTest) != "true" || s.header.Get(sender.HeaderID) != string(got.Delivery.MessageID) || s.body != all[0].body ||
				s.header.Get(sender.HeaderAttempt) != []string{"1", "2", "3"}[i] {
				t.Errorf("request %d has the headers %v", i, s.header)
			}
		}
		d := h.delivery(got.Delivery.ID)
		attempts, err := h.store.Attempts(context.Background(), d.ID)
		must(t, err)
		if d.State != webhook.StateSucceeded || !d.Test || d.AttemptCount != 3 || len(attempts) != 3 || attempts[0].Status != 401 || *d.LastStatus != 200 {
			t.Errorf("recorded as %+v, %+v", d, attempts)
		}
		for _, a := range attempts {
			if a.Trigger != webhook.TriggerTest {
				t.Errorf("attempt %d is %s", a.Number, a.Trigger)
			}
		}
	})
}

func TestADoctorFindsFaults(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	for name, tc := range map[string]struct {
		answer   func(int) int
		requests int
		want     map[webhook.CheckName]webhook.CheckResult
	}{
		"verifies nothing": {always(200), 3, map[webhook.CheckName]webhook.CheckResult{webhook.CheckSignature: "warn", webhook.CheckRepeat: "ok"}},
		"refuses repeats":  {func(n int) int { return []int{401, 200, 409}[n] }, 3, map[webhook.CheckName]webhook.CheckResult{webhook.CheckSignature: "ok", webhook.CheckRepeat: "fail"}},
		"is broken":        {always(503), 2, map[webhook.CheckName]webhook.CheckResult{webhook.CheckStatus: "fail", webhook.CheckSignature: "skipped", webhook.CheckRepeat: "skipped"}},
		"has moved":        {always(308), 2, map[webhook.CheckName]webhook.CheckResult{webhook.CheckRedirect: "fail", webhook.CheckStatus: "skipped"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, tc.answer)
			got, err := h.d.Check(context.Background(), h.subscribe(r.URL, func(s *webhook.Subscription) {
				s.EventTypes = []webhook.Pattern{"shop.*"} // no exact one
			}).ID)
			must(t, err)
			if n := len(r.requests()); n != tc.requests {
				t.Errorf("%d requests, want %d", n, tc.requests)
			}
			for check, want := range tc.want {
				if r := result(got.Facts, check); r != want {
					t.Errorf("%s is %s, want %s", check, r, want)
				}
			}
		})
	}
	nobody, err := h.d.Check(context.Background(), h.subscribe("http://127.0.0.1:1/").ID)
	must(t, err)
	if nobody.Delivery != nil || result(nobody.Facts, webhook.CheckTCP) != "fail" || result(nobody.Facts, webhook.CheckStatus) != "skipped" {
		t.Errorf("nothing listens: %+v", nobody)
	}
	if _, err := h.d.Check(context.Background(), "sub_nobody"); !webhook.IsKind(err, webhook.KindNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
