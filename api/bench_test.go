package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// benchHouse is a house that does not log.
func benchHouse(b *testing.B) http.Handler {
	b.Helper()
	h := newHouse(b, 0)
	h.subscribe("http://127.0.0.1:9") // each event has one delivery
	o := h.options()
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	handler, err := New(o)
	must(b, err)
	return handler
}

// kilobyte is an event of about 1 KB, the size that the project measures with.
func kilobyte() string {
	return event(`{"user":{"id":"123","name":"` + strings.Repeat("a", 800) + `"},"exchange":{"id":"321","quantity":"1"}}`)
}

func post1(handler http.Handler, body string) int {
	r := httptest.NewRequest("POST", "/v1/events", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// BenchmarkIntake is the whole way of an event into SQL, from 32 callers at
// once as the project measures it (they share commits).
func BenchmarkIntake(b *testing.B) {
	handler, body := benchHouse(b), kilobyte()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if code := post1(handler, body); code != http.StatusAccepted {
					b.Errorf("status %d", code)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRefused is what the API itself costs: everything up to the
// dispatcher, which refuses the unknown type.
func BenchmarkRefused(b *testing.B) {
	handler := benchHouse(b)
	body := strings.Replace(kilobyte(), "shop.product.redemption", "unknown", 1)
	b.ReportAllocs()
	for b.Loop() {
		if code := post1(handler, body); code != http.StatusUnprocessableEntity {
			b.Fatalf("status %d", code)
		}
	}
}

// BenchmarkDecode is the reading of one event's body.
func BenchmarkDecode(b *testing.B) {
	body := []byte(kilobyte())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var faults webhook.Faults
		var v eventBody
		if err := scan(body, &faults); err != nil {
			b.Fatal(err)
		}
		decodeObject(trimmed(body), "", &v, &faults)
		if len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}
