package store

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// benchBoth runs a benchmark on both databases.
func benchBoth(b *testing.B, bench func(*testing.B, *env)) {
	for _, d := range []struct {
		name    string
		address func(testing.TB) string
	}{{"sqlite", sqliteAddress}, {"postgres", testserver.Postgres}} {
		b.Run(d.name, func(b *testing.B) { bench(b, newEnv(b, d.address(b))) })
	}
}

// kilobyte makes an intake of one message of 1 KB with one delivery.
func (e *env) kilobyte(sub webhook.SubscriptionID) *Intake {
	in := e.intake(sub)
	m := &in.Messages[0]
	m.Body = make([]byte, 1024)
	m.DataStart, m.DataLength = 8, 1000
	return in
}

// 32 requests at a time, each with a message and a delivery: they share commits.
func BenchmarkAccept(b *testing.B) {
	benchBoth(b, func(b *testing.B, e *env) {
		sub := e.subscribe(b)
		b.SetParallelism(16) // times GOMAXPROCS; two processors make 32
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := e.Accept(context.Background(), e.kilobyte(sub)); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/delivery")
	})
}

// A worker's share: a claim of a hundred, and a hundred results that come at
// once.
func BenchmarkClaimAndRecord(b *testing.B) {
	const batch = 100
	benchBoth(b, func(b *testing.B, e *env) {
		sub := e.subscribe(b)
		var fenced atomic.Int64
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			refs := e.backlog(b, sub, batch)
			b.StartTimer()
			claimed := e.tryClaim(b, refs...)
			for _, err := range together(len(claimed), func(i int) error {
				rec, err := e.Record(context.Background(), e.result(claimed[i], 200))
				if rec.Fenced {
					fenced.Add(1)
				}
				return err
			}) {
				if err != nil {
					b.Fatal(err)
				}
			}
			n += len(claimed)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/delivery")
		if n != b.N*batch || fenced.Load() > 0 {
			b.Errorf("sent %d of %d, %d fenced", n, b.N*batch, fenced.Load())
		}
	})
}

// backlog accepts n deliveries of 1 KB.
func (e *env) backlog(b *testing.B, sub webhook.SubscriptionID, n int) []Ref {
	b.Helper()
	all := &Intake{Messages: make([]webhook.Message, n)}
	refs := make([]Ref, n)
	for i := range n {
		one := e.kilobyte(sub)
		all.Messages[i] = one.Messages[0]
		one.Deliveries[0].Message = &all.Messages[i]
		all.Deliveries = append(all.Deliveries, one.Deliveries[0])
		refs[i] = Ref{one.Deliveries[0].ID, 1}
	}
	e.mustAccept(b, all)
	return refs
}
