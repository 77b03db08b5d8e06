package dispatcher_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestRetryAfterDoesNotMoveTheSchedule: the contract's waits are exact, so a
// receiver that asks for less or more gets the next attempt a minute later, as
// all do; and 410 takes neither the schedule nor the subscription away. What the
// receiver asked for is in the attempt, for people.
func TestRetryAfterDoesNotMoveTheSchedule(t *testing.T) {
	for _, tc := range []struct {
		status int
		after  string
	}{
		{http.StatusTooManyRequests, "1"},
		{http.StatusTooManyRequests, "86400"},
		{http.StatusServiceUnavailable, "0"},
		{http.StatusServiceUnavailable, "Fri, 31 Dec 2199 23:59:59 GMT"},
		{http.StatusGone, "-1"},
	} {
		t.Run(strconv.Itoa(tc.status)+" "+tc.after, func(t *testing.T) {
			r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", tc.after)
				w.WriteHeader(tc.status)
			}))
			t.Cleanup(r.Close)
			h := newHouse(t, houseOptions{})
			sub := h.subscribe(r.URL)
			h.post(redemption)
			ob := h.next()
			if wait := ob.NextAttemptAt.Sub(ob.Attempt.EndedAt().Truncate(time.Microsecond)); wait != time.Minute || ob.State != webhook.StateRetrying {
				t.Errorf("%s, the next attempt %s after the end of this one", ob.State, wait)
			}
			if got := ob.Attempt.ResponseHeaders["Retry-After"]; len(got) != 1 || got[0] != tc.after {
				t.Errorf("kept Retry-After: %q", got)
			}
			if state := h.subs.Index().Get(sub.ID).State; state != webhook.SubscriptionActive {
				t.Errorf("the subscription is %s", state)
			}
		})
	}
}
