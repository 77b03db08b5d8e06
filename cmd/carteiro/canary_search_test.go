package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// plants are planted texts by name.
type plants map[string]string

// find tells which of the texts are in data, in any of the forms in which a
// program may write them down.
func (p plants) find(data []byte) (found []string) {
	for name, text := range p {
		raw := []byte(text)
		for _, form := range []string{text, hex.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), url.QueryEscape(text)} {
			if bytes.Contains(data, []byte(form)) {
				found = append(found, name)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// Tables that may hold what is planted, by name, and must: a test that looked
// at nothing would find nothing.
var (
	personTables = []string{"attempts", "messages", "records"}
	urlTables    = []string{"deliveries", "subscriptions", "verifications"}
	// urlsToo may hold URLs: the receiver sent its own back, and an answer is
	// kept under its key.
	urlsToo = []string{"attempts", "idempotency_keys", "messages"}
)

// checkTables reads every row of the database.
func (c *canary) checkTables(driver, address string) {
	c.t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	names := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if driver == "pgx" {
		names = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	held := map[string][]byte{}
	for _, row := range c.rows(db, names) {
		held[string(row)] = bytes.Join(c.rows(db, `SELECT * FROM "`+string(row)+`"`), []byte("\n"))
	}
	for table, data := range held {
		place := "the table " + table
		c.nowhere(place, data, c.secrets, c.never)
		if !slices.Contains(personTables, table) {
			c.nowhere(place, data, c.persons)
		}
		if !slices.Contains(urlTables, table) && !slices.Contains(urlsToo, table) {
			c.nowhere(place, data, c.inURLs)
		}
	}
	for _, table := range personTables {
		if table != "attempts" && len(c.persons.find(held[table])) != len(c.persons) {
			c.t.Errorf("the table %s does not hold what was posted: the test looks at the wrong place", table)
		}
	}
	for _, table := range urlTables {
		if len(c.inURLs.find(held[table])) == 0 {
			c.t.Errorf("the table %s does not hold its URL: the test looks at the wrong place", table)
		}
	}
}

// rows returns the rows of a query, each as its columns' bytes.
func (c *canary) rows(db *sql.DB, query string) (out [][]byte) {
	c.t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		c.t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			c.t.Fatal(err)
		}
		var row []byte
		for i, v := range values {
			if i > 0 {
				row = append(row, '\t')
			}
			row = append(row, v...)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// everyFile are the files of a directory, one after the other.
func everyFile(t *testing.T, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPlantsAreFound: the search itself can find.
func TestPlantsAreFound(t *testing.T) {
	p := plants{"x": canaryEmail}
	quoted, err := json.Marshal(canaryEmail)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{
		"a " + canaryEmail + " b", string(quoted), hex.EncodeToString([]byte(canaryEmail)),
		base64.StdEncoding.EncodeToString([]byte(canaryEmail)), "?q=" + url.QueryEscape(canaryEmail),
	} {
		if len(p.find([]byte(data))) != 1 {
			t.Errorf("not found in %q", data)
		}
	}
	if found := p.find([]byte("canary.person at example.com")); len(found) != 0 {
		t.Error(found)
	}
}
