package subscriptions_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestRotation(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		o := open(t, address)
		first := o.create(wish("acme", "*"))
		second, err := o.RotateSecret(ctx, first.ID, webhook.Rotation{Overlap: time.Hour})
		must(t, err)
		end := o.now.Add(time.Hour).Truncate(time.Microsecond)
		got := o.Index().Get(first.ID).Secrets
		if got != second.Secrets || got.Previous != first.Secrets.Current || !got.PreviousUntil.Equal(end) || got.Current == got.Previous {
			t.Errorf("after a rotation: until %s, want %s", got.PreviousUntil, end)
		}
		if n := len(got.At(end.Add(-time.Microsecond))); n != 2 {
			t.Errorf("%d secrets sign within the overlap", n)
		}
		if sign := got.At(end); len(sign) != 1 || sign[0] != second.Secrets.Current {
			t.Errorf("%d secrets sign after the overlap", len(sign))
		}
		// Somebody who did not get the first answer asks again: the client's
		// secret is valid until its promised end all the same.
		if _, err := o.RotateSecret(ctx, first.ID, webhook.Rotation{Overlap: time.Hour}); !webhook.IsKind(err, webhook.KindConflict) {
			t.Errorf("a second rotation within the overlap: %v", err)
		}
		if again := o.Index().Get(first.ID).Secrets; again != second.Secrets {
			t.Error("a refused rotation changed the secrets")
		}
		last, err := o.RotateSecret(ctx, first.ID, webhook.Rotation{})
		must(t, err)
		if !last.Secrets.Previous.IsZero() || len(last.Secrets.At(o.now)) != 1 {
			t.Error("a rotation without an overlap keeps the old secret")
		}
		stored, err := o.Get(ctx, first.ID)
		must(t, err)
		if stored.Secrets != last.Secrets {
			t.Error("stored otherwise than answered")
		}
		for _, overlap := range []time.Duration{-time.Second, 7*24*time.Hour + 1} {
			if _, err := o.RotateSecret(ctx, first.ID, webhook.Rotation{Overlap: overlap}); len(paths(t, err)) != 1 {
				t.Error(err)
			}
		}
		_, err = o.RotateSecret(ctx, webhook.NewSubscriptionID(), webhook.Rotation{})
		if !webhook.IsKind(err, webhook.KindNotFound) {
			t.Error(err)
		}
	})
}

// TestSecretsAreSealed: neither a signing secret nor a header's value is in
// the database's files, in whatever form a search would find.
func TestSecretsAreSealed(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := open(t, "sqlite:"+filepath.Join(dir, "carteiro.db"))
	in := wish("acme", "*")
	in.Headers = map[string]string{"X-Api-Token": "canary-header-value"}
	in.Description = "canary-description" // is not secret: the search does find what is there
	first := o.create(in)
	second, err := o.RotateSecret(ctx, first.ID, webhook.Rotation{Overlap: time.Hour})
	must(t, err)
	hidden := []string{"canary-header-value"}
	for _, s := range []webhook.Secret{first.Secrets.Current, second.Secrets.Current} {
		hidden = append(hidden, s.Reveal(), strings.TrimPrefix(s.Reveal(), "whsec_"), string(s.Key()))
	}
	files, err := filepath.Glob(filepath.Join(dir, "carteiro.db*"))
	must(t, err)
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		all = append(all, b...)
	}
	if !bytes.Contains(all, []byte("canary-description")) {
		t.Fatal("the search finds nothing at all")
	}
	for i, h := range hidden {
		if bytes.Contains(all, []byte(h)) {
			t.Errorf("canary %d is in the database in plain text", i)
		}
	}
}

// TestTheWrongKey is told so that an operator knows what to do, and the right
// one beside a new one opens.
func TestTheWrongKey(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	sub := o.create(wish("acme", "*"))
	if _, err := o.registry(key(2)); !errors.Is(err, seal.ErrKey) || !strings.Contains(err.Error(), "CARTEIRO_SECRET_KEY") {
		t.Errorf("with another key: %v", err)
	}
	both, err := o.registry(key(2), key(1))
	must(t, err)
	if got := both.Index().Get(sub.ID); got.Secrets != sub.Secrets {
		t.Error("with the old key beside the new one, the secret is another")
	}
	rotated, err := both.RotateSecret(ctx, sub.ID, webhook.Rotation{})
	must(t, err)
	onlyNew, err := o.registry(key(2))
	must(t, err)
	if onlyNew.Index().Get(sub.ID).Secrets != rotated.Secrets {
		t.Error("what was written since is not sealed with the new key")
	}
}

// TestASealedValueStaysInItsRow: copied to another subscription it does not
// open there.
func TestASealedValueStaysInItsRow(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	mine, theirs := o.create(wish("acme", "*")), o.create(wish("beta", "*"))
	row, err := o.store.Subscription(ctx, mine.ID)
	must(t, err)
	other, err := o.store.Subscription(ctx, theirs.ID)
	must(t, err)
	row.SealedSecret = other.SealedSecret
	must(t, o.store.UpdateSubscription(ctx, &row))
	if _, err := o.Get(ctx, mine.ID); err == nil {
		t.Error("a secret that belongs to another subscription was opened")
	}
}

func TestList(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	for range 3 {
		o.create(wish("acme", "*"))
	}
	o.create(wish("beta", "*"))
	page, next, err := o.List(ctx, store.SubscriptionFilter{ClientID: "acme"}, store.Page{Limit: 2})
	must(t, err)
	rest, end, err := o.List(ctx, store.SubscriptionFilter{ClientID: "acme"}, store.Page{Limit: 2, After: next})
	must(t, err)
	if len(page) != 2 || len(rest) != 1 || end != "" || page[0].Secrets.Current.IsZero() {
		t.Errorf("%d and %d subscriptions, then %q", len(page), len(rest), end)
	}
}
