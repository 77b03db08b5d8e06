package access

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) { os.Exit(testserver.RunWithoutLeaks(m)) }

const adminKey = "an-admin-key-that-somebody-made-up-1"

var remote = netip.MustParseAddr("192.0.2.7")

// clock is a clock that a test sets.
type clock struct{ us atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// bench is a database with processes on it.
type bench struct {
	*testing.T
	address string
	clock   clock
}

func newBench(t *testing.T, address string) *bench {
	b := &bench{T: t, address: address}
	b.clock.us.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return b
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(*bench)) {
	t.Run("sqlite", func(t *testing.T) { test(newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"))) })
	t.Run("postgres", func(t *testing.T) { test(newBench(t, testserver.Postgres(t))) })
}

func onSQLite(t *testing.T) *bench { return newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db")) }

// process is one process: a store and a registry of its own.
func (b *bench) process(o Options) (*Registry, *store.Store) {
	b.Helper()
	s, err := store.Open(context.Background(), b.address, store.Options{Now: b.clock.now})
	b.must(err)
	_, err = s.Migrate(context.Background())
	b.must(err)
	o.Store, o.AdminKey, o.Now = s, adminKey, b.clock.now
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	r, err := New(o)
	b.must(err)
	b.Cleanup(func() {
		r.Stop()
		s.Close() // a second Close answers with an error of no interest
	})
	return r, s
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// make makes a key and returns its id and its text.
func (b *bench) make(r *Registry, k webhook.APIKey) (webhook.KeyID, string) {
	b.Helper()
	if k.Name == "" {
		k.Name, k.Role = "a key", webhook.RoleViewer
	}
	var id webhook.KeyID
	var text string
	b.must(r.Create(context.Background(), k, func(k *webhook.APIKey, t webhook.KeyText) (*store.Idempotency, error) {
		id, text = k.ID, t.Reveal()
		return nil, nil
	}))
	return id, text
}

func (b *bench) accepted(r *Registry, text string) *Grant {
	b.Helper()
	g, err := r.Check(context.Background(), text, remote)
	b.must(err)
	return g
}

// refused checks that a key is refused with a code, and returns the error.
func (b *bench) refused(r *Registry, text, code string) *webhook.Error {
	b.Helper()
	_, err := r.Check(context.Background(), text, remote)
	var e *webhook.Error
	if !errors.As(err, &e) || e.Code != code {
		b.Fatalf("got %v, want the code %s", err, code)
	}
	if len(text) > 20 && strings.Contains(e.Error(), text[13:]) {
		b.Errorf("the key is repeated: %v", e)
	}
	return e
}

func TestKeysAreChecked(t *testing.T) {
	onBoth(t, func(b *bench) {
		r, _ := b.process(Options{})
		if g := b.accepted(r, adminKey); g.Role != webhook.RoleAdmin || g.ID != webhook.AdminKeyID {
			b.Errorf("the admin key is %+v", g.APIKey)
		}
		client, end := webhook.ClientID("acme"), b.clock.now().Add(time.Hour)
		id, text := b.make(r, webhook.APIKey{Name: "of acme", Role: webhook.RoleProducer, ClientID: &client, ExpiresAt: &end})
		if g := b.accepted(r, text); g.ID != id || g.BoundTo() != client || g.Role != webhook.RoleProducer {
			b.Errorf("granted %+v", g.APIKey)
		}
		b.refused(r, "", "unauthorized")
		b.refused(r, adminKey+"x", "unauthorized")
		b.refused(r, text[:len(text)-1], "unauthorized")
		b.refused(r, webhook.NewKeyText().Reveal(), "unauthorized")
		b.clock.advance(time.Hour - time.Microsecond)
		b.accepted(r, text)
		b.clock.advance(time.Microsecond)
		if e := b.refused(r, text, "key_expired"); !strings.Contains(e.Message, "expired at 2026-03-01T13:00:00Z") {
			b.Errorf("%v", e)
		}
		id, text = b.make(r, webhook.APIKey{})
		b.must(r.Revoke(context.Background(), id))
		if e := b.refused(r, text, "key_revoked"); !strings.Contains(e.Message, "revoked at 2026-03-01T13:00:00Z") {
			b.Errorf("%v", e)
		}
	})
}

func TestNewWantsAWholeAdminKey(t *testing.T) {
	b := onSQLite(t)
	_, s := b.process(Options{})
	if _, err := New(Options{Store: s, AdminKey: adminKey[:31]}); err == nil || strings.Contains(err.Error(), adminKey[:31]) {
		t.Errorf("a short admin key: %v", err)
	}
	if _, err := New(Options{AdminKey: adminKey}); err == nil {
		t.Error("no store is accepted")
	}
}

// While others are busy checking, each key works in another process from the
// answer of its making on, and not at all from the answer of its revocation on.
func TestARevokedKeyIsRefusedEverywhereAtOnce(t *testing.T) {
	onBoth(t, func(b *bench) {
		here, _ := b.process(Options{})
		there, _ := b.process(Options{})
		_, busy := b.make(here, webhook.APIKey{})
		ended := make(chan struct{})
		var wg sync.WaitGroup
		defer func() {
			close(ended)
			wg.Wait()
		}()
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-ended:
						return
					default:
					}
					if _, err := there.Check(context.Background(), busy, remote); err != nil {
						b.Errorf("a key that nobody revoked: %v", err)
						return
					}
				}
			})
		}
		for range 50 {
			id, text := b.make(here, webhook.APIKey{})
			b.accepted(there, text)
			b.must(here.Revoke(context.Background(), id))
			b.refused(there, text, "key_revoked")
		}
	})
}

// A thousand checks at once ask the database a few times, not a thousand.
func TestChecksShareALook(t *testing.T) {
	b := onSQLite(t)
	r, _ := b.process(Options{})
	_, text := b.make(r, webhook.APIKey{})
	b.accepted(r, text)
	looks := 0
	var wg, begun sync.WaitGroup
	begun.Add(1000)
	r.looks = batch.New(batch.Options[struct{}]{MaxWeight: maxTogether}, func(in []struct{}) []batch.Result[*snapshot] {
		begun.Wait() // a busy machine begins them one after another
		looks++
		return r.look(in)
	})
	for range 1000 {
		wg.Go(func() {
			begun.Done()
			b.accepted(r, text)
		})
	}
	wg.Wait()
	if looks > 100 {
		t.Errorf("a thousand checks took %d looks", looks)
	}
}

// By memory, a key is good until the catalogue is another one.
func TestACheckBeforeTheCommit(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx := context.Background()
		here, s := b.process(Options{})
		there, _ := b.process(Options{})
		id, text := b.make(here, webhook.APIKey{})
		catalogue := func() int64 {
			v, err := s.CatalogueVersion(ctx)
			b.must(err)
			return v
		}
		g, err := there.CheckLater(ctx, text, remote) // not in memory yet
		b.must(err)
		b.must(there.Still(ctx, g, catalogue()))
		before := catalogue()
		b.must(here.Revoke(ctx, id))
		if g, err = there.CheckLater(ctx, text, remote); err != nil {
			b.Fatalf("memory was asked, and looked: %v", err)
		}
		b.must(there.Still(ctx, g, before)) // what commits with it is refused by the database
		if now := catalogue(); now == before {
			b.Fatal("a revocation does not show in the catalogue")
		}
		if err := there.Still(ctx, g, catalogue()); !webhook.IsKind(err, webhook.KindUnauthorized) {
			b.Errorf("a revoked key: %v", err)
		}
		if _, err := there.CheckLater(ctx, text, remote); !webhook.IsKind(err, webhook.KindUnauthorized) {
			b.Errorf("a revoked key, in memory: %v", err)
		}
		admin := b.accepted(there, adminKey)
		b.must(there.Still(ctx, admin, 0))
	})
}

func TestADatabaseFromACopy(t *testing.T) {
	b := onSQLite(t)
	r, _ := b.process(Options{})
	_, text := b.make(r, webhook.APIKey{})
	b.accepted(r, text)
	// As if the database had been at version 90 before it was brought back.
	was := r.current.Load()
	gone := &Grant{hash: [32]byte{1}}
	r.current.Store(&snapshot{version: store.APIKeyVersion{Keys: 90, Catalogue: 90}, byHash: map[lookup]*Grant{{1}: gone}})
	b.accepted(r, text)
	if now := r.current.Load(); now.version != was.version || now.get(gone.hash) != nil {
		t.Errorf("version %+v, want %+v; a key that is not in the database: %v", now.version, was.version, now.get(gone.hash))
	}
}

func TestWithoutTheDatabaseOnlyTheAdminKeyIsKnown(t *testing.T) {
	b := onSQLite(t)
	r, s := b.process(Options{})
	_, text := b.make(r, webhook.APIKey{})
	b.accepted(r, text)
	b.must(s.Close())
	b.accepted(r, adminKey)
	if e := b.refused(r, text, "database_unavailable"); e.Kind != webhook.KindUnavailable || e.RetryAfter <= 0 {
		t.Errorf("%+v", e)
	}
	b.refused(r, "not-a-key", "unauthorized")
}

func TestLastUses(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx := context.Background()
		r, s := b.process(Options{})
		id, text := b.make(r, webhook.APIKey{})
		idle, _ := b.make(r, webhook.APIKey{})
		b.accepted(r, text)
		lastUse := func(id webhook.KeyID) *time.Time {
			k, err := s.APIKey(ctx, id)
			b.must(err)
			return k.LastUsedAt
		}
		if at := lastUse(id); at != nil {
			b.Errorf("the request itself wrote its use: %v", at)
		}
		b.clock.advance(time.Second)
		b.accepted(r, text)
		r.writeUses()
		if at := lastUse(id); at == nil || !at.Equal(b.clock.now()) {
			b.Errorf("last used at %v, want %v", at, b.clock.now())
		}
		if at := lastUse(idle); at != nil {
			b.Errorf("a key that nobody used was used at %v", at)
		}
		b.clock.advance(time.Hour)
		b.accepted(r, text)
		r.Stop() // writes what is left
		if at := lastUse(id); at == nil || !at.Equal(b.clock.now()) {
			b.Errorf("after Stop: last used at %v, want %v", at, b.clock.now())
		}
	})
}
