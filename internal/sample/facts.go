package sample

import (
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// facts are what the fields of one record have in common, so that a name goes
// with its e-mail address, and amounts add up.
type facts struct {
	d    webhook.Dataset
	i    int
	draw draw

	first, last   string // names
	place         [2]string
	project       string
	method        int // index in the enumeration of payment methods
	price         int // centavos, of one
	quantity      int
	discount      int
	installments  int
	updated, born time.Time // born: createdAt
	company       bool      // pays with a CNPJ
	checkedIn     bool
}

// oldest is how long before its update a record was made, at most.
const oldest = 30 * 24 * time.Hour

func (g *Generator) facts(d webhook.Dataset, i int) facts {
	f := facts{d: d, i: i, draw: g.draw(d, i)}
	r := &f.draw
	f.first, f.last = pick(r, firstNames), pick(r, lastNames)
	f.place = places[r.n(len(places))]
	f.project = pick(r, projects)
	f.company = r.one(12)
	f.price = 990 + 500*r.n(120)
	f.quantity = 1 + r.n(3)
	f.method = r.n(5)
	if f.method >= 3 { // Cortesia, Gratuito
		f.price = 0
	}
	if r.one(4) {
		f.discount = f.price * f.quantity / 10
	}
	f.installments = 1
	if f.method == 0 { // Cartão de Crédito
		f.installments += r.n(12)
	}
	unit := time.Millisecond
	if r.one(2) {
		unit = time.Second
	}
	f.updated = g.from.Add(time.Duration(r.n(int(g.span/time.Millisecond))) * time.Millisecond).UTC().Truncate(unit)
	f.born = f.updated
	if !r.one(3) {
		f.born = f.updated.Add(-time.Duration(r.n(int(oldest/time.Second))) * time.Second)
	}
	f.checkedIn = d == webhook.Ingressos && r.one(3)
	return f
}

func (f *facts) gross() int { return f.price * f.quantity }
func (f *facts) total() int { return f.gross() - f.discount }
func (f *facts) tax() int   { return f.total() * 10 / 100 }
func (f *facts) fee() int   { return f.total() * 3 / 100 }
func (f *facts) net() int   { return f.total() - f.tax() - f.fee() }

// leavesOut tells whether the record lacks a field that it may lack.
func (f *facts) leavesOut(s *webhook.DatasetSpec, field *webhook.Field) bool {
	switch field.Name {
	case "createdAt", s.Key, s.Window:
		return false
	case "checkin_date":
		return !f.checkedIn
	case "cancelled_at":
		return !f.draw.one(20)
	case "boleto_url", "boleto_barcode":
		return f.method != 1 // Boleto
	case "cortesy_hash_id", "courtesy_reference":
		return f.method != 3 // Cortesia
	case "coupon":
		return f.discount == 0
	case "badge_name", "marketing_params", "observation", "expireAt":
		return f.draw.one(3)
	}
	return false
}
