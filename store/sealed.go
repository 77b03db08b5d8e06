package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// SealedKind is a kind of sealed values: a column of a table. What is in them
// opens with keys that the store does not know; it only tells values apart by
// their first five bytes, the head, which names the key.
type SealedKind int

// The kinds of sealed values.
const (
	SealedSecrets    SealedKind = iota // signing secrets of subscriptions
	SealedOldSecrets                   // the ones before, while a rotation overlaps
	SealedHeaders                      // static headers of subscriptions
	SealedAuths                        // credentials of subscriptions
	SealedClients                      // signing secrets of clients
	SealedOldClients                   // the ones before, while a rotation overlaps
	SealedAnswers                      // stored answers to requests with an Idempotency-Key
	sealedKinds
)

// sealedColumn is where a kind of values is. Rows of one id are told apart by
// a second one, which most tables do not need.
type sealedColumn struct{ name, table, column, id, second string }

func columnOf(k SealedKind) sealedColumn {
	const none = "CAST('' AS TEXT)"
	return [sealedKinds]sealedColumn{
		{"signing secrets of subscriptions", "subscriptions", "secret", "id", none},
		{"previous signing secrets of subscriptions", "subscriptions", "secret_old", "id", none},
		{"headers of subscriptions", "subscriptions", "headers", "id", none},
		{"credentials of subscriptions", "subscriptions", "auth", "id", none},
		{"signing secrets of clients", "clients", "secret", "id", none},
		{"previous signing secrets of clients", "clients", "secret_old", "id", none},
		{"stored answers that show a secret", "idempotency_keys", "response", "scope", "key"},
	}[k]
}

// String names the kind, for a person.
func (k SealedKind) String() string { return columnOf(k).name }

// present is the condition of rows that hold a sealed value.
func (s *Store) present(k SealedKind) string {
	if k == SealedAnswers {
		return s.d.sealed
	}
	c := columnOf(k).column
	return c + " IS NOT NULL AND length(" + c + ") > 0"
}

// SealedCount is how many values of a kind begin with the same head.
type SealedCount struct {
	Kind  SealedKind
	Head  []byte
	Count int
}

// CountSealed counts all sealed values by kind and head.
func (s *Store) CountSealed(ctx context.Context) ([]SealedCount, error) {
	var parts []string
	for k := range sealedKinds {
		c := columnOf(k)
		parts = append(parts, fmt.Sprintf(`SELECT %d AS kind, substr(%s, 1, 5) AS head, count(*) AS n FROM %s WHERE %s GROUP BY substr(%s, 1, 5)`,
			k, c.column, c.table, s.present(k), c.column))
	}
	counts, err := list(ctx, s, strings.Join(parts, " UNION ALL "), nil,
		func(row interface{ Scan(...any) error }) (c SealedCount, err error) {
			err = row.Scan(&c.Kind, &c.Head, &c.Count)
			return c, err
		})
	slices.SortFunc(counts, func(a, b SealedCount) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Head, b.Head)) })
	return counts, err
}

// SealedValue is one sealed value and its row.
type SealedValue struct {
	ID     string // of the subscription or client; of a stored answer, its scope
	Second string // of a stored answer, its key; "" otherwise
	Sealed []byte
}

// SealedWith returns up to limit values of a kind that begin with a head, from
// the row after another one on. It is how all of them are gone through,
// whatever is done to them meanwhile.
func (s *Store) SealedWith(ctx context.Context, k SealedKind, head []byte, after SealedValue, limit int) ([]SealedValue, error) {
	c := columnOf(k)
	return list(ctx, s, fmt.Sprintf(`SELECT %[1]s, %[2]s, %[3]s FROM %[4]s
		WHERE %[5]s AND substr(%[3]s, 1, 5) = $1 AND (%[1]s, %[2]s) > ($2, $3)
		ORDER BY %[1]s, %[2]s LIMIT $4`, c.id, c.second, c.column, c.table, s.present(k)),
		[]any{head, after.ID, after.Second, limit},
		func(row interface{ Scan(...any) error }) (v SealedValue, err error) {
			err = row.Scan(&v.ID, &v.Second, &v.Sealed)
			return v, err
		})
}

// Resealed is a value sealed anew.
type Resealed struct {
	SealedValue
	Fresh []byte
}

// ReplaceSealed stores values that were sealed anew, in one transaction, and
// returns how many. One that somebody else has changed since is left as it is.
// What is inside is the same as before, so nobody needs to read it again.
func (s *Store) ReplaceSealed(ctx context.Context, k SealedKind, values []Resealed) (replaced int, err error) {
	c := columnOf(k)
	statement := fmt.Sprintf(`UPDATE %s SET %[2]s = $4 WHERE %[3]s = $1 AND %[4]s = $2 AND %[2]s = $3`, c.table, c.column, c.id, c.second)
	err = s.tx(ctx, func(tx txn) error {
		replaced = 0
		for _, v := range values {
			res, err := tx.ExecContext(ctx, statement, v.ID, v.Second, v.Sealed, v.Fresh)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			replaced += int(n)
		}
		return nil
	})
	return replaced, err
}
