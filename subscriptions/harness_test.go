package subscriptions_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// office is a registry with a database of its own, or a shared one.
type office struct {
	*subscriptions.Registry
	t       testing.TB
	address string
	store   *store.Store
	changes atomic.Int32 // calls of Options.Changed
	now     time.Time
}

// eachDatabase runs a test on both.
func eachDatabase(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, testserver.Postgres(t)) })
}

func key(n byte) [32]byte { return [32]byte{n} }

// open opens a registry as one process has it.
func open(t testing.TB, address string) *office {
	t.Helper()
	ctx := context.Background()
	o := &office{t: t, address: address, now: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)}
	var err error
	o.store, err = store.Open(ctx, address, store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, o.store.Close()) })
	_, err = o.store.Migrate(ctx)
	must(t, err)
	o.Registry, err = o.registry(key(1))
	must(t, err)
	return o
}

// registry makes one more registry on the office's store.
func (o *office) registry(first [32]byte, more ...[32]byte) (*subscriptions.Registry, error) {
	o.t.Helper()
	keys, err := seal.NewRing(first, more...)
	must(o.t, err)
	return subscriptions.New(context.Background(), subscriptions.Options{
		Store: o.store, Keys: keys, CheckURL: noBadHost, Now: func() time.Time { return o.now },
		Changed: func() { o.changes.Add(1) },
	})
}

// noBadHost stands for the sender's address policy.
func noBadHost(_ context.Context, url string) string {
	if strings.Contains(url, "bad") {
		return "is a bad host"
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wish is a subscription as somebody asks for it.
func wish(client webhook.ClientID, patterns ...webhook.Pattern) webhook.Subscription {
	return webhook.Subscription{ClientID: client, URL: "https://example.com/hook", EventTypes: patterns}
}

func (o *office) create(in webhook.Subscription) *webhook.Subscription {
	o.t.Helper()
	sub, err := o.Create(context.Background(), in, nil)
	must(o.t, err)
	return sub
}
