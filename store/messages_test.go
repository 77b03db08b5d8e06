package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func intakeChecks() []check {
	return []check{
		{"accept stores message and deliveries", checkAccept},
		{"accept a page of an export", checkAcceptPage},
		{"accept a held delivery", checkAcceptHeld},
		{"accept 1 to 1000 messages at once", checkAcceptMany},
		{"accept is all or nothing", checkAcceptAtomic},
		{"accept with an old catalogue", checkAcceptStale},
		{"accept held, resumed at the same moment", checkAcceptHeldResume},
		{"one bad intake does not fail its neighbours", checkAcceptNeighbours},
		{"accept from many goroutines", checkAcceptTogether},
	}
}

func checkAccept(t *testing.T, e *env) {
	a, b := e.subscribe(t), e.subscribe(t)
	in := e.intake(a, b)
	e.mustAccept(t, in)
	m := in.Messages[0]
	got, err := e.Message(context.Background(), m.ID)
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("message: error %v, -want +got:\n%s", err, diff)
	}
	now := e.now()
	for i, sub := range []webhook.SubscriptionID{a, b} {
		want := webhook.Delivery{
			ID: in.Deliveries[i].ID, MessageID: m.ID, EventID: &m.ID, EventType: someType, ClientID: someClient,
			SubscriptionID: sub, URL: someURL, Method: "POST", State: webhook.StatePending, NextAttemptAt: &now, CreatedAt: now,
		}
		if diff := cmp.Diff(want, e.get(t, want.ID)); diff != "" {
			t.Errorf("delivery %d: -want +got:\n%s", i, diff)
		}
		e.wantStands(t, want.ID, "pending next=0s check=30s")
	}
	_, err = e.Message(context.Background(), "evt_none")
	wantKind(t, err, webhook.KindNotFound)
	_, err = e.Delivery(context.Background(), "dlv_none")
	wantKind(t, err, webhook.KindNotFound)
}

func checkAcceptPage(t *testing.T, e *env) {
	in := e.intake(e.subscribe(t))
	m, d := &in.Messages[0], &in.Deliveries[0]
	m.ID, m.Kind, m.Target = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindExportPage, d.SubscriptionID
	d.RunID, d.Page, d.Pages, d.Method = "run_1", 2, 3, "PUT"
	e.mustAccept(t, in)
	stored, err := e.Message(context.Background(), m.ID)
	if diff := cmp.Diff(*m, stored); err != nil || diff != "" {
		t.Errorf("message: error %v, -want +got:\n%s", err, diff)
	}
	got := e.get(t, d.ID)
	if got.RunID == nil || *got.RunID != "run_1" || got.Page == nil || *got.Page != 2 || got.Method != "PUT" || got.EventID != nil || got.Test {
		t.Errorf("got %+v", got)
	}
	c := e.claim(t, Ref{d.ID, 1})
	if c.RunID != "run_1" || c.Page != 2 || c.Pages != 3 || c.Kind != webhook.KindExportPage {
		t.Errorf("claimed %+v", c)
	}
	test := e.intake("")
	test.Messages[0].Kind = webhook.KindTest
	e.mustAccept(t, test)
	if got := e.get(t, test.Deliveries[0].ID); !got.Test || got.EventID != nil || got.RunID != nil || got.Page != nil || got.SubscriptionID != "" {
		t.Errorf("got %+v", got)
	}
}

func checkAcceptHeld(t *testing.T, e *env) {
	sub := e.subscribe(t)
	e.pause(t, sub)
	in := e.intake(sub)
	in.Deliveries[0].Held, in.Catalogue = true, e.version(t)
	e.mustAccept(t, in)
	e.wantStands(t, in.Deliveries[0].ID, "held/paused next=0s")
	e.clock.Advance(time.Microsecond)
	e.resume(t, sub)
	e.wantStands(t, in.Deliveries[0].ID, "pending next=1µs check=1µs")
}

// together commits intakes in one transaction, as they are when they wait at
// the same time.
func (e *env) together(ins ...*Intake) []batch.Result[struct{}] {
	for _, in := range ins {
		in.until = time.Now().Add(acceptTimeout)
	}
	return e.runIntake(ins)
}

// many makes an intake of n messages with one delivery each.
func (e *env) many(n int, sub webhook.SubscriptionID) *Intake {
	in := &Intake{Messages: make([]webhook.Message, n)}
	for i := range in.Messages {
		in.Messages[i] = e.message()
		in.Messages[i].Body = fmt.Appendf(nil, `{"n":%d}`, i)
		in.Messages[i].DataStart, in.Messages[i].DataLength = 0, len(in.Messages[i].Body)
		in.Deliveries = append(in.Deliveries, e.delivery(&in.Messages[i], sub))
	}
	return in
}

func checkAcceptMany(t *testing.T, e *env) {
	sub := e.subscribe(t)
	want := []string{}
	for _, n := range []int{1, 2, 99, 100, 101, 250, 1000} {
		in := e.many(n, sub)
		e.mustAccept(t, in)
		for i := range in.Deliveries {
			want = append(want, string(in.Deliveries[i].ID))
		}
		last := in.Messages[n-1]
		got, err := e.Message(context.Background(), last.ID)
		if diff := cmp.Diff(last, got); err != nil || diff != "" {
			t.Errorf("the last of %d: error %v, -want +got:\n%s", n, err, diff)
		}
	}
	slices.Reverse(want)
	if diff := cmp.Diff(want, e.deliveryIDs(t, DeliveryFilter{}, 400)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func (e *env) wantNothing(t *testing.T, in *Intake) {
	t.Helper()
	for i := range in.Messages {
		if _, err := e.Message(context.Background(), in.Messages[i].ID); !webhook.IsKind(err, webhook.KindNotFound) {
			t.Errorf("a message of a refused intake is there (%v)", err)
		}
	}
	for i := range in.Deliveries {
		if _, err := e.Delivery(context.Background(), in.Deliveries[i].ID); !webhook.IsKind(err, webhook.KindNotFound) {
			t.Errorf("a delivery of a refused intake is there (%v)", err)
		}
	}
}

func checkAcceptAtomic(t *testing.T, e *env) {
	sub := e.subscribe(t)
	old := e.accept(t, sub)
	in := e.many(150, sub) // the bad row comes in the second statement
	good := in.Deliveries[149].ID
	in.Deliveries[149].ID = old.ID
	in.Idempotency = &Idempotency{Scope: "s", Key: "k", RequestHash: []byte("h"), Status: 202, Response: []byte("r")}
	if err := e.Accept(context.Background(), in); err == nil || webhook.IsKind(err, webhook.KindUnavailable) {
		t.Errorf("a delivery id that is taken: error %v", err)
	}
	in.Deliveries[149].ID = good
	e.wantNothing(t, in)
	if err := e.FindIdempotent(context.Background(), in.Idempotency); err != nil {
		t.Errorf("the key of a refused intake is used up: %v", err)
	}
	e.mustAccept(t, in)
}

func checkAcceptStale(t *testing.T, e *env) {
	sub := e.subscribe(t)
	stale, fresh, unmatched := e.intake(sub), e.intake(sub), e.intake(sub)
	stale.Catalogue = e.version(t)
	stale.Idempotency = &Idempotency{Scope: "s", Key: "k", RequestHash: []byte("h"), Status: 202, Response: []byte("r")}
	e.pause(t, sub)
	fresh.Catalogue = e.version(t)
	out := e.together(stale, fresh, unmatched)
	if !IsStale(out[0].Err) || out[1].Err != nil || out[2].Err != nil {
		t.Errorf("got %v", out)
	}
	e.wantNothing(t, stale)
	for _, in := range []*Intake{fresh, unmatched} {
		e.wantStands(t, in.Deliveries[0].ID, "pending next=0s check=30s")
	}
	if err := e.Accept(context.Background(), stale); !IsStale(err) || webhook.IsKind(err, webhook.KindUnavailable) {
		t.Errorf("got %v", err)
	}
	stale.Catalogue = e.version(t) // the caller has loaded it again
	e.mustAccept(t, stale)
}

// Whatever the order in which they commit, a delivery must not be left held by
// a subscription that is active.
func checkAcceptHeldResume(t *testing.T, e *env) {
	ctx := context.Background()
	for range 20 {
		sub := e.subscribe(t)
		e.pause(t, sub)
		in := e.intake(sub)
		in.Deliveries[0].Held, in.Catalogue = true, e.version(t)
		errs := together(2, func(i int) error {
			if i == 0 {
				return e.Accept(ctx, in)
			}
			return e.ResumeSubscription(ctx, sub)
		})
		if errs[1] != nil {
			t.Fatal(errs[1])
		}
		if IsStale(errs[0]) {
			e.wantNothing(t, in)
			continue
		}
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		e.wantStands(t, in.Deliveries[0].ID, "pending next=0s check=0s")
	}
}

func checkAcceptNeighbours(t *testing.T, e *env) {
	sub := e.subscribe(t)
	taken := e.intake(sub)
	e.mustAccept(t, taken)
	for bad := range 3 {
		ins := []*Intake{e.intake(sub), e.intake(sub, sub), e.many(3, sub)}
		ins[bad].Messages[0].ID = taken.Messages[0].ID
		out := e.together(ins...)
		for i, in := range ins {
			if (out[i].Err != nil) != (i == bad) {
				t.Errorf("intake %d of which %d is bad: %v", i, bad, out[i].Err)
			}
			if i != bad {
				e.get(t, in.Deliveries[len(in.Deliveries)-1].ID)
				continue
			}
			in.Messages = in.Messages[1:]
			e.wantNothing(t, in)
		}
	}
}

func checkAcceptTogether(t *testing.T, e *env) {
	sub := e.subscribe(t)
	ins := make([]*Intake, 60)
	for i := range ins {
		ins[i] = e.many(1+i%7, sub)
	}
	ins[30].Messages[0].ID = ins[31].Messages[0].ID // only one of the two can be
	errs := together(len(ins), func(i int) error { return e.Accept(context.Background(), ins[i]) })
	for i, err := range errs {
		if i == 30 || i == 31 {
			continue
		}
		if err != nil {
			t.Errorf("intake %d: %v", i, err)
		}
		for j := range ins[i].Deliveries {
			e.get(t, ins[i].Deliveries[j].ID)
		}
	}
	if (errs[30] == nil) == (errs[31] == nil) {
		t.Errorf("of two intakes with one message id: %v and %v", errs[30], errs[31])
	}
}

func bodyChecks() []check { return []check{{"bodies are kept byte for byte", checkBodies}} }

func checkBodies(t *testing.T, e *env) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, body := range map[string][]byte{
		"numbers": []byte(`{"data": {"big":123456789012345678901234567890, "e":1.0E+2 ,"z":1.10}}`),
		"unicode": []byte(`{"data":"ção 日本 \u00e7 𝄞` + "\u2028" + `"}`),
		"NULs":    []byte("{\"data\":\"a\x00b\"}\x00"),
		"bytes":   all,
		"one":     []byte(`1`),
		"long":    []byte(`{"data":"` + strings.Repeat("0123456789abcdef", 1<<16) + `"}`),
	} {
		in := e.intake("")
		m := &in.Messages[0]
		m.Body, m.DataStart, m.DataLength = body, 0, len(body)
		e.mustAccept(t, in)
		got, err := e.Message(context.Background(), m.ID)
		if err != nil || !bytes.Equal(got.Body, body) || got.Body == nil || !bytes.Equal(got.Data(), body) {
			t.Errorf("%s: read %d bytes of %d (%v)", name, len(got.Body), len(body), err)
		}
		if c := e.claim(t, Ref{in.Deliveries[0].ID, 1}); !bytes.Equal(c.Body, body) || c.Body == nil {
			t.Errorf("%s: claimed with %d bytes of %d", name, len(c.Body), len(body))
		}
	}
}
