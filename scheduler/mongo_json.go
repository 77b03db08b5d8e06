package scheduler

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// appendDocument writes a document as the contract's JSON, its fields in their
// order. A fault says what has no form there; it names the field and not the
// value. skipID leaves out the _id of a dataset whose key is another field.
func appendDocument(b []byte, doc bson.Raw, skipID bool) (out []byte, fault string) {
	elements, err := doc.Elements()
	if err != nil {
		return nil, "is no valid BSON"
	}
	b = append(b, '{')
	first := true
	for _, e := range elements {
		name := e.Key()
		if skipID && name == "_id" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, fault = appendString(b, name); fault != "" {
			return nil, "has a field whose name " + fault
		}
		if b, fault = appendValue(append(b, ':'), e.Value()); fault != "" {
			return nil, fieldFault(name, fault)
		}
	}
	return append(b, '}'), ""
}

// fieldFault puts a field's name in front of what is wrong with it.
func fieldFault(name, fault string) string {
	if fault[0] == '"' { // of a field inside
		return `"` + clip(name) + `.` + fault[1:]
	}
	return `"` + clip(name) + `" ` + fault
}

func appendValue(b []byte, v bson.RawValue) (out []byte, fault string) {
	switch v.Type {
	case bson.TypeString:
		return appendString(b, v.StringValue())
	case bson.TypeSymbol:
		return appendString(b, v.Symbol())
	case bson.TypeInt32:
		return strconv.AppendInt(b, int64(v.Int32()), 10), ""
	case bson.TypeInt64:
		return strconv.AppendInt(b, v.Int64(), 10), ""
	case bson.TypeDouble:
		return appendDouble(b, v.Double())
	case bson.TypeDecimal128:
		return appendDecimal(b, v.Decimal128())
	case bson.TypeBoolean:
		return strconv.AppendBool(b, v.Boolean()), ""
	case bson.TypeNull, bson.TypeUndefined:
		return append(b, "null"...), ""
	case bson.TypeObjectID:
		return append(append(append(b, '"'), v.ObjectID().Hex()...), '"'), ""
	case bson.TypeDateTime:
		return appendDate(b, v.Time().UTC())
	case bson.TypeTimestamp:
		seconds, _ := v.Timestamp()
		return appendDate(b, time.Unix(int64(seconds), 0).UTC())
	case bson.TypeEmbeddedDocument:
		return appendDocument(b, v.Document(), false)
	case bson.TypeArray:
		return appendArray(b, v.Array())
	case bson.TypeBinary:
		return appendBinary(b, v)
	}
	return nil, "is of the BSON type " + v.Type.String() + ", which has no form in JSON"
}

func appendArray(b []byte, array bson.RawArray) (out []byte, fault string) {
	values, err := array.Values()
	if err != nil {
		return nil, "is no valid BSON"
	}
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if b, fault = appendValue(b, v); fault != "" {
			return nil, fieldFault(strconv.Itoa(i), fault)
		}
	}
	return append(b, ']'), ""
}

// appendBinary writes a UUID in its usual form and anything else in base64.
func appendBinary(b []byte, v bson.RawValue) ([]byte, string) {
	subtype, data := v.Binary()
	b = append(b, '"')
	if subtype == bson.TypeBinaryUUID && len(data) == 16 {
		for i, part := range [][]byte{data[:4], data[4:6], data[6:8], data[8:10], data[10:]} {
			if i > 0 {
				b = append(b, '-')
			}
			b = hex.AppendEncode(b, part)
		}
		return append(b, '"'), ""
	}
	return append(base64.StdEncoding.AppendEncode(b, data), '"'), ""
}

func appendDate(b []byte, t time.Time) ([]byte, string) {
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, "is a date out of the years 1 to 9999"
	}
	return append(isoTime(append(b, '"'), t), '"'), ""
}

// exact is up to where every integer is a double of its own.
const exact = 1 << 53

// appendDouble writes what is integral as an integer: many drivers write every
// number as a double.
func appendDouble(b []byte, f float64) ([]byte, string) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, "is no finite number"
	case f == math.Trunc(f) && math.Abs(f) <= exact:
		return strconv.AppendInt(b, int64(f), 10), ""
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64), ""
}

// mostZeros is how many zeros an integer may end with to be written out.
const mostZeros = 20

// appendDecimal writes what is integral as an integer, 2990.00 as 2990.
func appendDecimal(b []byte, d bson.Decimal128) ([]byte, string) {
	n, exp, err := d.BigInt()
	if err != nil { // NaN, Infinity
		return nil, "is no finite number"
	}
	ten := big.NewInt(10)
	var rest big.Int
	for exp < 0 {
		q, r := new(big.Int).QuoRem(n, ten, &rest)
		if r.Sign() != 0 {
			break
		}
		n, exp = q, exp+1
		if n.Sign() == 0 {
			exp = 0
		}
	}
	switch {
	case n.Sign() == 0:
		return append(b, '0'), ""
	case exp >= 0 && exp <= mostZeros:
		n = n.Mul(n, new(big.Int).Exp(ten, big.NewInt(int64(exp)), nil))
		return n.Append(b, 10), ""
	}
	return append(b, d.String()...), ""
}

// appendString writes a JSON string: what need not be escaped is not.
func appendString(b []byte, s string) ([]byte, string) {
	if !utf8.ValidString(s) {
		return nil, "is no valid UTF-8"
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), ""
}
