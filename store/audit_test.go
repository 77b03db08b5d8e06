package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func auditChecks() []check {
	return []check{
		{"no write without its line", checkNoWriteWithoutLine},
		{"no line without its write", checkNoLineWithoutWrite},
		{"the transactions of a call share a line", checkOneLine},
		{"the system leaves no line", checkSystemLeavesNoLine},
		{"an event is marked, a batch has a line", checkIntakeIsMarked},
	}
}

func actor(action string) context.Context {
	return webhook.WithActor(context.Background(), webhook.Actor{
		KeyID: "key_1", KeyName: "ci", Role: "operator", Action: action, RemoteAddr: "192.0.2.7", RequestID: "req_1", Changes: []string{"name"},
	})
}

func (e *env) auditLog(tb testing.TB, f AuditFilter) []webhook.AuditEntry {
	tb.Helper()
	lines, next, err := e.AuditLog(context.Background(), f, Page{Limit: 100})
	if err != nil || next != "" {
		tb.Fatal(next, err)
	}
	return lines
}

// checkNoWriteWithoutLine takes the audit log away: nothing can be written.
func checkNoWriteWithoutLine(t *testing.T, e *env) {
	sub := e.subscribe(t)
	kept := e.accept(t, sub)
	exec := func(statement string) {
		t.Helper()
		if _, err := e.write.ExecContext(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER TABLE audit_log RENAME TO audit_log_away`)
	defer exec(`ALTER TABLE audit_log_away RENAME TO audit_log`)
	ctx := actor("x")
	if _, _, err := e.PutClient(ctx, "b", "B"); err == nil {
		t.Error("a client was put")
	}
	if err := e.PauseSubscription(ctx, sub); err == nil {
		t.Error("a subscription was paused")
	}
	if _, err := e.Cancel(ctx, kept.ID); err == nil {
		t.Error("a delivery was canceled")
	}
	in := e.intake(sub)
	in.Messages = append(in.Messages, e.message())
	if err := e.Accept(ctx, in); err == nil {
		t.Error("a batch was accepted")
	}
	_, err := e.Client(context.Background(), "b")
	wantKind(t, err, webhook.KindNotFound)
	if got, err := e.Subscription(context.Background(), sub); err != nil || got.State != webhook.SubscriptionActive {
		t.Error(got.State, err)
	}
	if got := e.get(t, kept.ID); got.State != webhook.StatePending {
		t.Error(got.State)
	}
	_, err = e.Message(context.Background(), in.Messages[0].ID)
	wantKind(t, err, webhook.KindNotFound)
}

// checkNoLineWithoutWrite lets writes fail after their line was written.
func checkNoLineWithoutWrite(t *testing.T, e *env) {
	ctx := actor("x")
	broken := errors.New("broken")
	err := e.tx(ctx, func(tx txn) error {
		if err := e.note(ctx, tx, webhook.AuditEntry{Resource: webhook.ResourceClient}); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	sub := e.subscription(someClient, "*")
	idem := &Idempotency{Scope: "s", Key: "k", RequestHash: []byte{1}, Response: []byte{}}
	if err := e.CreateSubscription(context.Background(), &sub, idem); err != nil {
		t.Fatal(err)
	}
	sub.ID = "sub_second"
	var replay *Replay
	if err := e.CreateSubscription(ctx, &sub, idem); !errors.As(err, &replay) {
		t.Error(err)
	}
	if _, err := e.Cancel(ctx, "dlv_none"); err == nil {
		t.Error("canceled")
	}
	if lines := e.auditLog(t, AuditFilter{}); len(lines) != 0 {
		t.Errorf("%+v", lines)
	}
}

func checkOneLine(t *testing.T, e *env) {
	ctx := actor("x")
	at := e.now()
	for i, entry := range []webhook.AuditEntry{
		{Resource: webhook.ResourceClient, ResourceID: "acme", ClientID: "acme", Fields: []string{"secret"}, Counts: map[string]int64{"a": 1}},
		{Resource: webhook.ResourceRecords, ResourceID: "vendas", ClientID: "acme", Counts: map[string]int64{"a": 2, "b": 3}},
		{Resource: webhook.ResourceRecords, ResourceID: "vendas", ClientID: "other", Fields: []string{"body"}},
	} {
		if err := e.Audit(ctx, entry); err != nil {
			t.Fatal(i, err)
		}
		e.clock.Advance(time.Second)
	}
	want := []webhook.AuditEntry{{
		Actor: *webhook.ActorOf(ctx), At: at, Resource: webhook.ResourceRecords, ResourceID: "vendas",
		Fields: []string{"body", "name", "secret"}, Counts: map[string]int64{"a": 3, "b": 3},
	}}
	want[0].Changes = nil // they are among the fields
	if diff := cmp.Diff(want, e.auditLog(t, AuditFilter{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func checkSystemLeavesNoLine(t *testing.T, e *env) {
	ctx := context.Background()
	if _, _, err := e.PutClient(ctx, "b", "B"); err != nil {
		t.Fatal(err)
	}
	if err := e.Audit(ctx, webhook.AuditEntry{Resource: webhook.ResourceClient}); err == nil {
		t.Error("a line was written of nobody")
	}
	if lines := e.auditLog(t, AuditFilter{}); len(lines) != 0 {
		t.Errorf("%+v", lines)
	}
}

func checkIntakeIsMarked(t *testing.T, e *env) {
	one, unknown := e.intake(), e.intake()
	many := e.intake("sub_1", "sub_2")
	many.Messages = append(many.Messages, e.message())
	many.Messages[1].ClientID = "other"
	for _, err := range []error{
		e.Accept(actor("post-event"), one), e.Accept(context.Background(), unknown),
		e.AcceptWith(actor("post-events"), func() (*Intake, error) { return many, nil }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range append(many.Messages, one.Messages[0]) {
		lines := e.auditLog(t, AuditFilter{ResourceID: string(m.ID)})
		want := []webhook.AuditEntry{{
			Actor: webhook.Actor{
				Line: webhook.AuditID("aud_" + string(m.ID)[4:]), KeyID: "key_1", Action: webhook.ActionPostEvent, RemoteAddr: "192.0.2.7",
			},
			At: m.CreatedAt, Resource: webhook.ResourceEvent, ResourceID: string(m.ID), ClientID: m.ClientID,
			Fields: []string{}, Counts: map[string]int64{},
		}}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if lines := e.auditLog(t, AuditFilter{ResourceID: string(unknown.Messages[0].ID)}); len(lines) != 0 {
		t.Errorf("the system brought an event: %+v", lines)
	}
	lines := e.auditLog(t, AuditFilter{})
	if len(lines) != 1 || lines[0].Action != "post-events" || lines[0].ClientID != "" || lines[0].Counts["events"] != 2 || lines[0].Counts["deliveries"] != 2 {
		t.Errorf("%+v", lines)
	}
}
