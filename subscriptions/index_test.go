package subscriptions_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// matched is who gets an event type of a client.
func matched(ix *subscriptions.Index, client webhook.ClientID, slug webhook.Slug) []webhook.SubscriptionID {
	var ids []webhook.SubscriptionID
	for _, sub := range ix.Match(client, slug) {
		ids = append(ids, sub.ID)
	}
	return ids
}

func TestMatch(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	names := map[webhook.SubscriptionID]string{}
	add := func(name string, in webhook.Subscription) *webhook.Subscription {
		sub := o.create(in)
		names[sub.ID] = name
		return sub
	}
	add("all", wish("acme", "*"))
	add("shop", wish("acme", "shop.*"))
	add("exact", wish("acme", "shop.product.redemption", "members.created"))
	paused := add("paused", wish("acme", "shop.product.*"))
	deleted := add("deleted", wish("acme", "*"))
	add("other", wish("beta", "*"))
	add("platform", wish(webhook.AllClients, "shop.*"))
	_, err := o.Pause(ctx, paused.ID)
	must(t, err)
	must(t, o.Delete(ctx, deleted.ID))
	for _, tc := range []struct {
		client webhook.ClientID
		slug   webhook.Slug
		want   []string
	}{
		{"acme", "shop.product.redemption", []string{"all", "shop", "exact", "paused", "platform"}},
		{"acme", "members.created", []string{"all", "exact"}},
		{"acme", "shopping.cart", []string{"all"}},
		{"acme", "shop", []string{"all"}},
		{"beta", "shop.product.redemption", []string{"other", "platform"}},
		{"gamma", "shop.product.redemption", []string{"platform"}},
		{"gamma", "members.created", nil},
		{"acm", "members.created", nil},
	} {
		var got []string
		for _, id := range matched(o.Index(), tc.client, tc.slug) {
			got = append(got, names[id])
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tc.slug, tc.client, diff)
		}
	}
	if o.Index().Get(deleted.ID) != nil || o.Index().Get(paused.ID).State != webhook.SubscriptionPaused || o.Index().Len() != 6 {
		t.Errorf("%d subscriptions are known", o.Index().Len())
	}
}

// TestASnapshotDoesNotChange: whoever holds an index may go on with it.
func TestASnapshotDoesNotChange(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	first := o.create(wish("acme", "*"))
	before := o.Index()
	o.create(wish("acme", "*"))
	_, err := o.Update(ctx, first.ID, func(s *webhook.Subscription) error {
		s.EventTypes = []webhook.Pattern{"members.*"}
		return nil
	})
	must(t, err)
	must(t, o.Delete(ctx, first.ID))
	if got := matched(before, "acme", "shop.x"); !slices.Equal(got, []webhook.SubscriptionID{first.ID}) || before.Len() != 1 {
		t.Errorf("the old snapshot matches %v of %d", got, before.Len())
	}
	if before.Version >= o.Index().Version {
		t.Errorf("version %d became %d", before.Version, o.Index().Version)
	}
}

// TestAnotherProcessSees what one has changed at its next Refresh, and reads
// only what has changed.
func TestAnotherProcessSees(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		one, two := open(t, address), open(t, address)
		refresh := func() {
			t.Helper()
			must(t, two.Refresh(ctx))
			if two.Index().Version != one.Index().Version {
				t.Errorf("version %d, the other has %d", two.Index().Version, one.Index().Version)
			}
		}
		sub := one.create(wish("acme", "*"))
		if two.Index().Get(sub.ID) != nil {
			t.Error("it is known before the refresh")
		}
		refresh()
		got := two.Index().Get(sub.ID)
		if got == nil || got.Secrets.Current != sub.Secrets.Current || got.URL != sub.URL {
			t.Fatalf("created: the other has %+v", got)
		}
		untouched := one.create(wish("acme", "*"))
		refresh()
		same := two.Index().Get(untouched.ID)
		_, err := one.Pause(ctx, sub.ID)
		must(t, err)
		refresh()
		if two.Index().Get(sub.ID).State != webhook.SubscriptionPaused {
			t.Error("the pause is not seen")
		}
		_, err = one.Resume(ctx, sub.ID)
		must(t, err)
		rotated, err := one.RotateSecret(ctx, sub.ID, webhook.Rotation{})
		must(t, err)
		refresh()
		if got := two.Index().Get(sub.ID); got.State != webhook.SubscriptionActive || got.Secrets.Current != rotated.Secrets.Current {
			t.Errorf("resumed and rotated: the other has %+v", got)
		}
		must(t, one.Delete(ctx, sub.ID))
		refresh()
		if two.Index().Get(sub.ID) != nil || len(matched(two.Index(), "acme", "x")) != 1 {
			t.Error("the deletion is not seen")
		}
		if two.Index().Get(untouched.ID) != same {
			t.Error("what had not changed was read again")
		}
		third := open(t, address)
		if third.Index().Len() != 1 || third.Index().Version != one.Index().Version {
			t.Errorf("a process that starts now knows %d subscriptions", third.Index().Len())
		}
	})
}

// TestTheIndexAgreesWithAModel after any changes, by either of two processes.
func TestTheIndexAgreesWithAModel(t *testing.T) {
	ctx := context.Background()
	address := "sqlite:" + t.TempDir() + "/carteiro.db"
	both := []*office{open(t, address), open(t, address)}
	model := map[webhook.SubscriptionID]*webhook.Subscription{}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			o := both[rapid.IntRange(0, 1).Draw(rt, "process")]
			client := rapid.SampledFrom([]webhook.ClientID{"acme", "beta", webhook.AllClients}).Draw(rt, "client")
			pattern := rapid.SampledFrom([]webhook.Pattern{"*", "shop.*", "shop.a", "members.b"}).Draw(rt, "pattern")
			var ids []webhook.SubscriptionID
			for id := range model {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			what := rapid.SampledFrom([]string{"create", "update", "delete"}).Draw(rt, "what")
			switch {
			case what == "create" || len(ids) == 0:
				sub := o.create(wish(client, pattern))
				model[sub.ID] = sub
			case what == "update":
				id := rapid.SampledFrom(ids).Draw(rt, "id")
				sub, err := o.Update(ctx, id, func(s *webhook.Subscription) error {
					s.EventTypes = []webhook.Pattern{pattern}
					return nil
				})
				must(t, err)
				model[id] = sub
			default:
				id := rapid.SampledFrom(ids).Draw(rt, "id")
				must(t, o.Delete(ctx, id))
				delete(model, id)
			}
		}
		for _, o := range both {
			must(t, o.Refresh(ctx))
			for _, client := range []webhook.ClientID{"acme", "beta", "gamma"} {
				for _, slug := range []webhook.Slug{"shop.a", "members.b", "x"} {
					var want []webhook.SubscriptionID
					for id, sub := range model {
						if sub.Wants(client, slug) {
							want = append(want, id)
						}
					}
					got := matched(o.Index(), client, slug)
					slices.Sort(want)
					slices.Sort(got)
					if !slices.Equal(got, want) {
						rt.Fatalf("%s of %s: %v, want %v", slug, client, got, want)
					}
				}
			}
		}
	})
}
