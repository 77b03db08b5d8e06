package store

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func subscriptionChecks() []check {
	return []check{
		{"subscription comes back as it was stored", checkSubscriptionRoundTrip},
		{"subscription makes its client, but not the client *", checkSubscriptionClient},
		{"subscription with an idempotency key is made once", checkSubscriptionIdempotent},
		{"subscription update keeps the state and needs the version", checkSubscriptionUpdate},
		{"subscription update of two at once: one wins", checkSubscriptionUpdateRace},
		{"subscriptions page newest first, by each filter", checkSubscriptionFilters},
		{"subscriptions by event type take _ and % for themselves", checkSubscriptionPatterns},
		{"subscriptions since a version of the catalogue", checkSubscriptionsSince},
	}
}

func (e *env) fullSubscription() Subscription {
	sub := e.subscription(someClient, "shop.*", "a_b.c", "*")
	sub.Description, sub.Method, sub.Timeout = "ção \"x\"", "PUT", webhook.Duration(1500*time.Millisecond)
	sub.Ack = webhook.Ack{Status: webhook.Ack2xx, Body: json.RawMessage(`{"ok":true}`), RequireBody: true}
	sub.RateLimit, sub.MaxInFlight, sub.SendEmpty, sub.State = 12, 34, true, webhook.SubscriptionPaused
	sub.SealedHeaders, sub.SealedSecret, sub.SealedOld, sub.SealedAuth = []byte{0, 1, 255}, []byte{0, 2}, []byte{3, 0}, []byte{4, 0}
	sub.OldUntil = e.now().Add(time.Hour)
	return sub
}

func checkSubscriptionRoundTrip(t *testing.T, e *env) {
	ctx := context.Background()
	full, plain := e.fullSubscription(), e.subscription("other", "a")
	for _, sub := range []Subscription{full, plain} {
		given := sub
		if err := e.CreateSubscription(ctx, &given, nil); err != nil {
			t.Fatal(err)
		}
		got, err := e.Subscription(ctx, sub.ID)
		if diff := cmp.Diff(sub, got, cmp.Comparer(sameSecrets)); err != nil || diff != "" {
			t.Errorf("error %v, -want +got:\n%s", err, diff)
		}
	}
	_, err := e.Subscription(ctx, "sub_none")
	wantKind(t, err, webhook.KindNotFound)
}

// sameSecrets compares what only package webhook may look into.
func sameSecrets(a, b webhook.Secret) bool { return a == b }

func checkSubscriptionClient(t *testing.T, e *env) {
	ctx := context.Background()
	if _, _, err := e.PutClient(ctx, "known", "A known one"); err != nil {
		t.Fatal(err)
	}
	for _, client := range []webhook.ClientID{"known", "new", webhook.AllClients} {
		sub := e.subscription(client, "*")
		if err := e.CreateSubscription(ctx, &sub, nil); err != nil {
			t.Fatal(err)
		}
	}
	cs, _, err := e.Clients(ctx, "", Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	names := keys(cs, func(c webhook.Client) string { return c.Name })
	if diff := cmp.Diff([]string{"new", "A known one"}, names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func checkSubscriptionIdempotent(t *testing.T, e *env) {
	ctx := context.Background()
	first, second := e.subscription(someClient, "*"), e.subscription(someClient, "*")
	key := &Idempotency{Scope: "POST /subscriptions", Key: "k", RequestHash: []byte("h"), Status: 201, Response: []byte("first")}
	if err := e.CreateSubscription(ctx, &first, key); err != nil {
		t.Fatal(err)
	}
	before := e.version(t)
	wantReplay(t, e.CreateSubscription(ctx, &second, key), 201, "first")
	if _, err := e.Subscription(ctx, second.ID); !webhook.IsKind(err, webhook.KindNotFound) || e.version(t) != before {
		t.Errorf("the repeated request changed something (%v)", err)
	}
}

func checkSubscriptionUpdate(t *testing.T, e *env) {
	ctx := context.Background()
	sub := e.subscription(someClient, "*")
	if err := e.CreateSubscription(ctx, &sub, nil); err != nil {
		t.Fatal(err)
	}
	if err := e.PauseSubscription(ctx, sub.ID); err != nil {
		t.Fatal(err)
	}
	read, err := e.Subscription(ctx, sub.ID)
	if err != nil {
		t.Fatal(err)
	}
	stale := read
	changed := e.fullSubscription()
	changed.ID, changed.CreatedAt, changed.Version = read.ID, read.CreatedAt, read.Version
	changed.State = webhook.SubscriptionActive // must not take the pause back
	now := e.clock.Advance(time.Minute)
	if err := e.UpdateSubscription(ctx, &changed); err != nil {
		t.Fatal(err)
	}
	want := changed
	want.State, want.Version, want.UpdatedAt = webhook.SubscriptionPaused, read.Version+1, now
	got, err := e.Subscription(ctx, sub.ID)
	if diff := cmp.Diff(want, got, cmp.Comparer(sameSecrets)); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	copied := stale
	wantKind(t, e.UpdateSubscription(ctx, &stale), webhook.KindConflict)
	if diff := cmp.Diff(copied, stale, cmp.Comparer(sameSecrets)); diff != "" {
		t.Errorf("a refused update changed its argument, -before +after:\n%s", diff)
	}
	if err := e.DeleteSubscription(ctx, sub.ID); err != nil {
		t.Fatal(err)
	}
	got.Version++
	wantKind(t, e.UpdateSubscription(ctx, &got), webhook.KindConflict)
}

func checkSubscriptionUpdateRace(t *testing.T, e *env) {
	sub := e.subscription(someClient, "*")
	if err := e.CreateSubscription(context.Background(), &sub, nil); err != nil {
		t.Fatal(err)
	}
	errs := together(8, func(int) error {
		mine := sub
		return e.UpdateSubscription(context.Background(), &mine)
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantKind(t, err, webhook.KindConflict)
		}
	}
	if won != 1 {
		t.Errorf("%d updates of one version succeeded, want 1", won)
	}
}

func (e *env) subscriptionIDs(t *testing.T, f SubscriptionFilter, limit int) []string {
	t.Helper()
	return allPages(t, limit, func(p Page) ([]string, string, error) {
		subs, next, err := e.Subscriptions(context.Background(), f, p)
		return keys(subs, func(s Subscription) string { return string(s.ID) }), next, err
	})
}

func checkSubscriptionFilters(t *testing.T, e *env) {
	ctx := context.Background()
	var ids []string
	for i := range 6 {
		sub := e.subscription([]webhook.ClientID{"a", "b", webhook.AllClients}[i%3], "*")
		if err := e.CreateSubscription(ctx, &sub, nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(sub.ID))
	}
	pause, gone := webhook.SubscriptionID(ids[1]), webhook.SubscriptionID(ids[4])
	if err := e.PauseSubscription(ctx, pause); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteSubscription(ctx, gone); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f    SubscriptionFilter
		want []string
	}{
		{SubscriptionFilter{}, []string{ids[5], ids[3], ids[2], ids[1], ids[0]}},
		{SubscriptionFilter{ClientID: "a"}, []string{ids[3], ids[0]}},
		{SubscriptionFilter{ClientID: "*"}, []string{ids[5], ids[2]}},
		{SubscriptionFilter{State: webhook.SubscriptionPaused}, []string{ids[1]}},
		{SubscriptionFilter{State: webhook.SubscriptionActive, ClientID: "b"}, []string{}},
		{SubscriptionFilter{State: webhook.SubscriptionActive}, []string{ids[5], ids[3], ids[2], ids[0]}},
	} {
		for _, limit := range []int{1, 2, 5} {
			if diff := cmp.Diff(c.want, e.subscriptionIDs(t, c.f, limit)); diff != "" {
				t.Errorf("%+v in pages of %d: -want +got:\n%s", c.f, limit, diff)
			}
		}
	}
}

func checkSubscriptionPatterns(t *testing.T, e *env) {
	ctx := context.Background()
	byID := map[string][]webhook.Pattern{}
	for _, types := range [][]webhook.Pattern{
		{"*"}, {"a_b"}, {"axb"}, {"a_b.*"}, {"axb.*"}, {"a_b.c"}, {"a_b.c.*"}, {"z", "a_b.c"}, {"a_b.cd"}, {"xa_b.c"}, {"a_b.c_"},
	} {
		sub := e.subscription(someClient, types...)
		if err := e.CreateSubscription(ctx, &sub, nil); err != nil {
			t.Fatal(err)
		}
		byID[string(sub.ID)] = types
	}
	// '%' is in no slug, but a person may ask for it.
	for _, slug := range []webhook.Slug{"a_b", "a_b.c", "a_b.c.d", "axb.c", "z", "%", "a%", "a_b.", "_", `\`, `a\_b`, "*"} {
		want := []string{}
		for id, types := range byID {
			if slices.ContainsFunc(types, func(p webhook.Pattern) bool { return p.Matches(slug) || (slug == "*" && p == "*") }) {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		slices.Reverse(want)
		if diff := cmp.Diff(want, e.subscriptionIDs(t, SubscriptionFilter{EventType: slug}, 3)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", slug, diff)
		}
	}
}

func checkSubscriptionsSince(t *testing.T, e *env) {
	ctx := context.Background()
	kept, gone := e.subscribe(t), e.subscribe(t)
	changes := func(version int64) map[webhook.SubscriptionID]bool {
		t.Helper()
		got, err := e.SubscriptionsSince(ctx, version)
		if err != nil {
			t.Fatal(err)
		}
		deleted := map[webhook.SubscriptionID]bool{}
		for _, c := range got {
			deleted[c.ID] = c.Deleted
		}
		return deleted
	}
	first := e.version(t)
	if err := e.DeleteSubscription(ctx, gone); err != nil {
		t.Fatal(err)
	}
	second := e.version(t)
	if err := e.PauseSubscription(ctx, kept); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		version int64
		want    map[webhook.SubscriptionID]bool
	}{
		{0, map[webhook.SubscriptionID]bool{kept: false}},
		{first, map[webhook.SubscriptionID]bool{kept: false, gone: true}},
		{second, map[webhook.SubscriptionID]bool{kept: false}},
		{e.version(t), map[webhook.SubscriptionID]bool{}},
	} {
		if diff := cmp.Diff(c.want, changes(c.version)); diff != "" {
			t.Errorf("since %d: -want +got:\n%s", c.version, diff)
		}
	}
}
