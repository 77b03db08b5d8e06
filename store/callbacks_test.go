package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// What is sent without a subscription, or past the queue.
func callbackChecks() []check {
	return []check{
		{"client secret is made once, by whoever is first", checkClientSecretOnce},
		{"client secret is rotated by one at a time", checkClientSecretRotation},
		{"what is parked for a host is fed by host", checkFeedHost},
		{"a test is final from the start", checkRecordTest},
	}
}

func checkClientSecretOnce(t *testing.T, e *env) {
	ctx := context.Background()
	_, err := e.ClientSecret(ctx, "new")
	wantKind(t, err, webhook.KindNotFound)
	stores := []*Store{e.Store, e.open(t)}
	for _, err := range together(8, func(i int) error {
		return stores[i%2].AddClientSecret(ctx, "new", fmt.Appendf(nil, "sealed %d", i))
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	first, err := e.ClientSecret(ctx, "new")
	if err != nil || len(first.Sealed) == 0 || first.Old != nil {
		t.Fatalf("%+v, error %v", first, err)
	}
	if err := e.AddClientSecret(ctx, "new", []byte("late")); err != nil {
		t.Error(err)
	}
	if again, err := e.ClientSecret(ctx, "new"); err != nil || string(again.Sealed) != string(first.Sealed) || again.Version != first.Version {
		t.Errorf("%+v, error %v, want %+v", again, err, first)
	}
	for since, want := range map[int64]int{0: 1, first.Version - 1: 1, first.Version: 0} {
		if got, err := e.ClientSecretsSince(ctx, since); err != nil || len(got) != want {
			t.Errorf("since %d: %v, error %v", since, got, err)
		}
	}
}

func checkClientSecretRotation(t *testing.T, e *env) {
	ctx := context.Background()
	if err := e.AddClientSecret(ctx, someClient, []byte("one")); err != nil {
		t.Fatal(err)
	}
	read, err := e.ClientSecret(ctx, someClient)
	if err != nil {
		t.Fatal(err)
	}
	next := read
	next.Sealed, next.Old, next.OldUntil = []byte("two"), []byte("one"), e.now().Add(time.Hour)
	if err := e.UpdateClientSecret(ctx, next); err != nil {
		t.Fatal(err)
	}
	got, err := e.ClientSecret(ctx, someClient)
	next.Version = got.Version
	if diff := cmp.Diff(next, got); err != nil || diff != "" || got.Version <= read.Version {
		t.Errorf("version %d after %d, error %v, -want +got:\n%s", got.Version, read.Version, err, diff)
	}
	wantKind(t, e.UpdateClientSecret(ctx, read), webhook.KindConflict)
	if v := e.version(t); got.Version > v {
		t.Errorf("the catalogue is at %d", v)
	}
}

// parkFor ends a verification whose callback is parked.
func (e *env) parkFor(tb testing.TB, host string) Ref {
	tb.Helper()
	v := e.mustCreate(tb, e.verification())
	end := e.ending(v, webhook.VerificationCompleted)
	end.Host = host
	if _, _, err := e.EndVerification(context.Background(), end); err != nil {
		tb.Fatal(err)
	}
	ref := Ref{end.Delivery.ID, 1}
	e.giveBack(tb, e.claim(tb, ref), ReleaseParked)
	return ref
}

func checkFeedHost(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscribe(t)
	e.park(t, sub)
	var want []webhook.DeliveryID
	for range 3 {
		want = append(want, e.parkFor(t, "a.example").ID)
		e.clock.Advance(time.Second)
	}
	e.parkFor(t, "b.example:8443")
	hosts, err := e.ParkedHosts(ctx)
	if diff := cmp.Diff([]string{"a.example", "b.example:8443"}, hosts); err != nil || diff != "" {
		t.Errorf("hosts: error %v, -want +got:\n%s", err, diff)
	}
	if subs, err := e.ParkedSubscriptions(ctx); err != nil || len(subs) != 1 || subs[0] != sub {
		t.Errorf("subscriptions %v, error %v", subs, err)
	}
	got, err := e.FeedHost(ctx, "a.example", 2, e.terms())
	if err != nil || len(got) != 2 || got[0].ID != want[0] || got[1].ID != want[1] || got[0].Body == nil {
		t.Errorf("fed %+v, error %v, want the first two of %v", got, err, want)
	}
	if got, err := e.FeedHost(ctx, "", 10, e.terms()); err != nil || len(got) != 0 {
		t.Errorf("no host fed %v, error %v", got, err)
	}
}

func checkRecordTest(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscribe(t)
	for _, cause := range []webhook.ErrorCode{"", webhook.ErrorTimeout} {
		m := e.message()
		m.ID, m.Kind = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindTest
		nd := e.delivery(&m, sub)
		a := &webhook.Attempt{Number: 1, Trigger: webhook.TriggerTest, StartedAt: e.now(), Duration: time.Second, URL: someURL, Warnings: []string{}}
		want := "succeeded attempts=1 finished=1s"
		if cause != "" {
			a.Error = &webhook.AttemptError{Code: cause, Message: "late"}
			want = "failed attempts=1 finished=1s"
		}
		d, err := e.RecordTest(ctx, &nd, TestOutcome{Attempts: []*webhook.Attempt{a}})
		if err != nil {
			t.Fatal(err)
		}
		if !d.Test || d.LastError != cause || d.SubscriptionID != sub || d.NextAttemptAt != nil {
			t.Errorf("%+v", d)
		}
		e.wantStands(t, nd.ID, want)
		if as, err := e.Attempts(ctx, nd.ID); err != nil || len(as) != 1 || as[0].Trigger != webhook.TriggerTest {
			t.Errorf("attempts %+v, error %v", as, err)
		}
		if due, _, err := e.Due(ctx, DueTerms{Now: e.now().Add(time.Hour), Ahead: time.Hour, Again: time.Second, Limit: 10}); err != nil || len(due) != 0 {
			t.Errorf("due %v, error %v", due, err)
		}
	}
}

// verificationCalls are those of everyCall that are about verifications, client
// secrets and tests.
func (e *env) verificationCalls() map[string]func(context.Context) error {
	v := e.verification()
	end := e.ending(v, webhook.VerificationCompleted)
	m := e.message()
	probe := e.delivery(&m, "sub_1")
	list := func(f VerificationFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, _, err := e.Verifications(ctx, f, Page{Limit: 50}); return err }
	}
	return map[string]func(context.Context) error{
		"AddClientSecret":     func(ctx context.Context) error { return e.AddClientSecret(ctx, "a", []byte("s")) },
		"ClientSecret":        func(ctx context.Context) error { _, err := e.ClientSecret(ctx, "a"); return err },
		"ClientSecretsSince":  func(ctx context.Context) error { _, err := e.ClientSecretsSince(ctx, 0); return err },
		"CreateVerification":  func(ctx context.Context) error { return e.CreateVerification(ctx, v, nil) },
		"EndVerification":     func(ctx context.Context) error { _, _, err := e.EndVerification(ctx, end); return err },
		"ExpireVerifications": func(ctx context.Context) error { _, err := e.ExpireVerifications(ctx, e.now(), 10); return err },
		"FeedHost":            func(ctx context.Context) error { _, err := e.FeedHost(ctx, "a.example", 10, e.terms()); return err },
		"ParkedHosts":         func(ctx context.Context) error { _, err := e.ParkedHosts(ctx); return err },
		"RecordTest": func(ctx context.Context) error {
			_, err := e.RecordTest(ctx, &probe, TestOutcome{Attempts: []*webhook.Attempt{{Number: 1}}})
			return err
		},
		"CountSealed": func(ctx context.Context) error { _, err := e.CountSealed(ctx); return err },
		"SealedWith": func(ctx context.Context) error {
			_, err := e.SealedWith(ctx, SealedAnswers, []byte("\x01abcd"), SealedValue{ID: "a", Second: "k"}, 100)
			return err
		},
		"ReplaceSealed": func(ctx context.Context) error {
			_, err := e.ReplaceSealed(ctx, SealedAnswers, []Resealed{{SealedValue{ID: "a", Second: "k", Sealed: []byte("x")}, []byte("y")}})
			return err
		},
		"UpdateClientSecret":           func(ctx context.Context) error { return e.UpdateClientSecret(ctx, ClientSecret{ClientID: "a"}) },
		"Verification":                 func(ctx context.Context) error { _, err := e.Verification(ctx, "ver_1"); return err },
		"VerificationStats":            func(ctx context.Context) error { _, err := e.VerificationStats(ctx, "", e.now()); return err },
		"Verifications":                list(VerificationFilter{}),
		"verifications by client":      list(VerificationFilter{ClientID: "c7"}),
		"verifications that expired":   list(VerificationFilter{Status: webhook.VerificationExpired}),
		"verifications that are ended": list(VerificationFilter{Status: webhook.VerificationCompleted, Since: e.now().Add(-time.Hour)}),
	}
}
