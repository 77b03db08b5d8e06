package sample

import (
	"strconv"
)

// technical appends what belongs to the platform.
func (f *facts) technical(b []byte, name string) []byte {
	switch name {
	case "_id", "reference_number":
		return f.key(b)
	case "project_id", "project":
		return append(b, f.project...)
	case "event_id", "category_id", "product_id", "client_id", "payer_id":
		return f.hex(b, 24)
	case "coupon":
		return append(b, pick(&f.draw, coupons)...)
	case "transaction_status":
		return append(b, pick(&f.draw, statuses)...)
	case "payment_gateway":
		return append(b, pick(&f.draw, gateways)...)
	case "boleto_url":
		return f.hex(append(b, "https://boletos.example.com/"...), 16)
	case "boleto_barcode":
		return f.digits(b, 47)
	case "product", "product_id_response":
		return appendEscaped(b, pick(&f.draw, products))
	case "operation_type", "operation_type_raw":
		return append(b, pick(&f.draw, types)...)
	case "fields_text":
		return append(append(b, `Camiseta: M\nComo soube: `...), pick(&f.draw, sources)...)
	case "observation":
		return append(b, "Repasse semanal"...)
	case "reference":
		return strconv.AppendInt(append(b, "INS-"...), int64(f.i), 10)
	}
	return f.hex(b, 16) // transaction_id and the hashes
}

// object appends the value of a field that is an object.
func (f *facts) object(b []byte, name string) []byte {
	switch name {
	case "product_id_response":
		b = f.hex(append(b, `{"_id":"`...), 24)
		b = appendEscaped(append(b, `","name":"`...), pick(&f.draw, products))
		b = strconv.AppendInt(append(b, `","price":`...), int64(f.price), 10)
	case "marketing_params":
		b = append(append(b, `{"utm_source":"`...), pick(&f.draw, sources)...)
		b = append(b, `","utm_medium":null`...)
	default: // fields: what the organizer asked, in no order of ours
		b = append(append(b, `{"camiseta":"M","cidade":"`...), f.place[0]...)
		b = append(b, `","aceite":true,"nota":9.50`...)
	}
	return append(b, '}')
}

// appendEscaped appends a text that may hold quotes.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}
