package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func listChecks() []check {
	return []check{
		{"deliveries page newest first, by each filter", checkDeliveryFilters},
		{"deliveries since and until", checkDeliverySpan},
		{"events page newest first, by each filter", checkEventFilters},
		{"events since and until", checkEventSpan},
		{"times keep microseconds and come back in UTC", checkTimes},
	}
}

func (e *env) deliveryIDs(t *testing.T, f DeliveryFilter, limit int) []string {
	t.Helper()
	return allPages(t, limit, func(p Page) ([]string, string, error) {
		ds, next, err := e.Deliveries(context.Background(), f, p)
		return keys(ds, func(d webhook.Delivery) string { return string(d.ID) }), next, err
	})
}

func (e *env) eventIDs(t *testing.T, f EventFilter, limit int) []string {
	t.Helper()
	return allPages(t, limit, func(p Page) ([]string, string, error) {
		ms, next, err := e.Events(context.Background(), f, p)
		return keys(ms, func(m webhook.Message) string { return string(m.ID) }), next, err
	})
}

// spread accepts deliveries that differ in everything a filter looks at.
func (e *env) spread(t *testing.T, subs []webhook.SubscriptionID) []webhook.Delivery {
	t.Helper()
	var all []webhook.Delivery
	for i := range 24 {
		in := e.intake(subs[i%2], subs[(i+1)%3])
		m := &in.Messages[0]
		m.ClientID, m.Type = webhook.ClientID(fmt.Sprintf("c%d", i%3)), webhook.Slug(fmt.Sprintf("t.%d", i%4))
		in.Deliveries[0].RunID = []webhook.RunID{"", "run_1", "run_2"}[i%3]
		e.mustAccept(t, in)
		ref := Ref{in.Deliveries[1].ID, 1}
		switch i % 6 {
		case 5:
			e.giveBack(t, e.claim(t, ref), ReleaseQuarantine)
		case 0:
			e.attemptOnce(t, ref, 200)
		case 1:
			e.attemptOnce(t, ref, 500)
		case 2:
			if _, err := e.Cancel(context.Background(), ref.ID); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range in.Deliveries {
			all = append(all, e.get(t, d.ID))
		}
	}
	slices.Reverse(all)
	return all
}

func checkDeliveryFilters(t *testing.T, e *env) {
	subs := []webhook.SubscriptionID{e.subscribe(t), e.subscribe(t), e.subscribe(t)}
	all := e.spread(t, subs)
	for _, f := range []DeliveryFilter{
		{},
		{State: webhook.StatePending},
		{State: webhook.StateRetrying},
		{State: webhook.StateSucceeded},
		{State: webhook.StateCanceled},
		{State: webhook.StateHeld},
		{HoldReason: webhook.HoldQuarantine},
		{HoldReason: webhook.HoldQuarantine, State: webhook.StateHeld, ClientID: "c1"},
		{HoldReason: webhook.HoldPaused},
		{ClientID: "c1"},
		{SubscriptionID: subs[2]},
		{EventType: "t.3"},
		{MessageID: all[7].MessageID},
		{RunID: "run_2"},
		{State: webhook.StatePending, ClientID: "c1", SubscriptionID: subs[1], EventType: "t.1"},
		{ClientID: "nobody"},
	} {
		want := []string{}
		for _, d := range all {
			if selects(f, d) {
				want = append(want, string(d.ID))
			}
		}
		for _, limit := range []int{1, 7, 48} {
			if diff := cmp.Diff(want, e.deliveryIDs(t, f, limit)); diff != "" {
				t.Errorf("%+v in pages of %d: -want +got:\n%s", f, limit, diff)
			}
		}
	}
	got, _, err := e.Deliveries(context.Background(), DeliveryFilter{}, Page{Limit: 100})
	if diff := cmp.Diff(all, got); err != nil || diff != "" {
		t.Errorf("a list reads other things than a look at each (%v), -each +list:\n%s", err, diff)
	}
}

// selects says in Go what a filter means.
func selects(f DeliveryFilter, d webhook.Delivery) bool {
	return (f.State == "" || f.State == d.State) && (f.HoldReason == "" || f.HoldReason == d.HoldReason) && (f.ClientID == "" || f.ClientID == d.ClientID) &&
		(f.SubscriptionID == "" || f.SubscriptionID == d.SubscriptionID) && (f.EventType == "" || f.EventType == d.EventType) &&
		(f.MessageID == "" || f.MessageID == d.MessageID) && (f.RunID == "" || (d.RunID != nil && f.RunID == *d.RunID))
}

// edges are times around an instant, and whether [instant, …) has them.
func edges(at time.Time) map[time.Time]bool {
	return map[time.Time]bool{
		at.Add(-time.Hour): false, at.Add(-time.Second): false, at.Add(-time.Microsecond): false,
		at: true, at.Add(time.Microsecond): true, at.Add(time.Hour): true,
	}
}

// acceptAtEdges accepts one intake at each of the edges of an instant.
func (e *env) acceptAtEdges(t *testing.T, at time.Time) map[time.Time]*Intake {
	t.Helper()
	out := map[time.Time]*Intake{}
	for when := range edges(at) {
		e.clock.Advance(when.Sub(e.now()))
		out[when] = e.intake("")
		e.mustAccept(t, out[when])
	}
	return out
}

func checkDeliverySpan(t *testing.T, e *env) {
	at := e.now()
	ins := e.acceptAtEdges(t, at)
	after := e.deliveryIDs(t, DeliveryFilter{Since: at}, 2)
	before := e.deliveryIDs(t, DeliveryFilter{Until: at}, 2)
	both := e.deliveryIDs(t, DeliveryFilter{Since: at, Until: at.Add(time.Microsecond)}, 2)
	for when, in := range edges(at) {
		id := string(ins[when].Deliveries[0].ID)
		if slices.Contains(after, id) != in || slices.Contains(before, id) == in || slices.Contains(both, id) != when.Equal(at) {
			t.Errorf("created at %s: since %v, until %v, both %v", when, slices.Contains(after, id), slices.Contains(before, id), slices.Contains(both, id))
		}
	}
	if len(after) != 3 || len(before) != 3 || len(both) != 1 {
		t.Errorf("since %d, until %d, both %d", len(after), len(before), len(both))
	}
}

func checkEventSpan(t *testing.T, e *env) {
	at := e.now()
	ins := e.acceptAtEdges(t, at)
	after := e.eventIDs(t, EventFilter{Since: at}, 2)
	before := e.eventIDs(t, EventFilter{Until: at}, 2)
	for when, in := range edges(at) {
		id := string(ins[when].Messages[0].ID)
		if slices.Contains(after, id) != in || slices.Contains(before, id) == in {
			t.Errorf("accepted at %s: since %v, until %v", when, slices.Contains(after, id), slices.Contains(before, id))
		}
	}
	if len(after) != 3 || len(before) != 3 {
		t.Errorf("since %d, until %d", len(after), len(before))
	}
}

func checkEventFilters(t *testing.T, e *env) {
	var all []webhook.Message
	for i := range 20 {
		in := e.intake()
		m := &in.Messages[0]
		m.ClientID, m.Type = webhook.ClientID(fmt.Sprintf("c%d", i%3)), webhook.Slug(fmt.Sprintf("t.%d", i%4))
		if i%5 == 0 { // no event: in no list
			m.ID, m.Kind = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindTest
		}
		e.mustAccept(t, in)
		m.Body = nil // a list does not read bodies
		if m.Kind == webhook.KindEvent {
			all = append(all, *m)
		}
	}
	slices.Reverse(all)
	for _, f := range []EventFilter{{}, {Type: "t.2"}, {ClientID: "c1"}, {Type: "t.2", ClientID: "c1"}, {Type: "none"}} {
		want := []string{}
		for _, m := range all {
			if (f.Type == "" || f.Type == m.Type) && (f.ClientID == "" || f.ClientID == m.ClientID) {
				want = append(want, string(m.ID))
			}
		}
		for _, limit := range []int{1, 3, 16} {
			if diff := cmp.Diff(want, e.eventIDs(t, f, limit)); diff != "" {
				t.Errorf("%+v in pages of %d: -want +got:\n%s", f, limit, diff)
			}
		}
	}
	got, _, err := e.Events(context.Background(), EventFilter{}, Page{Limit: 100})
	if diff := cmp.Diff(all, got); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	if len(got) > 0 && got[0].Data() != nil {
		t.Error("a listed event has data")
	}
}

func checkTimes(t *testing.T, e *env) {
	ctx := context.Background()
	zone := time.FixedZone("somewhere", -3*60*60)
	for _, at := range []time.Time{
		time.Date(2026, 10, 25, 1, 59, 59, 999999000, zone),
		time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(2262, 4, 12, 0, 0, 0, 1000, time.UTC), // too far for nanoseconds in an int64
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
	} {
		in := e.intake()
		in.Messages[0].OccurredAt, in.Messages[0].CreatedAt = at, at
		e.mustAccept(t, in)
		got, err := e.Message(ctx, in.Messages[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		want := at.UTC().Truncate(time.Microsecond)
		if got.OccurredAt != want || got.CreatedAt != want {
			t.Errorf("%s came back as %s and %s", at, got.OccurredAt, got.CreatedAt)
		}
	}
}
