package reseal_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/reseal"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ring(t *testing.T, keys ...byte) *seal.Ring {
	t.Helper()
	var all [][32]byte
	for _, k := range keys {
		all = append(all, [32]byte{k})
	}
	r, err := seal.NewRing(all[0], all[1:]...)
	must(t, err)
	return r
}

func eachDatabase(t *testing.T, test func(t *testing.T, s *store.Store)) {
	for name, address := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db") },
		"postgres": func(t *testing.T) string { return testserver.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(context.Background(), address(t), store.Options{})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			_, err = s.Migrate(context.Background())
			must(t, err)
			test(t, s)
		})
	}
}

func registry(t *testing.T, s *store.Store, keys *seal.Ring) *subscriptions.Registry {
	t.Helper()
	r, err := subscriptions.New(context.Background(), subscriptions.Options{
		Store: s, Keys: keys, CheckURL: func(context.Context, string) string { return "" },
	})
	must(t, err)
	return r
}

// fill writes one of each kind of sealed values, more stored answers than one
// batch takes, one that is not sealed, and a subscription that is deleted.
func fill(t *testing.T, s *store.Store, keys *seal.Ring) (sub *webhook.Subscription, client webhook.SigningSecrets) {
	t.Helper()
	ctx := context.Background()
	r := registry(t, s, keys)
	in := webhook.Subscription{
		ClientID: "acme", URL: "https://example.com", EventTypes: []webhook.Pattern{"*"}, Headers: webhook.StaticHeaders{"X-Key": "k"},
		Auth: &webhook.Auth{Type: webhook.AuthBearer, Token: webhook.Hide("t")},
	}
	var made *webhook.Subscription
	for i := range answers {
		var err error
		made, err = r.Create(ctx, in, func(*webhook.Subscription) (*store.Idempotency, error) {
			i := answer(i)
			i.Response = []byte("{}") // most answers hold no secret
			if i.Key != "plain" {
				i.Response = keys.Seal([]byte("answer "+i.Key), seal.Answer(i.Scope, i.Key))
			}
			return i, nil
		})
		must(t, err)
		if i > 0 {
			must(t, r.Delete(ctx, made.ID))
		} else {
			sub = made
		}
	}
	sub, err := r.RotateSecret(ctx, sub.ID, webhook.Rotation{Overlap: time.Hour, Signing: webhook.SigningEd25519})
	must(t, err)
	_, err = r.ClientSecrets(ctx, "acme")
	must(t, err)
	client, err = r.RotateClientSecret(ctx, "acme", webhook.Rotation{Overlap: time.Hour})
	must(t, err)
	return sub, client
}

// answers are more than two batches; two of them are under keys of their own.
const answers = 205

func answer(i int) *store.Idempotency {
	key := fmt.Sprintf("k%d", i)
	if i == 7 {
		key = "plain"
	}
	hash := sha256.Sum256([]byte(key))
	return &store.Idempotency{Scope: []string{"admin POST /a", "admin POST /b"}[i%2], Key: key, RequestHash: hash[:], Status: 201}
}

// TestKeyChange: with the new key and the old one beside it all opens; after
// Run the new one alone does, and the old one nothing.
func TestKeyChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		sub, client := fill(t, s, ring(t, 1))
		const sealed = answers - 1 + 4 + 2
		state, err := reseal.Check(ctx, s, ring(t, 1))
		if err != nil || state.Present != sealed || state.Former != 0 {
			t.Errorf("before: %+v, %v", state, err)
		}
		both := ring(t, 2, 1)
		state, err = reseal.Check(ctx, s, both)
		if err != nil || state.Present != 0 || state.Former != sealed {
			t.Errorf("with both keys: %+v, %v", state, err)
		}
		done, err := reseal.Run(ctx, s, both)
		must(t, err)
		got := map[store.SealedKind]int{}
		for _, d := range done {
			got[d.Kind] += d.Resealed
		}
		for kind := range store.SealedAnswers + 1 {
			want := 1
			if kind == store.SealedAnswers {
				want = answers - 1
			}
			if got[kind] != want {
				t.Errorf("%s: %d sealed anew, want %d", kind, got[kind], want)
			}
		}
		if again, err := reseal.Run(ctx, s, both); err != nil || len(again) != 0 {
			t.Errorf("a second run did %v, %v", again, err)
		}

		r := registry(t, s, ring(t, 2))
		back, err := r.Get(ctx, sub.ID)
		must(t, err)
		if back.Secrets != sub.Secrets || back.Headers["X-Key"] != "k" || back.Auth.Token.Reveal() != "t" || back.Version != sub.Version {
			t.Errorf("the subscription came back as %+v", back)
		}
		if secrets, err := r.ClientSecrets(ctx, "acme"); err != nil || secrets != client {
			t.Errorf("the client's secret: %v", err)
		}
		for i := range answers {
			row := answer(i)
			var replay *store.Replay
			if err := s.FindIdempotent(ctx, row); !errors.As(err, &replay) {
				t.Fatal(err)
			}
			if row.Key == "plain" {
				if string(replay.Response) != "{}" {
					t.Errorf("an answer without a secret became %q", replay.Response)
				}
				continue
			}
			plain, err := ring(t, 2).Open(replay.Response, seal.Answer(row.Scope, row.Key))
			if err != nil || string(plain) != "answer "+row.Key {
				t.Errorf("answer %s: %q, %v", row.Key, plain, err)
			}
		}
		if _, err := reseal.Check(ctx, s, ring(t, 1)); !errors.Is(err, seal.ErrKey) {
			t.Errorf("the old key alone: %v", err)
		}
	})
}

// TestTheWrongKey is told by kind, with what to do, and changes nothing.
func TestTheWrongKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		if state, err := reseal.Check(ctx, s, ring(t, 1)); err != nil || state != (reseal.State{}) {
			t.Errorf("an empty database: %+v, %v", state, err)
		}
		sub, _ := fill(t, s, ring(t, 1))
		wrong := ring(t, 3, 2)
		_, checked := reseal.Check(ctx, s, wrong)
		_, run := reseal.Run(ctx, s, wrong)
		for _, err := range []error{checked, run} {
			if !errors.Is(err, seal.ErrKey) {
				t.Fatalf("with wrong keys: %v", err)
			}
			for _, part := range []string{
				"CARTEIRO_SECRET_KEY", "CARTEIRO_SECRET_KEYS_OLD", "1 signing secrets of subscriptions", "1 credentials of subscriptions",
				"1 headers of subscriptions", "1 signing secrets of clients", "204 stored answers",
			} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		}
		if back, err := registry(t, s, ring(t, 1)).Get(ctx, sub.ID); err != nil || back.Secrets != sub.Secrets {
			t.Errorf("afterwards the right key does not open: %v", err)
		}
	})
}

// TestResealingBesideAChange: a value that somebody else changed between our
// reading and writing keeps their change.
func TestResealingBesideAChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		sub, _ := fill(t, s, ring(t, 1))
		both := ring(t, 2, 1)
		values, err := s.SealedWith(ctx, store.SealedHeaders, ring(t, 1).Head(), store.SealedValue{}, 10)
		must(t, err)
		if len(values) != 1 || values[0].ID != string(sub.ID) {
			t.Fatalf("%d values", len(values))
		}
		_, err = registry(t, s, both).Update(ctx, sub.ID, func(sub *webhook.Subscription) error {
			sub.Headers = webhook.StaticHeaders{"X-Key": "theirs"}
			return nil
		})
		must(t, err)
		fresh, err := both.Reseal(values[0].Sealed, seal.SubscriptionHeaders(values[0].ID))
		must(t, err)
		n, err := s.ReplaceSealed(ctx, store.SealedHeaders, []store.Resealed{{SealedValue: values[0], Fresh: fresh}})
		if err != nil || n != 0 {
			t.Errorf("%d values were replaced, %v", n, err)
		}
		if back, err := registry(t, s, ring(t, 2, 1)).Get(ctx, sub.ID); err != nil || back.Headers["X-Key"] != "theirs" {
			t.Errorf("their change is lost: %v", err)
		}
	})
}

// TestADamagedValue is named; nothing is thrown away.
func TestADamagedValue(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		sub, _ := fill(t, s, ring(t, 1))
		values, err := s.SealedWith(ctx, store.SealedAuths, ring(t, 1).Head(), store.SealedValue{}, 10)
		must(t, err)
		broken := store.Resealed{SealedValue: values[0], Fresh: append([]byte{}, values[0].Sealed...)}
		broken.Fresh[len(broken.Fresh)-1] ^= 1
		_, err = s.ReplaceSealed(ctx, store.SealedAuths, []store.Resealed{broken})
		must(t, err)
		if _, err := reseal.Run(ctx, s, ring(t, 2, 1)); err == nil || !strings.Contains(err.Error(), string(sub.ID)+"/auth") {
			t.Errorf("a damaged value: %v", err)
		}
	})
}
