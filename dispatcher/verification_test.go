package dispatcher_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// nastyMetadata is what a careless encoder would change: number forms, big
// integers, the order of keys, space, escapes, and what is only half a
// character.
const nastyMetadata = "{ \"z\":1.10, \"a\":12345678901234567890123, \"e\":1E+2,\"neg\":-0,\n\t\"u\":\"\\u00e9é\\/\\ud83d\\ude00😀\\u0000\\ud800\",\"<&>\":[ ], \"\":null }"

// register registers a verification with a callback of acme.
func (h *house) register(url string, change ...func(*dispatcher.NewVerification)) *webhook.Verification {
	h.t.Helper()
	in := dispatcher.NewVerification{
		ClientID: "acme", NationalID: "012345678900", Type: "full",
		Callback: &webhook.Callback{URL: url, Method: http.MethodPost}, Metadata: []byte(`{"key":"value"}`),
	}
	for _, c := range change {
		c(&in)
	}
	v, err := h.d.RegisterVerification(context.Background(), in, nil)
	must(h.t, err)
	return v
}

// end reports how a verification ended.
func (h *house) end(id webhook.VerificationID, status webhook.VerificationStatus) *webhook.Verification {
	h.t.Helper()
	v, err := h.d.EndVerification(context.Background(), id, status)
	must(h.t, err)
	return v
}

// clientSecret is the secret that signs acme's callbacks.
func (h *house) clientSecret() webhook.Secret {
	h.t.Helper()
	s, err := h.subs.ClientSecrets(context.Background(), "acme")
	must(h.t, err)
	return s.Current
}

// TestAVerificationIsCalledBack once, as its request asked, with the exact
// body, signed with the client's own secret.
func TestAVerificationIsCalledBack(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL) // gets nothing: no subscription gets a verification
		for _, tc := range []struct {
			method, metadata string
			status           webhook.VerificationStatus
		}{
			{"POST", nastyMetadata, webhook.VerificationCompleted},
			{"PUT", `{}`, webhook.VerificationFailed},
			{"PUT", "", webhook.VerificationCompleted},
		} {
			v := h.register(r.URL+"/cb", func(in *dispatcher.NewVerification) {
				in.Callback.Method, in.Metadata = tc.method, []byte(tc.metadata)
				if tc.metadata == "" {
					in.Metadata = nil
				}
			})
			ended := h.end(v.ID, tc.status)
			ob, got := h.next(), r.take(t)
			want := `{"id":"` + string(v.ID) + `","status":"` + string(tc.status) + `"}`
			if tc.metadata != "" {
				want = strings.TrimSuffix(want, "}") + `,"metadata":` + tc.metadata + `}`
			}
			if got.body != want || got.method != tc.method {
				t.Errorf("%s %s\nwant %s %s", got.method, got.body, tc.method, want)
			}
			if err := signedBy(t, got, h.clientSecret()); err != nil {
				t.Errorf("the client's secret does not verify: %v", err)
			}
			if id := got.header.Get(sender.HeaderID); id != string(ended.MessageID) || !strings.HasPrefix(id, webhook.PrefixMessage) {
				t.Errorf("webhook-id %s, message %s", id, ended.MessageID)
			}
			if e := got.header.Get(sender.HeaderEventType); e != string(tc.status.EventType()) {
				t.Errorf("event type %s", e)
			}
			if ob.DeliveryID != ended.DeliveryID || ob.State != webhook.StateSucceeded || ob.SubscriptionID != "" {
				t.Errorf("observed %+v, the delivery is %s", ob, ended.DeliveryID)
			}
			// The same report again changes nothing; another is refused.
			if again := h.end(v.ID, tc.status); again.DeliveryID != ended.DeliveryID || !again.UpdatedAt.Equal(ended.UpdatedAt) {
				t.Errorf("again: %+v, first %+v", again, ended)
			}
			other := map[webhook.VerificationStatus]webhook.VerificationStatus{"COMPLETED": "FAILED", "FAILED": "COMPLETED"}[tc.status]
			if _, err := h.d.EndVerification(context.Background(), v.ID, other); !webhook.IsKind(err, webhook.KindConflict) {
				t.Errorf("%s after %s: %v", other, tc.status, err)
			}
		}
		if n := len(r.requests()); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestACallbackHasTheSchedule: six requests, then failed; an operator's retry
// and cancel work as on every delivery.
func TestACallbackHasTheSchedule(t *testing.T) {
	down := true
	r := newJudge(t, func(int, seen) int {
		if down {
			return 201 // any status but 200 fails it
		}
		return 200
	})
	ms := time.Millisecond
	h := newHouse(t, houseOptions{schedule: webhook.Schedule{ms, ms, ms, ms, ms}})
	v := h.end(h.register(r.URL).ID, webhook.VerificationFailed)
	for n := 1; n <= 6; n++ {
		ob := h.next()
		if want := map[bool]webhook.DeliveryState{true: webhook.StateFailed, false: webhook.StateRetrying}[n == 6]; ob.State != want || ob.Attempt.Number != n {
			t.Fatalf("attempt %d: %+v", n, ob)
		}
	}
	ids := map[string]bool{}
	for _, s := range r.requests() {
		ids[s.header.Get(sender.HeaderID)+s.body] = true
	}
	if len(ids) != 1 {
		t.Errorf("the requests differ: %v", ids)
	}
	down = false
	h.retry(v.DeliveryID)
	if ob := h.next(); ob.State != webhook.StateSucceeded || ob.Attempt.Trigger != webhook.TriggerManual {
		t.Errorf("the retry by hand: %+v", ob)
	}
	signed, err := h.d.SignedRequest(context.Background(), v.DeliveryID)
	must(t, err)
	if err := signedBy(t, seen{header: signed.Header, body: string(signed.Body)}, h.clientSecret()); err != nil {
		t.Errorf("what is shown for curl: %v", err)
	}
}

func TestACallbackIsCanceled(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	v := h.end(h.register("http://127.0.0.1:1/").ID, webhook.VerificationCompleted)
	if _, err := h.d.Cancel(context.Background(), v.DeliveryID); err != nil {
		t.Fatal(err)
	}
	if d := h.delivery(v.DeliveryID); d.State != webhook.StateCanceled {
		t.Errorf("%+v", d)
	}
}

// TestAClientsSecretIsRotated: while the rotation overlaps, both verify; a
// change by another process counts at the next request (P9).
func TestAClientsSecretIsRotated(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		o.database = h.o.database
		other := h.another(func(o *houseOptions) { o.stopped = true })
		send := func() seen {
			t.Helper()
			h.end(h.register(r.URL).ID, webhook.VerificationCompleted)
			h.next()
			return r.take(t)
		}
		send()
		first := h.clientSecret()
		second, err := other.subs.RotateClientSecret(ctx, "acme", webhook.Rotation{Overlap: time.Hour})
		must(t, err)
		if second.Previous.Reveal() != first.Reveal() {
			t.Error("the old secret is not the previous one")
		}
		both := send()
		for name, s := range map[string]webhook.Secret{"old": first, "new": second.Current} {
			if err := signedBy(t, both, s); err != nil {
				t.Errorf("during the overlap the %s secret does not verify: %v", name, err)
			}
		}
		third, err := h.subs.RotateClientSecret(ctx, "acme", webhook.Rotation{})
		must(t, err)
		one := send()
		if err := signedBy(t, one, third.Current); err != nil {
			t.Errorf("the new secret does not verify: %v", err)
		}
		for name, s := range map[string]webhook.Secret{"first": first, "second": second.Current} {
			if signedBy(t, one, s) == nil {
				t.Errorf("the %s secret still verifies", name)
			}
		}
		if _, err := h.subs.RotateClientSecret(ctx, "acme", webhook.Rotation{Overlap: -time.Second}); !webhook.IsKind(err, webhook.KindInvalid) {
			t.Errorf("a negative overlap: %v", err)
		}
	})
}

// TestTwoProcessesMakeOneSecret for a client that is new to both.
func TestTwoProcessesMakeOneSecret(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.stopped = true
		h := newHouse(t, o)
		houses := []*house{h, h.another()}
		secrets := make(chan string, 10)
		for i := range 10 {
			go func() {
				s, err := houses[i%2].subs.ClientSecrets(context.Background(), "new")
				if err != nil {
					t.Error(err)
				}
				secrets <- s.Current.Reveal()
			}()
		}
		all := map[string]bool{}
		for range 10 {
			all[<-secrets] = true
		}
		if len(all) != 1 {
			t.Errorf("%d different secrets", len(all))
		}
	})
}

// TestBadCallbacksAreRefusedAtOnce, not when they fail.
func TestBadCallbacksAreRefusedAtOnce(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	for _, tc := range []struct{ url, method, path string }{
		{"http://127.0.0.1:9/", "GET", "/callback/method"},
		{"http://127.0.0.1:9/", "post", "/callback/method"},
		{"http://127.0.0.1:9/", "", "/callback/method"},
		{"", "POST", "/callback/url"},
		{"ftp://example.com/", "POST", "/callback/url"},
		{"https://10.1.2.3/", "POST", "/callback/url"},
		{"https://169.254.169.254/latest", "PUT", "/callback/url"},
		{"https://user:pass@example.com/", "POST", "/callback/url"},
		{"https://example.com/" + strings.Repeat("x", webhook.MaxURL), "POST", "/callback/url"},
	} {
		_, err := h.d.RegisterVerification(context.Background(), dispatcher.NewVerification{
			ClientID: "acme", NationalID: "1", Callback: &webhook.Callback{URL: tc.url, Method: tc.method},
		}, nil)
		if got := faults(t, err); len(got) != 1 || got[0].Path != tc.path {
			t.Errorf("%.60s by %q: %+v", tc.url, tc.method, got)
		}
	}
}

// TestVerificationsExpire, without a message to anybody.
func TestVerificationsExpire(t *testing.T) {
	ctx, c := context.Background(), &clock{}
	r := newReceiver(t, always(200))
	h := newHouse(t, houseOptions{stopped: true, now: c.Now})
	var ids []webhook.VerificationID
	for range 450 { // more than two batches
		ids = append(ids, h.register(r.URL).ID)
	}
	kept := h.end(h.register(r.URL).ID, webhook.VerificationCompleted)
	if n, err := h.d.ExpireVerifications(ctx); err != nil || n != 0 {
		t.Fatalf("%d expired at once: %v", n, err)
	}
	c.forward(webhook.DefaultVerificationTTL)
	if n, err := h.d.ExpireVerifications(ctx); err != nil || n != int64(len(ids)) {
		t.Fatalf("%d expired: %v", n, err)
	}
	v, err := h.store.Verification(ctx, ids[0])
	must(t, err)
	if v.Status != webhook.VerificationExpired || v.DeliveryID != "" {
		t.Errorf("%+v", v)
	}
	if v, err = h.store.Verification(ctx, kept.ID); err != nil || v.Status != webhook.VerificationCompleted {
		t.Errorf("the one that had ended: %+v (%v)", v, err)
	}
	if _, err := h.d.EndVerification(ctx, ids[0], webhook.VerificationCompleted); !webhook.IsKind(err, webhook.KindConflict) {
		t.Errorf("a report after the expiry: %v", err)
	}
}

// TestWorkersExpireVerifications by themselves.
func TestWorkersExpireVerifications(t *testing.T) {
	c := &clock{}
	h := newHouse(t, houseOptions{stopped: true, now: c.Now})
	v := h.register("http://127.0.0.1:9/")
	c.forward(webhook.DefaultVerificationTTL)
	h.another(func(o *houseOptions) { o.stopped = false })
	until(t, "it expires", func() bool {
		got, err := h.store.Verification(context.Background(), v.ID)
		must(t, err)
		return got.Status == webhook.VerificationExpired
	})
}

// TestAHangingCallbackHostDelaysNobody: many results for a host that
// never answers wait in SQL, each claimed a few times at most, while another
// host and a subscriber get theirs at once; what was missed is not lost.
func TestAHangingCallbackHostDelaysNobody(t *testing.T) {
	eachBackendAtOnce(t, func(t *testing.T, o houseOptions) {
		const results, healthy, looks = 160, 40, 20
		o.timeout, o.workers = 30*time.Second, 64
		answer := newHold()
		hole, good := newReceiver(t, answer.then(200)), newReceiver(t, always(200))
		h := newHouse(t, o)
		defer answer.release()
		h.subscribe(good.URL)
		var hanging, others []webhook.VerificationID
		for range results { // before anything hangs: the clock of the first attempt does not run yet
			hanging = append(hanging, h.register(hole.URL).ID)
		}
		for range healthy {
			others = append(others, h.register(good.URL).ID)
		}
		for _, id := range hanging {
			h.end(id, webhook.VerificationCompleted)
		}
		hole.take(t) // it hangs
		for i, id := range others {
			h.end(id, webhook.VerificationFailed)
			h.post(redemption)
			if i%(healthy/looks) == 0 {
				h.d.Kick() // the reconciler looks as often as it does in 40 s
			}
		}
		var late time.Duration
		for range 2 * healthy {
			ob := h.next()
			if ob.State != webhook.StateSucceeded || ob.Attempt.URL == hole.URL {
				t.Fatalf("before the healthy had everything: %+v", ob)
			}
			late = max(late, ob.Attempt.EndedAt().Sub(ob.Due))
		}
		t.Logf("the last of the healthy came %s after its time", late)
		until(t, "what waits is parked by its host", func() bool {
			hosts, err := h.store.ParkedHosts(context.Background())
			must(t, err)
			return len(hosts) == 1 && strings.HasPrefix(hole.URL, "http://"+hosts[0])
		})
		if most := h.mostClaims(); most > 6 {
			t.Errorf("a delivery was claimed %d times while its host hung", most)
		}
		answer.release()
		for range results {
			if ob := h.next(); ob.State != webhook.StateSucceeded {
				t.Fatalf("after the hang: %+v", ob)
			}
		}
		if n := len(hole.requests()); n != results {
			t.Errorf("%d requests after the hang, want %d", n, results)
		}
	})
}

// mostClaims is how often the most claimed delivery that still waits was
// claimed and given back.
func (h *house) mostClaims() (n int) {
	h.t.Helper()
	db := h.rawDatabase()
	must(h.t, db.QueryRow(`SELECT COALESCE(max(generation), 0) / 2 FROM deliveries WHERE state = 'pending'`).Scan(&n))
	return n
}
