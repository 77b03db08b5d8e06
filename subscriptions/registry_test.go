package subscriptions_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func paths(t *testing.T, err error) []string {
	t.Helper()
	var wrong *webhook.Error
	if !errors.As(err, &wrong) || wrong.Kind != webhook.KindInvalid {
		t.Fatalf("the error is %v, want faults", err)
	}
	var out []string
	for _, f := range wrong.Faults {
		out = append(out, f.Path)
	}
	return out
}

// TestChangesAtOnce: whoever changed a subscription finds the change in the
// index when the change returns, however many others change theirs meanwhile. A
// process that still had the old one would send to what is paused.
func TestChangesAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		o := open(t, address)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 25 {
					sub, err := o.Create(context.Background(), wish("acme", "*"), nil)
					if err != nil {
						t.Error(err)
					} else if o.Index().Get(sub.ID) == nil {
						t.Errorf("%s was made, and is not in the index", sub.ID)
					}
				}
			})
		}
		all.Wait()
	})
}

func TestCreate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		o := open(t, address)
		in := wish("acme", "shop.*")
		in.ID, in.State, in.Version = "sub_mine", webhook.SubscriptionPaused, 99 // not for the caller to say
		in.Headers = map[string]string{"X-Token": "t"}
		in.Secrets.Current = webhook.NewSecret()
		sub := o.create(in)
		if !webhook.ValidID(webhook.PrefixSubscription, string(sub.ID)) || sub.State != webhook.SubscriptionActive || sub.Version != 1 ||
			sub.Secrets.Current.IsZero() || sub.Secrets.Current == in.Secrets.Current ||
			sub.Method != "POST" || sub.Ack.Status != webhook.Ack200 || sub.MaxInFlight != webhook.DefaultMaxInFlight ||
			!sub.CreatedAt.Equal(o.now.Truncate(time.Microsecond)) {
			t.Errorf("created %+v", sub)
		}
		stored, err := o.Get(ctx, sub.ID)
		must(t, err)
		if diff := cmp.Diff(sub, stored, cmp.Comparer(func(a, b webhook.Secret) bool { return a == b })); diff != "" {
			t.Errorf("stored otherwise than answered:\n%s", diff)
		}
		if diff := cmp.Diff(sub, o.Index().Get(sub.ID), cmp.Comparer(func(a, b webhook.Secret) bool { return a == b })); diff != "" {
			t.Errorf("indexed otherwise than answered:\n%s", diff)
		}
		bad := wish("no client", "Shop")
		bad.URL = "https://bad.example"
		_, err = o.Create(ctx, bad, nil)
		if diff := cmp.Diff([]string{"/client_id", "/event_types/0", "/url"}, paths(t, err)); diff != "" {
			t.Errorf("faults:\n%s", diff)
		}
		bad = wish("acme", "*")
		bad.URL = ""
		if _, err := o.Create(ctx, bad, nil); len(paths(t, err)) != 1 {
			t.Error(err)
		}
		if o.Index().Len() != 1 {
			t.Errorf("%d subscriptions, want 1", o.Index().Len())
		}
	})
}

// TestCreateIsReplayed: the second request with a key creates nothing.
func TestCreateIsReplayed(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	ask := func(hash string) error {
		_, err := o.Create(ctx, wish("acme", "*"), func(s *webhook.Subscription) (*store.Idempotency, error) {
			return &store.Idempotency{Scope: "subscriptions", Key: "k", RequestHash: []byte(hash), Status: 201, Response: []byte(s.ID)}, nil
		})
		return err
	}
	must(t, ask("same"))
	var replay *store.Replay
	if err := ask("same"); !errors.As(err, &replay) || o.Index().Get(webhook.SubscriptionID(replay.Response)) == nil {
		t.Errorf("the same request again: %v", err)
	}
	if err := ask("another"); !webhook.IsKind(err, webhook.KindConflict) {
		t.Errorf("the key with another request: %v", err)
	}
	refused := errors.New("no answer")
	_, err := o.Create(ctx, wish("acme", "*"), func(*webhook.Subscription) (*store.Idempotency, error) { return nil, refused })
	if !errors.Is(err, refused) || o.Index().Len() != 1 {
		t.Errorf("%v; %d subscriptions, want 1", err, o.Index().Len())
	}
}

func TestUpdate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		o := open(t, address)
		sub := o.create(wish("acme", "*"))
		got, err := o.Update(ctx, sub.ID, func(s *webhook.Subscription) error {
			s.ID, s.ClientID, s.State, s.Secrets = "sub_x", "beta", webhook.SubscriptionPaused, webhook.SigningSecrets{}
			s.URL, s.RateLimit, s.Headers = "https://example.org/new", 7, map[string]string{"X-A": "1"}
			return nil
		})
		must(t, err)
		if got.ID != sub.ID || got.ClientID != "acme" || got.State != webhook.SubscriptionActive || got.Secrets != sub.Secrets ||
			got.URL != "https://example.org/new" || got.RateLimit != 7 || got.Headers["X-A"] != "1" || got.Version != sub.Version+1 {
			t.Errorf("updated to %+v", got)
		}
		if ix := o.Index().Get(sub.ID); ix.URL != got.URL || ix.Version != got.Version {
			t.Errorf("indexed %+v", ix)
		}
		_, err = o.Update(ctx, sub.ID, func(s *webhook.Subscription) error {
			s.URL, s.Method = "https://bad.example", "GET"
			return nil
		})
		if diff := cmp.Diff([]string{"/method", "/url"}, paths(t, err)); diff != "" {
			t.Errorf("faults:\n%s", diff)
		}
		refused := errors.New("the caller changed its mind")
		if _, err := o.Update(ctx, sub.ID, func(*webhook.Subscription) error { return refused }); !errors.Is(err, refused) {
			t.Error(err)
		}
		if again, err := o.Get(ctx, sub.ID); err != nil || again.Version != got.Version {
			t.Errorf("a refused change was stored: %+v, %v", again, err)
		}
		must(t, o.Delete(ctx, sub.ID))
		_, missing := o.Update(ctx, sub.ID, func(*webhook.Subscription) error { return nil })
		_, missingPause := o.Pause(ctx, sub.ID)
		_, missingGet := o.Get(ctx, sub.ID)
		for _, err := range []error{missing, missingPause, missingGet, o.Delete(ctx, sub.ID)} {
			if !webhook.IsKind(err, webhook.KindNotFound) {
				t.Errorf("after the deletion: %v", err)
			}
		}
	})
}

// TestAURLThatBecameBad does not stand in the way of another change.
func TestAURLThatBecameBad(t *testing.T) {
	ctx := context.Background()
	o := open(t, "sqlite:"+t.TempDir()+"/carteiro.db")
	sub := o.create(wish("acme", "*"))
	strict, err := o.registry(key(1))
	must(t, err)
	_, err = strict.Update(ctx, sub.ID, func(s *webhook.Subscription) error {
		s.Description = "the same URL"
		return nil
	})
	must(t, err)
}

// TestConcurrentEdits: none of the changes that were answered as made is lost.
func TestConcurrentEdits(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		both := []*office{open(t, address), open(t, address)}
		sub := both[0].create(wish("acme", "*"))
		var mu sync.Mutex
		made := map[string]bool{}
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				name := "X-" + strconv.Itoa(i)
				_, err := both[i%2].Update(ctx, sub.ID, func(s *webhook.Subscription) error {
					s.Headers[name] = "1"
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made[name] = true
				} else if !webhook.IsKind(err, webhook.KindConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got, err := both[0].Get(ctx, sub.ID)
		must(t, err)
		if len(got.Headers) != len(made) || int64(len(made)) != got.Version-1 || len(made) == 0 {
			t.Errorf("%d changes were made, %d are stored, version %d", len(made), len(got.Headers), got.Version)
		}
		for name := range made {
			if got.Headers[name] != "1" {
				t.Errorf("the change of %s is lost", name)
			}
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	eachDatabase(t, func(t *testing.T, address string) {
		ctx := context.Background()
		o := open(t, address)
		sub := o.create(wish("acme", "*"))
		for i, want := range []webhook.SubscriptionState{webhook.SubscriptionPaused, webhook.SubscriptionPaused, webhook.SubscriptionActive, webhook.SubscriptionActive} {
			change := o.Pause
			if want == webhook.SubscriptionActive {
				change = o.Resume
			}
			got, err := change(ctx, sub.ID)
			must(t, err)
			if got.State != want || o.Index().Get(sub.ID).State != want {
				t.Errorf("change %d: %s, indexed %s, want %s", i+1, got.State, o.Index().Get(sub.ID).State, want)
			}
		}
		if o.changes.Load() == 0 {
			t.Error("nobody was told that deliveries may be due")
		}
	})
}
