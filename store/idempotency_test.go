package store

import (
	"context"
	"errors"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func idempotencyChecks() []check {
	return []check{
		{"a key is answered with its first answer", checkReplay},
		{"a key used twice in one commit", checkReplayInCommit},
		{"a key used by many at once", checkReplayTogether},
		{"a key outlives a restart", checkReplayReopen},
	}
}

func key(k, hash string) *Idempotency {
	return &Idempotency{Scope: "POST /events", Key: k, RequestHash: []byte(hash), Status: 202, Response: []byte(`{"a": "` + hash + `"}` + "\x00")}
}

func (e *env) keyed(i *Idempotency) *Intake {
	in := e.intake("")
	in.Idempotency = i
	return in
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	wantKind(t, err, webhook.KindConflict)
	var r *Replay
	if errors.As(err, &r) {
		t.Errorf("a conflict is also a replay of %q", r.Response)
	}
}

func checkReplay(t *testing.T, e *env) {
	ctx := context.Background()
	if err := e.FindIdempotent(ctx, key("k", "one")); err != nil {
		t.Errorf("a key that was never used: %v", err)
	}
	e.mustAccept(t, e.keyed(key("k", "one")))
	again, other := e.keyed(key("k", "one")), e.keyed(key("k", "two"))
	again.Idempotency.Response = []byte("not the first answer")
	wantReplay(t, e.Accept(ctx, again), 202, `{"a": "one"}`+"\x00")
	wantReplay(t, e.FindIdempotent(ctx, again.Idempotency), 202, `{"a": "one"}`+"\x00")
	e.wantNothing(t, again)
	wantConflict(t, e.Accept(ctx, other))
	wantConflict(t, e.FindIdempotent(ctx, other.Idempotency))
	e.wantNothing(t, other)
	elsewhere := e.keyed(key("k", "two"))
	elsewhere.Idempotency.Scope = "POST /other"
	e.mustAccept(t, elsewhere)
}

func checkReplayInCommit(t *testing.T, e *env) {
	ins := []*Intake{e.keyed(key("k", "one")), e.keyed(key("k", "one")), e.keyed(key("k", "two")), e.keyed(key("l", "two"))}
	out := e.together(ins...)
	if out[0].Err != nil || out[3].Err != nil {
		t.Errorf("got %v and %v", out[0].Err, out[3].Err)
	}
	wantReplay(t, out[1].Err, 202, `{"a": "one"}`+"\x00")
	wantConflict(t, out[2].Err)
	e.wantNothing(t, ins[1])
	e.wantNothing(t, ins[2])
	e.get(t, ins[0].Deliveries[0].ID)
	e.get(t, ins[3].Deliveries[0].ID)
	// The first of two is bad: the second must not get the answer of a request
	// that was never committed.
	taken := ins[0].Messages[0].ID
	ins = []*Intake{e.keyed(key("m", "one")), e.keyed(key("m", "one"))}
	ins[0].Messages[0].ID = taken
	if out := e.together(ins...); out[0].Err == nil || out[1].Err != nil {
		t.Errorf("got %v and %v", out[0].Err, out[1].Err)
	}
}

func checkReplayTogether(t *testing.T, e *env) {
	const n = 24
	ins := make([]*Intake, n)
	for i := range ins {
		ins[i] = e.keyed(key("k", "one"))
	}
	first := -1
	for i, err := range together(n, func(i int) error { return e.Accept(context.Background(), ins[i]) }) {
		if err == nil && first < 0 {
			first = i
			continue
		}
		wantReplay(t, err, 202, `{"a": "one"}`+"\x00")
		e.wantNothing(t, ins[i])
	}
	if first < 0 {
		t.Fatal("no request came first")
	}
	e.get(t, ins[first].Deliveries[0].ID)
}

func checkReplayReopen(t *testing.T, e *env) {
	e.mustAccept(t, e.keyed(key("k", "one")))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.Store = e.open(t)
	wantReplay(t, e.Accept(context.Background(), e.keyed(key("k", "one"))), 202, `{"a": "one"}`+"\x00")
	wantConflict(t, e.Accept(context.Background(), e.keyed(key("k", "two"))))
}
