package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func dialectChecks() []check {
	return []check{
		{"$1 is an ordinal", checkOrdinals},
		{"a table of values arrives as it was given", checkValues},
	}
}

// SQLite itself takes "$1" for a name and numbers it where it first meets it;
// that it means the first argument is a courtesy of the driver, on which every
// statement relies.
func checkOrdinals(t *testing.T, e *env) {
	ctx := context.Background()
	var got [4]string
	err := e.read.QueryRowContext(ctx, `SELECT CAST($3 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($1 AS TEXT)`, "one", "two", "three").
		Scan(&got[0], &got[1], &got[2], &got[3])
	if want := [4]string{"three", "one", "two", "one"}; err != nil || got != want {
		t.Errorf("as it is read: got %v (%v), want %v", got, err, want)
	}
	err = e.tx(ctx, func(tx txn) error { // as it is written: prepared
		return tx.QueryRowContext(ctx, `UPDATE counters SET value = $2 WHERE name = $3 AND value <> $1 AND value <> $2
			RETURNING CAST(value AS TEXT)`, 7, 42, "catalogue").Scan(&got[0])
	})
	if err != nil || got[0] != "42" {
		t.Errorf("as it is written: got %q (%v)", got[0], err)
	}
}

func checkValues(t *testing.T, e *env) {
	cols := []column{{"t", text}, {"n", number}, {"b", boolean}, {"x", binary}}
	want := [][]any{
		{"", int64(0), false, []byte{0}},
		{"ção 'quoted' \"twice\" {a,b} \\ NULL", int64(-1 << 63), true, []byte("\\x00")},
		{"NULL", int64(1<<63 - 1), true, []byte{255, 0, 254}},
		{nil, nil, nil, nil},
	}
	cte, args := e.d.values("v", cols, want)
	rows, err := e.read.QueryContext(context.Background(), `WITH `+cte+` SELECT t, n, b, x FROM v`, args...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(rows, func(row interface{ Scan(...any) error }) ([]any, error) {
		var s *string
		var n *int64
		var b *bool
		var x []byte
		if err := row.Scan(&s, &n, &b, &x); err != nil || s == nil {
			return []any{nil, nil, nil, nil}, err
		}
		return []any{*s, *n, *b, x}, nil
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	for n := range 260 { // whatever the number of rows, each goes into one part
		all := make([][]any, n)
		for i := range all {
			all[i] = []any{int64(i)}
		}
		seen := [][]any{}
		for part := range e.d.chunks(all) {
			if len(part) == 0 || len(part) > batchRows {
				t.Fatalf("a part of %d rows", len(part))
			}
			seen = append(seen, part...)
		}
		if diff := cmp.Diff(all, seen); diff != "" {
			t.Fatalf("%d rows in parts: -want +got:\n%s", n, diff)
		}
	}
}
