package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func verificationChecks() []check {
	return []check{
		{"verification is stored and read back byte for byte", checkCreateVerification},
		{"verification with an idempotency key is made once", checkVerificationReplay},
		{"verification ends once and brings one message", checkEndVerification},
		{"verification without a callback ends without a message", checkEndVerificationSilent},
		{"of many reports at once one ends the verification", checkEndVerificationTogether},
		{"verifications expire in small batches, the longest overdue first", checkExpireVerifications},
		{"an end and an expiry at once: one of them", checkEndOrExpire},
		{"verifications are listed and counted", checkListVerifications},
	}
}

// verification makes a pending one with a callback.
func (e *env) verification() *webhook.Verification {
	return &webhook.Verification{
		ID: webhook.VerificationID(e.id(webhook.PrefixVerification)), ClientID: someClient, Status: webhook.VerificationPending,
		Type: "full", NationalIDMasked: "***00", Callback: &webhook.Callback{URL: someURL, Method: "PUT"},
		Metadata:  []byte("{ \"b\":1.10,\"a\":12345678901234567890,\"\\u00e9\":\"é\\u0000\\/\"\n}"),
		CreatedAt: e.now(), UpdatedAt: e.now(), ExpiresAt: e.now().Add(time.Hour),
	}
}

func (e *env) mustCreate(tb testing.TB, v *webhook.Verification) *webhook.Verification {
	tb.Helper()
	if err := e.CreateVerification(context.Background(), v, nil); err != nil {
		tb.Fatal(err)
	}
	return v
}

// ending is the end of a verification, now, with its message.
func (e *env) ending(v *webhook.Verification, status webhook.VerificationStatus) Ending {
	m := e.message()
	m.ID, m.Kind, m.Type = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindVerification, status.EventType()
	m.Body, m.DataStart = v.CallbackBody(status)
	m.DataLength = len(v.Metadata)
	end := Ending{ID: v.ID, Status: status, At: e.now(), Message: &m, Host: "example.com"}
	end.Delivery = e.delivery(&m, "")
	end.Delivery.Method = v.Callback.Method
	return end
}

func (e *env) count(tb testing.TB, table string) (n int) {
	tb.Helper()
	if err := e.read.QueryRowContext(context.Background(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

func checkCreateVerification(t *testing.T, e *env) {
	ctx := context.Background()
	bare := e.verification()
	bare.Callback, bare.Metadata, bare.Type, bare.ClientID = nil, nil, "", "another"
	for _, want := range []*webhook.Verification{e.verification(), bare} {
		e.mustCreate(t, want)
		got, err := e.Verification(ctx, want.ID)
		if diff := cmp.Diff(*want, got); err != nil || diff != "" {
			t.Errorf("error %v, -want +got:\n%s", err, diff)
		}
		if _, err := e.Client(ctx, want.ClientID); err != nil {
			t.Errorf("its client: %v", err)
		}
	}
	_, err := e.Verification(ctx, "ver_nobody")
	wantKind(t, err, webhook.KindNotFound)
}

func checkVerificationReplay(t *testing.T, e *env) {
	key := &Idempotency{Scope: "s", Key: "k", RequestHash: []byte("h"), Status: 201, Response: []byte("first")}
	if err := e.CreateVerification(context.Background(), e.verification(), key); err != nil {
		t.Fatal(err)
	}
	again := *key
	again.Response = []byte("second")
	wantReplay(t, e.CreateVerification(context.Background(), e.verification(), &again), 201, "first")
	if n := e.count(t, "verifications"); n != 1 {
		t.Errorf("%d verifications", n)
	}
}

func checkEndVerification(t *testing.T, e *env) {
	ctx := context.Background()
	v := e.mustCreate(t, e.verification())
	e.clock.Advance(time.Minute)
	end := e.ending(v, webhook.VerificationCompleted)
	want := *v
	want.Status, want.UpdatedAt, want.MessageID, want.DeliveryID = webhook.VerificationCompleted, e.now(), end.Message.ID, end.Delivery.ID
	got, repeat, err := e.EndVerification(ctx, end)
	if diff := cmp.Diff(want, got); err != nil || repeat || diff != "" {
		t.Fatalf("repeat %v, error %v, -want +got:\n%s", repeat, err, diff)
	}
	if m, err := e.Message(ctx, end.Message.ID); err != nil || string(m.Body) != string(end.Message.Body) || string(m.Data()) != string(v.Metadata) {
		t.Errorf("message %s with %s, error %v", m.Body, m.Data(), err)
	}
	if d := e.get(t, end.Delivery.ID); d.SubscriptionID != "" || d.EventID != nil || d.Method != "PUT" || d.EventType != webhook.SlugVerificationCompleted {
		t.Errorf("delivery %+v", d)
	}
	e.wantStands(t, end.Delivery.ID, "pending next=1m0s check=1m30s")

	e.clock.Advance(time.Minute)
	got, repeat, err = e.EndVerification(ctx, e.ending(v, webhook.VerificationCompleted))
	if diff := cmp.Diff(want, got); err != nil || !repeat || diff != "" {
		t.Errorf("again: repeat %v, error %v, -want +got:\n%s", repeat, err, diff)
	}
	_, _, err = e.EndVerification(ctx, e.ending(v, webhook.VerificationFailed))
	wantKind(t, err, webhook.KindConflict)
	nobody := e.verification()
	_, _, err = e.EndVerification(ctx, e.ending(nobody, webhook.VerificationFailed))
	wantKind(t, err, webhook.KindNotFound)
	if m, d := e.count(t, "messages"), e.count(t, "deliveries"); m != 1 || d != 1 {
		t.Errorf("%d messages, %d deliveries", m, d)
	}
}

func checkEndVerificationSilent(t *testing.T, e *env) {
	v := e.verification()
	v.Callback = nil
	e.mustCreate(t, v)
	got, repeat, err := e.EndVerification(context.Background(), Ending{ID: v.ID, Status: webhook.VerificationFailed, At: e.now()})
	if err != nil || repeat || got.Status != webhook.VerificationFailed || got.DeliveryID != "" || got.Callback != nil {
		t.Errorf("%+v, repeat %v, error %v", got, repeat, err)
	}
	if n := e.count(t, "deliveries"); n != 0 {
		t.Errorf("%d deliveries", n)
	}
}

func checkEndVerificationTogether(t *testing.T, e *env) {
	const reports = 12
	v := e.mustCreate(t, e.verification())
	stores := []*Store{e.Store, e.open(t)}
	ends := make([]Ending, reports)
	for i := range ends {
		ends[i] = e.ending(v, []webhook.VerificationStatus{webhook.VerificationCompleted, webhook.VerificationFailed}[i%2])
	}
	var won [reports]bool
	errs := together(reports, func(i int) error {
		_, repeat, err := stores[i%2].EndVerification(context.Background(), ends[i])
		won[i] = err == nil && !repeat
		return err
	})
	winners, conflicts := 0, 0
	for i, err := range errs {
		if won[i] {
			winners++
		}
		if webhook.IsKind(err, webhook.KindConflict) {
			conflicts++
		} else if err != nil {
			t.Error(err)
		}
	}
	if winners != 1 || conflicts != reports/2 {
		t.Errorf("%d won, %d conflicts", winners, conflicts)
	}
	if m, d := e.count(t, "messages"), e.count(t, "deliveries"); m != 1 || d != 1 {
		t.Errorf("%d messages, %d deliveries", m, d)
	}
}

func checkExpireVerifications(t *testing.T, e *env) {
	ctx := context.Background()
	var ids []webhook.VerificationID
	for i := range 5 {
		v := e.verification()
		v.ExpiresAt = e.now().Add(time.Duration(5-i) * time.Minute) // the last one first
		ids = append(ids, e.mustCreate(t, v).ID)
	}
	ended := e.mustCreate(t, e.verification())
	if _, _, err := e.EndVerification(ctx, e.ending(ended, webhook.VerificationCompleted)); err != nil {
		t.Fatal(err)
	}
	expire := func(want int64) {
		t.Helper()
		if n, err := e.ExpireVerifications(ctx, e.now(), 2); err != nil || n != want {
			t.Errorf("%d expired, want %d, error %v", n, want, err)
		}
	}
	expire(0)
	e.clock.Advance(4*time.Minute - time.Microsecond)
	for _, want := range []int64{2, 1, 0} {
		expire(want)
	}
	now := e.clock.Advance(time.Microsecond)
	expire(1)
	for i, id := range ids {
		got, err := e.Verification(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if expired := got.Status == webhook.VerificationExpired; expired != (i > 0) {
			t.Errorf("number %d is %s", i, got.Status)
		}
		if i == 1 && !got.UpdatedAt.Equal(now) {
			t.Errorf("updated at %s, want %s", got.UpdatedAt, now)
		}
	}
	late, err := e.Verification(ctx, ids[4])
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.EndVerification(ctx, e.ending(&late, webhook.VerificationCompleted))
	wantKind(t, err, webhook.KindConflict)
}

func checkEndOrExpire(t *testing.T, e *env) {
	const many = 20
	vs := make([]*webhook.Verification, many)
	ends := make([]Ending, many)
	for i := range vs {
		vs[i] = e.mustCreate(t, e.verification())
		ends[i] = e.ending(vs[i], webhook.VerificationCompleted)
	}
	late := e.clock.Advance(2 * time.Hour)
	var expired int64
	ended := make([]bool, many)
	errs := together(many+1, func(i int) error {
		if i == many {
			n, err := e.ExpireVerifications(context.Background(), late, many)
			expired = n
			return err
		}
		_, _, err := e.EndVerification(context.Background(), ends[i])
		ended[i] = err == nil
		if webhook.IsKind(err, webhook.KindConflict) {
			return nil
		}
		return err
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, ok := range ended {
		if ok {
			n++
		}
	}
	if n+int(expired) != many || e.count(t, "messages") != n {
		t.Errorf("%d ended, %d expired, %d messages", n, expired, e.count(t, "messages"))
	}
}

func checkListVerifications(t *testing.T, e *env) {
	ctx := context.Background()
	began := e.now()
	byStatus := map[webhook.VerificationStatus][]string{}
	for i := range 12 {
		e.clock.Advance(time.Second)
		v := e.verification()
		v.ClientID = []webhook.ClientID{"a", "b"}[i%2]
		v.ExpiresAt = e.now().Add(time.Duration(100+i) * time.Hour)
		status := webhook.VerificationStatuses[i%4]
		if status == webhook.VerificationExpired {
			v.ExpiresAt = e.now()
		}
		e.mustCreate(t, v)
		if status.Reportable() {
			if _, _, err := e.EndVerification(ctx, e.ending(v, status)); err != nil {
				t.Fatal(err)
			}
		}
		byStatus[status] = append([]string{string(v.ID)}, byStatus[status]...)
	}
	if _, err := e.ExpireVerifications(ctx, e.now(), 100); err != nil {
		t.Fatal(err)
	}
	ids := func(f VerificationFilter, limit int) []string {
		return allPages(t, limit, func(p Page) ([]string, string, error) {
			vs, next, err := e.Verifications(ctx, f, p)
			return keys(vs, func(v webhook.Verification) string { return string(v.ID) }), next, err
		})
	}
	for status, want := range byStatus {
		if diff := cmp.Diff(want, ids(VerificationFilter{Status: status}, 2)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", status, diff)
		}
	}
	if n := len(ids(VerificationFilter{}, 5)); n != 12 {
		t.Errorf("%d in all", n)
	}
	if n := len(ids(VerificationFilter{ClientID: "a"}, 4)); n != 6 {
		t.Errorf("%d of one client", n)
	}
	if n := len(ids(VerificationFilter{Since: began.Add(3 * time.Second), Until: began.Add(6 * time.Second)}, 4)); n != 3 {
		t.Errorf("%d in a span", n)
	}
	got, err := e.VerificationStats(ctx, "", began)
	want := VerificationStats{Pending: 3, NextEnd: began.Add(time.Second + 100*time.Hour), Completed: 3, Failed: 3, Expired: 3}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("stats: error %v, -want +got:\n%s", err, diff)
	}
	e.clock.Advance(time.Hour)
	got, err = e.VerificationStats(ctx, "", e.now())
	if diff := cmp.Diff(VerificationStats{Pending: 3, NextEnd: want.NextEnd}, got); err != nil || diff != "" {
		t.Errorf("stats since now: error %v, -want +got:\n%s", err, diff)
	}
}
