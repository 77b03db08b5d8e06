package store

import (
	"strconv"
	"strings"
)

// Page asks for a part of a list: at most Limit rows after the row whose key
// is After ("" for the first page). Lists are newest first.
type Page struct {
	Limit int
	After string
}

// where gathers the conditions of a list and numbers their parameters.
type where struct {
	conds []string
	args  []any
}

// add notes a condition; each "?" in it stands for one argument.
func (w *where) add(cond string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.conds = append(w.conds, cond)
}

func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" = ?", value)
	}
}

func (w *where) sql() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// limit adds LIMIT for one row more than asked, so that the caller sees
// whether there is a next page.
func (w *where) limit(p Page) string {
	w.args = append(w.args, p.Limit+1)
	return " LIMIT " + w.last()
}

// last stands for the last argument.
func (w *where) last() string { return "$" + strconv.Itoa(len(w.args)) }

// cut drops the extra row and returns the key of the last row that stays when
// there are more.
func cut[T any](rows []T, p Page, key func(*T) string) ([]T, string) {
	if len(rows) <= p.Limit {
		return rows, ""
	}
	rows = rows[:p.Limit]
	return rows, key(&rows[len(rows)-1])
}
