package scheduler

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// mongoPart is a part of a read in which the window's field is of one type: a
// range of MongoDB compares within one type only.
type mongoPart struct {
	field  string
	filter bson.D
}

// parts cuts the window's documents into parts, each of which is read in the
// order of its field and then of _id. A document is in the first part that has
// it: the fields that hardly change come first, updatedAt last, so that a
// document that the platform changes during a run does not pass from a part
// that was read to one that is still to come.
//
// Times are BSON dates. Text is looked at too, so that what is there is either
// sent or reported: text of a day for the reconciliation, text in ISO 8601 in
// UTC otherwise.
func (c *mongoCollection) parts(w webhook.Window) []mongoPart {
	fields := append(append([]string{}, c.spec.AlsoIn...), c.spec.Window)
	var parts []mongoPart
	var before bson.A // what the parts so far have
	for _, name := range fields {
		f, _ := c.spec.Field(name)
		ranges := bson.A{}
		for _, bounds := range [][2]any{{w.From, w.To}, textBounds(f.Kind, w)} {
			in := bson.D{{Key: name, Value: bson.D{{Key: "$gte", Value: bounds[0]}, {Key: "$lt", Value: bounds[1]}}}}
			ranges = append(ranges, in)
			part := mongoPart{field: name, filter: in[:1:1]}
			if len(before) > 0 {
				part.filter = append(part.filter, bson.E{Key: "$nor", Value: before})
			}
			parts = append(parts, part)
		}
		before = append(before[:len(before):len(before)], ranges...)
	}
	return parts
}

// textBounds are a window's bounds as text.
func textBounds(kind webhook.FieldKind, w webhook.Window) [2]any {
	if kind == webhook.FieldDate {
		zone := webhook.ContractZone()
		return [2]any{w.From.In(zone).Format(webhook.DateForm), w.To.In(zone).Format(webhook.DateForm)}
	}
	const form = "2006-01-02T15:04:05"
	return [2]any{w.From.UTC().Format(form), w.To.UTC().Format(form)}
}

// owner selects a client's documents.
func (c *mongoCollection) owner(id webhook.ClientID) bson.D {
	if oid, err := bson.ObjectIDFromHex(string(id)); err == nil {
		return bson.D{{Key: c.client, Value: bson.D{{Key: "$in", Value: bson.A{string(id), oid}}}}}
	}
	return bson.D{{Key: c.client, Value: string(id)}}
}

// idTypes are the types that an _id may have, in the order in which MongoDB
// sorts them; those of one row are compared with one another.
func idTypes() [][]string {
	return [][]string{
		{"null"}, {"int", "long", "double", "decimal"}, {"string"}, {"object"}, {"binData"}, {"objectId"}, {"bool"}, {"date"}, {"timestamp"},
	}
}

// behind selects what comes after a mark. A range compares _id within one type
// only, so the types that are sorted behind it are named besides; without them
// a page that ends with text would be the last, and every ObjectID be lost.
func behind(field string, after mark) bson.A {
	same := func(cond bson.D) bson.D {
		return bson.D{{Key: field, Value: after.At}, {Key: "_id", Value: cond}}
	}
	or := bson.A{
		bson.D{{Key: field, Value: bson.D{{Key: "$gt", Value: after.At}}}},
		same(bson.D{{Key: "$gt", Value: after.ID}}),
	}
	var later bson.A
	found := false
	for _, row := range idTypes() {
		for _, name := range row {
			if found {
				later = append(later, name)
			}
		}
		for _, name := range row {
			found = found || name == typeName(after.ID.Type)
		}
	}
	if len(later) > 0 {
		or = append(or, same(bson.D{{Key: "$type", Value: later}}))
	}
	return or
}

func typeName(t bson.Type) string {
	switch t {
	case bson.TypeNull:
		return "null"
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return "int"
	case bson.TypeString:
		return "string"
	case bson.TypeEmbeddedDocument:
		return "object"
	case bson.TypeBinary:
		return "binData"
	case bson.TypeObjectID:
		return "objectId"
	case bson.TypeBoolean:
		return "bool"
	case bson.TypeDateTime:
		return "date"
	}
	return "timestamp"
}

// mark is the place of a read: a part, and the field and the _id of the last
// document, with their types. As text it is canonical Extended JSON.
type mark struct {
	Part int           `bson:"p"`
	At   bson.RawValue `bson:"t"`
	ID   bson.RawValue `bson:"i"`
}

func (m mark) encode() (string, error) {
	text, err := bson.MarshalExtJSON(m, true, false)
	return string(text), err
}

func parseMark(s string) (m mark, err error) {
	if s == "" {
		return mark{}, nil
	}
	if err := bson.UnmarshalExtJSON([]byte(s), true, &m); err != nil || m.Part < 0 || m.ID.Value == nil {
		return mark{}, fmt.Errorf("%q is no position in MongoDB", clip(s))
	}
	return m, nil
}

// keyText is a key or a client's id as text: an ObjectID as its 24 digits.
func keyText(v bson.RawValue) string {
	if oid, ok := v.ObjectIDOK(); ok {
		return oid.Hex()
	}
	text, _ := v.StringValueOK()
	return text
}

// isoTime appends a time as the contract writes it: UTC, with milliseconds
// only where they are not zero.
func isoTime(b []byte, t time.Time) []byte {
	if t.Nanosecond() == 0 {
		return t.AppendFormat(b, "2006-01-02T15:04:05Z")
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
}
