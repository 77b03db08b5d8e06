package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// RecordQuery selects stored records of one client.
type RecordQuery struct {
	Dataset  webhook.Dataset
	ClientID webhook.ClientID
	Window   webhook.Window
	Late     bool   // also late records outside of the window
	Before   int64  // only what was stored before the run of this number; 0: all
	SizeOnly bool   // no bodies
	After    string // StoredRecord.Position of the last one read; "": from the start
	Limit    int    // at most so many
}

// StoredRecord is a record as a page takes it.
type StoredRecord struct {
	Key      string
	Position string
	Body     []byte // as it came; nil with SizeOnly
	Size     int    // of the body, in bytes
	Late     bool
}

// The order of a read: late records by their keys, then the window's by their
// first time in it and their keys; those of which that is the first time come
// before those of which it is the second, and these before the third. So each
// part is a span of one index, nothing is in two parts, and no part is read
// twice however many pages there are.
const (
	partLate  = 0
	partFirst = 1
)

// position is where a read is: "1:1718409600000000:60d21b46…".
type position struct {
	part int
	at   int64 // microseconds; 0 in partLate
	key  string
}

func (p position) String() string {
	return strconv.Itoa(p.part) + ":" + strconv.FormatInt(p.at, 10) + ":" + p.key
}

func parsePosition(s string) (p position, err error) {
	if s == "" {
		return position{part: -1}, nil
	}
	part, rest, _ := strings.Cut(s, ":")
	at, key, ok := strings.Cut(rest, ":")
	p.key = key
	if p.part, err = strconv.Atoi(part); err == nil {
		p.at, err = strconv.ParseInt(at, 10, 64)
	}
	if err != nil || !ok || p.part < partLate || p.part > webhook.MaxInstants {
		return p, fmt.Errorf("store: %q is no position of a record", s)
	}
	return p, nil
}

// parts are the parts that a read of a dataset has.
func (q *RecordQuery) parts() (first, last int) {
	first, last = partFirst, partFirst+len(q.Dataset.Spec().AlsoIn)
	if q.Late {
		first = partLate
	}
	return first, last
}

// ReadRecords returns the records of a query in their order. Fewer than
// q.Limit of them mean that there are no more.
func (s *Store) ReadRecords(ctx context.Context, q RecordQuery) ([]StoredRecord, error) {
	after, err := parsePosition(q.After)
	if err != nil {
		return nil, err
	}
	var out []StoredRecord
	first, last := q.parts()
	for part := max(first, after.part); part <= last && len(out) < q.Limit; part++ {
		query, args := q.sql(part, after, q.Limit-len(out))
		some, err := list(ctx, s, query, args, func(row interface{ Scan(...any) error }) (StoredRecord, error) {
			return scanRecord(row, part)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func scanRecord(row interface{ Scan(...any) error }, part int) (StoredRecord, error) {
	p := position{part: part}
	var r StoredRecord
	err := row.Scan(&p.key, &p.at, &r.Late, &r.Size, &r.Body)
	if part == partLate {
		p.at = 0
	}
	r.Key, r.Position = p.key, p.String()
	return r, err
}

// sql reads one part.
//
//	part 0: late                        and no time in the window  by key
//	part 1: at1 in the window                                      by at1, key
//	part 2: at2 in the window           and at1 before it          by at2, key
//	part 3: at3 in the window           and at2 before it          by at3, key
func (q *RecordQuery) sql(part int, after position, limit int) (string, []any) {
	from, to := micros(q.Window.From), micros(q.Window.To)
	body, at, order := "body", "at"+strconv.Itoa(part), ""
	if q.SizeOnly {
		body = "NULL"
	}
	var w where
	w.add("dataset = ?", string(q.Dataset))
	w.add("client_id = ?", string(q.ClientID))
	if part == partLate {
		at, order = "at1", "key"
		w.add("late")
		w.add("(at1 < ? OR at1 >= ?)", from, to)
		w.add("(at2 IS NULL OR at2 < ? OR at2 >= ?)", from, to)
		w.add("(at3 IS NULL OR at3 < ? OR at3 >= ?)", from, to)
		if after.part == part {
			w.add("key > ?", after.key)
		}
	} else {
		order = at + ", key"
		if after.part != part {
			// Beside the position, SQLite would begin at this bound instead: each
			// page would read all that is before it.
			w.add(at+" >= ?", from)
		}
		w.add(at+" < ?", to)
		if part > partFirst {
			w.add("at"+strconv.Itoa(part-1)+" < ?", from)
		}
		if after.part == part {
			w.add("("+order+") > (?, ?)", after.at, after.key)
		}
	}
	if q.Before > 0 {
		w.add("seq < ?", q.Before)
	}
	query := `SELECT key, ` + at + `, late, length(body), ` + body + ` FROM records` + w.sql() + ` ORDER BY ` + order
	return query + w.limit(Page{Limit: limit - 1}), w.args
}

// RecordClients lists the clients that have a record of the query, by their
// ids. It hops from one client to the next instead of reading every row.
func (s *Store) RecordClients(ctx context.Context, q RecordQuery) ([]webhook.ClientID, error) {
	first, last := q.parts()
	args := []any{string(q.Dataset), micros(q.Window.From), micros(q.Window.To)}
	before := ""
	if q.Before > 0 {
		args = append(args, q.Before)
		before = " AND seq < $4"
	}
	var some []string
	for part := first; part <= last; part++ {
		cond := "late"
		if part > partLate {
			at := "at" + strconv.Itoa(part)
			cond = at + " >= $2 AND " + at + " < $3"
		}
		some = append(some, `EXISTS (SELECT 1 FROM records WHERE dataset = $1 AND client_id = hop.client AND `+cond+before+`)`)
	}
	slices.Reverse(some)
	return list(ctx, s, `
		WITH RECURSIVE hop(client) AS (
			SELECT min(client_id) FROM records WHERE dataset = $1
			UNION ALL
			SELECT (SELECT min(client_id) FROM records WHERE dataset = $1 AND client_id > hop.client)
			FROM hop WHERE hop.client IS NOT NULL)
		SELECT client FROM hop WHERE client IS NOT NULL AND (`+strings.Join(some, " OR ")+`) ORDER BY client`, args,
		func(row interface{ Scan(...any) error }) (id webhook.ClientID, err error) {
			err = row.Scan(&id)
			return id, err
		})
}
