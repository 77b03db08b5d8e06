package sample

import (
	"hash/fnv"
	"math/bits"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Generator makes records. It is safe for concurrent use.
type Generator struct {
	seed uint64
	from time.Time
	span time.Duration
}

// Window is the day before the run of 2025-06-16, in GMT-3: the records'
// times lie in it unless another one is asked for.
func Window() webhook.Window {
	from := time.Date(2025, 6, 15, 0, 0, 0, 0, webhook.ContractZone())
	return webhook.Window{From: from, To: from.AddDate(0, 0, 1)}
}

// New makes records whose updatedAt, or date, is spread evenly over a window.
func New(seed uint64, w webhook.Window) *Generator {
	return &Generator{seed: seed, from: w.From, span: w.To.Sub(w.From)}
}

// Append appends the i-th record of a dataset, an object of JSON on one line
// without a line's end.
func (g *Generator) Append(b []byte, d webhook.Dataset, i int) []byte {
	f := g.facts(d, i)
	b = append(b, '{')
	spec := d.Spec()
	first := true
	for k := range spec.Fields {
		field := &spec.Fields[k]
		if f.leavesOut(spec, field) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), field.Name...), `":`...)
		b = f.value(b, field)
	}
	return append(b, '}')
}

// Cadastro appends the i-th registration.
func (g *Generator) Cadastro(b []byte, i int) []byte { return g.Append(b, webhook.Cadastros, i) }

// Venda appends the i-th sale.
func (g *Generator) Venda(b []byte, i int) []byte { return g.Append(b, webhook.Vendas, i) }

// Ingresso appends the i-th ticket.
func (g *Generator) Ingresso(b []byte, i int) []byte { return g.Append(b, webhook.Ingressos, i) }

// Financeiro appends the i-th movement of the reconciliation.
func (g *Generator) Financeiro(b []byte, i int) []byte { return g.Append(b, webhook.Financeiro, i) }

// Lines appends the records from first up to, without, end, each on a line.
func (g *Generator) Lines(b []byte, d webhook.Dataset, first, end int) []byte {
	for i := first; i < end; i++ {
		b = append(g.Append(b, d, i), '\n')
	}
	return b
}

// Key returns the key of the i-th record of a dataset.
func (g *Generator) Key(d webhook.Dataset, i int) string {
	f := facts{d: d, i: i, draw: g.draw(d, i)}
	return string(f.key(nil))
}

// draw is a stream of numbers that look random (splitmix64): cheap to begin
// anew for every record, which the streams of math/rand are not.
type draw uint64

func (g *Generator) draw(d webhook.Dataset, i int) draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d)) // a hash takes every byte
	s := draw(h.Sum64() ^ bits.RotateLeft64(g.seed, 32) ^ uint64(i)*0x9e3779b97f4a7c15)
	s.next()
	return s
}

func (d *draw) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n draws a number from 0 to most-1.
func (d *draw) n(most int) int {
	hi, _ := bits.Mul64(d.next(), uint64(most))
	return int(hi)
}

// one draws true once in k times.
func (d *draw) one(k int) bool { return d.n(k) == 0 }

func pick(d *draw, list []string) string { return list[d.n(len(list))] }
