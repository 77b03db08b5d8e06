package sample

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// value appends the value of a field.
func (f *facts) value(b []byte, field *webhook.Field) []byte {
	switch field.Kind {
	case webhook.FieldMoney:
		return strconv.AppendInt(b, int64(f.amount(field.Name)), 10)
	case webhook.FieldInteger:
		if field.Name == "quantity" {
			return strconv.AppendInt(b, int64(f.quantity), 10)
		}
		return strconv.AppendInt(b, int64(f.installments), 10)
	case webhook.FieldBool:
		return strconv.AppendBool(b, field.Name == "confirmated" || (field.Name == "checkin" && f.checkedIn))
	case webhook.FieldObject:
		return f.object(b, field.Name)
	case webhook.FieldTextOrObject:
		if f.i%2 == 0 {
			return f.object(b, field.Name)
		}
	}
	b = append(b, '"')
	b = f.text(b, field)
	return append(b, '"')
}

func (f *facts) amount(name string) int {
	switch name {
	case "price":
		return f.price
	case "discount":
		return f.discount
	case "installment_value":
		return f.total() / f.installments
	case "tax", "administration_tax":
		return f.tax()
	case "transaction_tax", "operation_fee", "fees":
		return f.fee()
	case "total_tax":
		return f.tax() + f.fee()
	case "net_total", "saldo":
		return f.net()
	case "antecipation_gap":
		return f.total() / 50
	case "sacado":
		return -f.net() / 2
	case "total_expense":
		return f.tax() + f.fee() + f.discount
	}
	return f.total() // total, total_recipe
}

// text appends a text without its quotes, with its escapes.
func (f *facts) text(b []byte, field *webhook.Field) []byte {
	switch field.Kind {
	case webhook.FieldTime:
		return f.time(b, field.Name)
	case webhook.FieldDate:
		return f.updated.In(webhook.ContractZone()).AppendFormat(b, time.DateOnly)
	case webhook.FieldBirthDate:
		return time.Date(1950+f.draw.n(55), time.Month(1+f.draw.n(12)), 1+f.draw.n(28), 0, 0, 0, 0, time.UTC).AppendFormat(b, "02/01/2006")
	case webhook.FieldEnum:
		return append(b, f.enum(field)...)
	}
	if b, ok := f.personal(b, field.Name); ok {
		return b
	}
	return f.technical(b, field.Name)
}

func (f *facts) enum(field *webhook.Field) string {
	if field.Name == "payment_method_id" {
		return field.Enum[f.method]
	}
	return pick(&f.draw, field.Enum)
}

func (f *facts) time(b []byte, name string) []byte {
	t := f.updated
	switch name {
	case "createdAt":
		t = f.born
	case "expireAt":
		t = f.born.Add(72 * time.Hour)
	case "approved_at":
		t = f.born.Add(f.updated.Sub(f.born) / 2).Truncate(time.Second)
	}
	return appendTime(b, t)
}

// appendTime writes as the platform does: milliseconds only where they are
// not zero. By hand, because a format costs as much as the rest of a record.
func appendTime(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = strconv.AppendInt(b, int64(year), 10)
	b = append2(append(b, '-'), int(month))
	b = append2(append(b, '-'), day)
	b = append2(append(b, 'T'), hour)
	b = append2(append(b, ':'), minute)
	b = append2(append(b, ':'), second)
	if ms := t.Nanosecond() / 1e6; ms != 0 {
		b = append(b, '.', byte('0'+ms/100))
		b = append2(b, ms%100)
	}
	return append(b, 'Z')
}

func append2(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// personal appends what belongs to a person.
func (f *facts) personal(b []byte, name string) ([]byte, bool) {
	switch name {
	case "name":
		return append(append(append(b, f.first...), ' '), f.last...), true
	case "badge_name":
		return append(b, f.first...), true
	case "email":
		b = appendPlain(b, f.first)
		b = appendPlain(append(b, '.'), f.last)
		b = strconv.AppendInt(b, int64(f.i), 10)
		return append(b, "@example.com"...), true
	case "phone": // there is no area code 00
		return f.digits(append(b, "+55 00 9"...), 8), true
	case "city":
		return append(b, f.place[0]...), true
	case "state":
		return append(b, f.place[1]...), true
	case "position":
		return append(b, pick(&f.draw, positions)...), true
	case "document_type", "payer_type":
		if f.company {
			return append(b, "cnpj"...), true
		}
		return append(b, "cpf"...), true
	case "document_number":
		return f.document(b), true
	}
	return b, false
}

// document appends a CPF or CNPJ whose first check digit is wrong.
func (f *facts) document(b []byte) []byte {
	start, size := len(b), 9
	if f.company {
		size = 12
	}
	b = f.digits(b, size)
	weight, sum := 2, 0
	for i := len(b) - 1; i >= start; i-- {
		sum += int(b[i]-'0') * weight
		if weight++; f.company && weight > 9 {
			weight = 2
		}
	}
	right := 11 - sum%11
	if right > 9 {
		right = 0
	}
	return append(b, byte('0'+(right+1)%10), byte('0'+f.draw.n(10)))
}

func (f *facts) digits(b []byte, n int) []byte {
	for range n {
		b = append(b, byte('0'+f.draw.n(10)))
	}
	return b
}

// hex appends n hexadecimal digits, up to 16 of one draw.
func (f *facts) hex(b []byte, n int) []byte {
	for n > 0 {
		bits := f.draw.next()
		for range min(n, 16) {
			b = append(b, "0123456789abcdef"[bits&15])
			bits >>= 4
		}
		n -= 16
	}
	return b
}

// key appends the record's key. It draws from a stream of its own, so that
// [Generator.Key] need not make the record.
func (f *facts) key(b []byte) []byte {
	if f.d == webhook.Financeiro {
		return strconv.AppendInt(append(b, "REF"...), int64(1_000_000_000+f.i), 10)
	}
	own := facts{draw: draw(f.i+1) * 0x2545f4914f6cdd1d}
	return own.hex(strconv.AppendInt(b, int64(1_000_000_000+f.i), 10), 14)
}

// appendPlain appends a name in small letters of ASCII.
func appendPlain(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r+'a'-'A'))
		case r == ' ':
			b = append(b, '-')
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		}
	}
	return b
}
