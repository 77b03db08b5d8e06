package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func apiKeyChecks() []check {
	return []check{
		{"an API key is stored whole", checkAPIKeyWhole},
		{"API keys in pages", checkAPIKeyPages},
		{"a revoked API key is gone, and everybody is told", checkAPIKeyRevoked},
		{"API keys are made once with a key", checkAPIKeyReplay},
		{"the last use of an API key only goes on", checkAPIKeyTouch},
	}
}

// apiKeyCalls are the store's methods on API keys.
func (e *env) apiKeyCalls() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"APIKey":        func(ctx context.Context) error { _, err := e.APIKey(ctx, "key_1"); return err },
		"APIKeys":       func(ctx context.Context) error { _, _, err := e.APIKeys(ctx, Page{Limit: 1}); return err },
		"APIKeysSince":  func(ctx context.Context) error { _, err := e.APIKeysSince(ctx, 0); return err },
		"APIKeyVersion": func(ctx context.Context) error { _, err := e.APIKeyVersion(ctx); return err },
		"CreateAPIKey":  func(ctx context.Context) error { return e.CreateAPIKey(ctx, e.apiKey(""), nil) },
		"RevokeAPIKey":  func(ctx context.Context) error { return e.RevokeAPIKey(ctx, "key_1") },
		"TouchAPIKeys": func(ctx context.Context) error {
			return e.TouchAPIKeys(ctx, map[webhook.KeyID]time.Time{"key_1": e.now()})
		},
	}
}

// apiKey makes a key with everything in it when client is given, and else with
// as little as there can be.
func (e *env) apiKey(client webhook.ClientID) *APIKey {
	text := webhook.NewKeyText()
	k := &APIKey{
		APIKey: webhook.APIKey{
			ID: webhook.KeyID(e.id(webhook.PrefixKey)), Name: "a key", Role: webhook.RoleViewer, Start: text.Start(),
			CreatedAt: e.now(), CreatedBy: webhook.AdminKeyID,
		},
		Hash: text.Hash(),
	}
	if client != "" {
		end, rate := e.now().Add(time.Hour), 0
		k.ClientID, k.ExpiresAt, k.RateLimit = &client, &end, &rate
	}
	return k
}

func (e *env) makeAPIKey(t *testing.T, client webhook.ClientID) *APIKey {
	t.Helper()
	k := e.apiKey(client)
	if err := e.CreateAPIKey(context.Background(), k, nil); err != nil {
		t.Fatal(err)
	}
	return k
}

func (e *env) apiKeyVersion(t *testing.T) APIKeyVersion {
	t.Helper()
	v, err := e.APIKeyVersion(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func checkAPIKeyWhole(t *testing.T, e *env) {
	ctx := context.Background()
	catalogue, err := e.CatalogueVersion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	least, most := e.makeAPIKey(t, ""), e.makeAPIKey(t, "a-new-client")
	for _, want := range []*APIKey{least, most} {
		got, err := e.APIKey(ctx, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.APIKey, got); diff != "" {
			t.Errorf("-put +got:\n%s", diff)
		}
	}
	all, err := e.APIKeysSince(ctx, 0)
	if err != nil || len(all) != 2 || all[0].Hash != least.Hash && all[1].Hash != least.Hash {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := e.Client(ctx, "a-new-client"); err != nil {
		t.Errorf("the client that a key is bound to: %v", err)
	}
	if now, err := e.CatalogueVersion(ctx); err != nil || now != catalogue {
		t.Errorf("a key changed the catalogue from %d to %d: %v", catalogue, now, err)
	}
	_, err = e.APIKey(ctx, "key_00000000000000000000000000")
	wantKind(t, err, webhook.KindNotFound)
	twin := e.apiKey("")
	twin.Hash = least.Hash
	if err := e.CreateAPIKey(ctx, twin, nil); err == nil {
		t.Error("two keys have the same text")
	}
}

func checkAPIKeyPages(t *testing.T, e *env) {
	var want, got []webhook.KeyID
	for range 5 {
		want = append([]webhook.KeyID{e.makeAPIKey(t, "").ID}, want...)
	}
	p := Page{Limit: 2}
	for {
		rows, next, err := e.APIKeys(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			got = append(got, rows[i].ID)
		}
		if p.After = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func checkAPIKeyRevoked(t *testing.T, e *env) {
	ctx := context.Background()
	kept, k := e.makeAPIKey(t, ""), e.makeAPIKey(t, "")
	before := e.apiKeyVersion(t)
	e.clock.Advance(time.Second)
	if err := e.RevokeAPIKey(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	if after := e.apiKeyVersion(t); after.Keys <= before.Keys || after.Catalogue <= before.Catalogue {
		t.Errorf("the version is %+v, before it was %+v", after, before)
	}
	changed, err := e.APIKeysSince(ctx, before.Keys)
	if err != nil || len(changed) != 1 || changed[0].ID != k.ID || !changed[0].RevokedAt.Equal(e.now()) {
		t.Errorf("changed are %v, %v", changed, err)
	}
	_, err = e.APIKey(ctx, k.ID)
	wantKind(t, err, webhook.KindNotFound)
	rows, _, err := e.APIKeys(ctx, Page{Limit: 9})
	if err != nil || len(rows) != 1 || rows[0].ID != kept.ID {
		t.Errorf("listed are %v, %v", rows, err)
	}
	version := e.apiKeyVersion(t)
	wantKind(t, e.RevokeAPIKey(ctx, k.ID), webhook.KindNotFound)
	wantKind(t, e.RevokeAPIKey(ctx, webhook.AdminKeyID), webhook.KindNotFound)
	if now := e.apiKeyVersion(t); now != version {
		t.Errorf("what revoked nothing raised the version from %+v to %+v", version, now)
	}
}

func checkAPIKeyReplay(t *testing.T, e *env) {
	ctx := context.Background()
	if err := e.CreateAPIKey(ctx, e.apiKey(""), key("k", "one")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, e.CreateAPIKey(ctx, e.apiKey(""), key("k", "one")), 202, `{"a": "one"}`+"\x00")
	wantConflict(t, e.CreateAPIKey(ctx, e.apiKey(""), key("k", "two")))
	if rows, _, err := e.APIKeys(ctx, Page{Limit: 9}); err != nil || len(rows) != 1 {
		t.Errorf("%d keys, %v", len(rows), err)
	}
}

func checkAPIKeyTouch(t *testing.T, e *env) {
	ctx := context.Background()
	used := map[webhook.KeyID]time.Time{}
	for range 150 { // more than one statement holds
		used[e.makeAPIKey(t, "").ID] = e.now()
	}
	k := e.makeAPIKey(t, "")
	version := e.apiKeyVersion(t)
	late, early := e.now().Add(2*time.Minute), e.now().Add(time.Minute)
	for _, at := range []time.Time{late, early} {
		used[k.ID] = at
		if err := e.TouchAPIKeys(ctx, used); err != nil {
			t.Fatal(err)
		}
	}
	rows, _, err := e.APIKeys(ctx, Page{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		want := used[rows[i].ID]
		if rows[i].ID == k.ID {
			want = late
		}
		if rows[i].LastUsedAt == nil || !rows[i].LastUsedAt.Equal(want) {
			t.Errorf("%s was last used at %v, want %v", rows[i].ID, rows[i].LastUsedAt, want)
		}
	}
	if now := e.apiKeyVersion(t); now != version {
		t.Errorf("a use raised the version from %+v to %+v", version, now)
	}
	if err := e.TouchAPIKeys(ctx, nil); err != nil {
		t.Error(err)
	}
}
