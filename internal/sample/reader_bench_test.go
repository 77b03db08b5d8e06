package sample_test

import (
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// BenchmarkRecordReader is how fast records are checked on one core.
func BenchmarkRecordReader(b *testing.B) {
	g := sample.New(1, sample.Window())
	for _, d := range webhook.Datasets() {
		b.Run(string(d), func(b *testing.B) {
			raws := make([][]byte, 256)
			bytes := 0
			for i := range raws {
				raws[i] = g.Append(nil, d, i)
				bytes += len(raws[i])
			}
			r := webhook.NewRecordReader(d, "")
			b.SetBytes(int64(bytes / len(raws)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, fault := r.Read(raws[i%len(raws)]); fault != nil {
					b.Fatal(fault.Reason)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
