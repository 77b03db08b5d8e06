package fill_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/fill"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestHistory reads through the store what was put in: whoever changes the
// schema finds out here.
func TestHistory(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		testHistory(t, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db"))
	})
	t.Run("postgres", func(t *testing.T) { testHistory(t, testserver.Postgres(t)) })
}

func testHistory(t *testing.T, address string) {
	ctx := context.Background()
	s, err := store.Open(ctx, address, store.Options{})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Migrate(ctx)
	must(t, err)
	h := fill.History{Database: address, Deliveries: 500, Until: time.Now().Truncate(time.Microsecond), Body: 200}
	if err := h.Put(ctx); err == nil {
		t.Fatal("a history of no subscription was written")
	}
	for _, client := range []webhook.ClientID{"a", "b"} {
		sub := webhook.Subscription{
			ID: webhook.NewSubscriptionID(), ClientID: client, URL: "http://127.0.0.1:9/" + string(client),
			EventTypes: []webhook.Pattern{"*"}, CreatedAt: time.Now(), Version: 1,
		}
		sub.SetDefaults()
		row := &store.Subscription{Subscription: sub, SealedHeaders: []byte("x"), SealedSecret: []byte("x")}
		must(t, s.CreateSubscription(ctx, row, nil))
	}
	told := 0
	h.Progress = func(done int) { told = done }
	must(t, h.Put(ctx))
	if told != h.Deliveries {
		t.Errorf("told of %d", told)
	}

	for state, want := range map[webhook.DeliveryState]int{webhook.StateSucceeded: 495, webhook.StateFailed: 5} {
		rows, _, err := s.Deliveries(ctx, store.DeliveryFilter{State: state}, store.Page{Limit: 1000})
		must(t, err)
		if len(rows) != want {
			t.Errorf("%d are %s, want %d", len(rows), state, want)
		}
	}
	rows, _, err := s.Deliveries(ctx, store.DeliveryFilter{ClientID: "b"}, store.Page{Limit: 1000})
	must(t, err)
	if len(rows) != h.Deliveries/2 {
		t.Fatalf("b has %d deliveries", len(rows))
	}
	newest := rows[0]
	if newest.URL != "http://127.0.0.1:9/b" || h.Until.Sub(newest.CreatedAt) > 2*time.Second || newest.FinishedAt == nil {
		t.Errorf("the newest is %+v", newest)
	}
	if !webhook.ValidID(webhook.PrefixDelivery, string(newest.ID)) || string(newest.ID) >= string(webhook.NewDeliveryID()) {
		t.Errorf("%s is no id, or does not sort before a new one", newest.ID)
	}
	m, err := s.Message(ctx, newest.MessageID)
	must(t, err)
	if len(m.Body) != h.Body || string(m.Data()) != "{}" || m.ClientID != "b" {
		t.Errorf("its message is %+v", m)
	}
	attempts, err := s.Attempts(ctx, newest.ID)
	must(t, err)
	if len(attempts) != 1 || attempts[0].URL == "" || attempts[0].Duration != 10*time.Millisecond {
		t.Errorf("its attempts are %+v", attempts)
	}
}
