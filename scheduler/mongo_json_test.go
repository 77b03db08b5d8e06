package scheduler

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestEachTypeOfBSON is for what the server of the nested module's test does
// not know as well.
func TestEachTypeOfBSON(t *testing.T) {
	decimal := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tc := range []struct {
		value       any
		want, fault string
	}{
		{int32(-7), "-7", ""},
		{int64(math.MaxInt64), "9223372036854775807", ""},
		{2990.0, "2990", ""},
		{-0.5, "-0.5", ""},
		{1e15, "1000000000000000", ""},
		{1e300, "1e+300", ""},
		{math.NaN(), "", "is no finite number"},
		{math.Inf(-1), "", "is no finite number"},
		{decimal("2990"), "2990", ""},
		{decimal("2990.00"), "2990", ""},
		{decimal("29.90"), "29.90", ""},
		{decimal("-1E+3"), "-1000", ""},
		{decimal("0E+6000"), "0", ""},
		{decimal("0.000"), "0", ""},
		{decimal("1E+6000"), "1E+6000", ""},
		{decimal("NaN"), "", "is no finite number"},
		{decimal("-Infinity"), "", "is no finite number"},
		{true, "true", ""},
		{nil, "null", ""},
		{bson.Undefined{}, "null", ""},
		{bson.Symbol("s"), `"s"`, ""},
		{"a\tb\r\u2028\x7f", "\"a\\tb\\r\u2028\x7f\"", ""},
		{"\xff", "", "is no valid UTF-8"},
		{bson.ObjectID{1, 2, 255}, `"0102ff000000000000000000"`, ""},
		{time.Date(2025, 6, 15, 18, 0, 0, 0, time.UTC), `"2025-06-15T18:00:00Z"`, ""},
		{time.Date(2025, 6, 15, 18, 0, 0, 50e6, time.UTC), `"2025-06-15T18:00:00.050Z"`, ""},
		{time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), `"1969-12-31T23:59:59Z"`, ""},
		{bson.DateTime(math.MaxInt64), "", "is a date out of the years 1 to 9999"},
		{bson.Timestamp{T: 1, I: 9}, `"1970-01-01T00:00:01Z"`, ""},
		{bson.Binary{Data: []byte{0, 255}}, `"AP8="`, ""},
		{bson.A{1.0, bson.A{}}, "[1,[]]", ""},
		{bson.D{{Key: "b", Value: 1.0}, {Key: "a", Value: 2.5}}, `{"b":1,"a":2.5}`, ""},
		{bson.D{{Key: "\xff", Value: 1}}, "", "has a field whose name is no valid UTF-8"},
		{bson.MinKey{}, "", "is of the BSON type min key"},
		{bson.JavaScript("x"), "", "is of the BSON type javascript"},
		{bson.DBPointer{}, "", "is of the BSON type dbPointer"},
	} {
		raw, err := bson.Marshal(bson.D{{Key: "v", Value: tc.value}})
		if err != nil {
			t.Fatal(err)
		}
		got, fault := appendValue(nil, bson.Raw(raw).Lookup("v"))
		if string(got) != tc.want || !strings.HasPrefix(fault, tc.fault) || (fault == "") != (tc.fault == "") {
			t.Errorf("%v: %s %q, want %s %q", tc.value, got, fault, tc.want, tc.fault)
		}
		if fault == "" && !json.Valid(got) {
			t.Errorf("%v: %s is no JSON", tc.value, got)
		}
	}
}
