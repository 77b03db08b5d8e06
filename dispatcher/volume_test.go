package dispatcher_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// countingReceiver answers 200 at once and counts each message.
func countingReceiver(t testing.TB) (url string, counts *sync.Map, total *atomic.Int64) {
	counts, total = &sync.Map{}, &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("receiver: %v", err)
		}
		n, _ := counts.LoadOrStore(r.Header.Get("webhook-id"), &atomic.Int64{})
		n.(*atomic.Int64).Add(1)
		total.Add(1)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, counts, total
}

// TestTenThousandEvents: without faults every message arrives exactly once
// (P3), on both back ends. The rates that it logs are for the reader.
func TestTenThousandEvents(t *testing.T) {
	const events, posters = 10_000, 32
	eachBackend(t, func(t *testing.T, o houseOptions) {
		o.workers = 256
		url, counts, total := countingReceiver(t)
		h := newHouse(t, o)
		h.subscribe(url)
		var ids sync.Map
		var wg sync.WaitGroup
		start := time.Now()
		for range posters {
			wg.Go(func() {
				for range events / posters {
					a, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{
						Type: "shop.product.redemption", ClientID: "acme", Data: []byte(redemption),
					}}, nil)
					if err != nil {
						t.Error(err)
						return
					}
					ids.Store(string(a[0].Message.ID), true)
				}
			})
		}
		wg.Wait()
		accepted := time.Since(start)
		want := events / posters * posters
		for range want {
			if ob := h.next(); ob.State != webhook.StateSucceeded {
				t.Fatalf("%s became %s: %+v", ob.DeliveryID, ob.State, ob.Attempt.Error)
			}
		}
		took := time.Since(start)
		distinct := 0
		ids.Range(func(id, _ any) bool {
			distinct++
			if n, ok := counts.Load(id); !ok || n.(*atomic.Int64).Load() != 1 {
				t.Errorf("message %v did not arrive exactly once", id)
			}
			return true
		})
		if distinct != want || total.Load() != int64(want) {
			t.Errorf("%d accepted, %d arrived; want %d of each", distinct, total.Load(), want)
		}
		bare := bareLoop(t, url, want)
		t.Logf("accepted %.0f/s, delivered %.0f/s, a bare http.Client loop %.0f/s: %.0f %%",
			float64(want)/accepted.Seconds(), float64(want)/took.Seconds(), float64(want)/bare.Seconds(), 100*bare.Seconds()/took.Seconds())
	})
}

// bareLoop posts the same number of bodies with a plain http.Client.
func bareLoop(t *testing.T, url string, n int) time.Duration {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	start := time.Now()
	for range 64 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				res, err := client.Post(url, "application/json", bytes.NewReader([]byte(redemption)))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}
