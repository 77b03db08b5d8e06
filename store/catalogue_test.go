package store

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func catalogueChecks() []check {
	return []check{
		{"client is created, then renamed", checkPutClient},
		{"clients page from the highest id", checkClientPages},
		{"event type is created, then changed", checkPutEventType},
		{"missing event types are added, changed ones stay", checkAddEventTypes},
		{"event types page from the end of the alphabet", checkEventTypePages},
		{"each change of the catalogue raises its version", checkCatalogueBump},
	}
}

func checkPutClient(t *testing.T, e *env) {
	ctx := context.Background()
	born := e.now()
	got, created, err := e.PutClient(ctx, someClient, "Acme Ltda. ção 日本")
	want := webhook.Client{ID: someClient, Name: "Acme Ltda. ção 日本", CreatedAt: born, UpdatedAt: born}
	if diff := cmp.Diff(want, got); err != nil || !created || diff != "" {
		t.Errorf("first put: created %v, error %v, -want +got:\n%s", created, err, diff)
	}
	want.Name, want.UpdatedAt = "Acme", e.clock.Advance(time.Microsecond)
	got, created, err = e.PutClient(ctx, someClient, "Acme")
	if diff := cmp.Diff(want, got); err != nil || created || diff != "" {
		t.Errorf("second put: created %v, error %v, -want +got:\n%s", created, err, diff)
	}
	got, err = e.Client(ctx, someClient)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("read: error %v, -want +got:\n%s", err, diff)
	}
	_, err = e.Client(ctx, "nobody")
	wantKind(t, err, webhook.KindNotFound)
}

func checkClientPages(t *testing.T, e *env) {
	ctx := context.Background()
	// Byte order: upper case before lower case, '-' before '.', before '_'.
	want := []string{"b", "a_1", "a.1", "a-1", "a", "Z"}
	for _, id := range []string{"a.1", "Z", "b", "a", "a_1", "a-1"} {
		if _, _, err := e.PutClient(ctx, webhook.ClientID(id), id); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 2, 5, 6, 7} {
		got := allPages(t, limit, func(p Page) ([]string, string, error) {
			cs, next, err := e.Clients(ctx, "", p)
			return keys(cs, func(c webhook.Client) string { return string(c.ID) }), next, err
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: -want +got:\n%s", limit, diff)
		}
	}
}

func checkPutEventType(t *testing.T, e *env) {
	ctx := context.Background()
	in := eventType(someType)
	in.Schema, in.Example = json.RawMessage(`{"type": "object"}`), json.RawMessage("{\"n\":\n 1.10}")
	want := in
	want.CreatedAt, want.UpdatedAt = e.now(), e.now()
	got, created, err := e.PutEventType(ctx, in)
	if diff := cmp.Diff(want, got); err != nil || !created || diff != "" {
		t.Errorf("first put: created %v, error %v, -want +got:\n%s", created, err, diff)
	}
	in = eventType(someType)
	in.Envelope, in.Deprecated = webhook.EnvelopeNone, true
	want = in
	want.CreatedAt, want.UpdatedAt = e.now(), e.clock.Advance(time.Hour)
	want.CreatedAt = startOfTime().Truncate(time.Microsecond)
	got, created, err = e.PutEventType(ctx, in)
	if diff := cmp.Diff(want, got); err != nil || created || diff != "" {
		t.Errorf("second put, without schema and example: created %v, error %v, -want +got:\n%s", created, err, diff)
	}
	got, err = e.EventType(ctx, someType)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("read: error %v, -want +got:\n%s", err, diff)
	}
	_, err = e.EventType(ctx, "no.such")
	wantKind(t, err, webhook.KindNotFound)
}

func checkAddEventTypes(t *testing.T, e *env) {
	ctx := context.Background()
	changed := eventType("a.changed")
	changed.Name = "changed by an operator"
	if _, _, err := e.PutEventType(ctx, changed); err != nil {
		t.Fatal(err)
	}
	before := e.version(t)
	add := []webhook.EventType{eventType("a.changed"), eventType("b.new"), eventType("c.new")}
	if err := e.AddEventTypes(ctx, add); err != nil {
		t.Fatal(err)
	}
	if got := e.version(t); got != before+1 {
		t.Errorf("the catalogue went from version %d to %d", before, got)
	}
	all, err := e.AllEventTypes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names := keys(all, func(et webhook.EventType) string { return et.Name })
	if diff := cmp.Diff([]string{"changed by an operator", "name of b.new", "name of c.new"}, names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := e.AddEventTypes(ctx, add); err != nil {
		t.Fatal(err)
	}
	if got := e.version(t); got != before+1 {
		t.Errorf("adding nothing new took the catalogue from version %d to %d", before+1, got)
	}
}

func checkEventTypePages(t *testing.T, e *env) {
	ctx := context.Background()
	want := []string{"b", "a_b", "a0", "a.b", "a"} // by bytes: '.' < '0' < '_'
	for _, slug := range []webhook.Slug{"a.b", "b", "a0", "a", "a_b"} {
		if _, _, err := e.PutEventType(ctx, eventType(slug)); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 2, 4, 5} {
		got := allPages(t, limit, func(p Page) ([]string, string, error) {
			ts, next, err := e.EventTypes(ctx, p)
			return keys(ts, func(et webhook.EventType) string { return string(et.Slug) }), next, err
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: -want +got:\n%s", limit, diff)
		}
	}
}

func checkCatalogueBump(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscription(someClient, "*")
	for _, change := range []struct {
		name  string
		do    func() error
		bumps int64
	}{
		{"put an event type", func() error { _, _, err := e.PutEventType(ctx, eventType(someType)); return err }, 1},
		{"put a client", func() error { _, _, err := e.PutClient(ctx, someClient, ""); return err }, 0},
		{"create a subscription", func() error { return e.CreateSubscription(ctx, &sub, nil) }, 1},
		{"update it", func() error { return e.UpdateSubscription(ctx, &sub) }, 1},
		{"pause it", func() error { return e.PauseSubscription(ctx, sub.ID) }, 1},
		{"resume it", func() error { return e.ResumeSubscription(ctx, sub.ID) }, 1},
		{"accept an event", func() error { return e.Accept(ctx, e.intake(sub.ID)) }, 0},
		{"delete it", func() error { return e.DeleteSubscription(ctx, sub.ID) }, 1},
	} {
		before := e.version(t)
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		if got := e.version(t) - before; got != change.bumps {
			t.Errorf("%s raised the version by %d, want %d", change.name, got, change.bumps)
		}
	}
}
