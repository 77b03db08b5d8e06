package house_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// During an upgrade the old binary runs on the new schema, and after a roll-back
// too. So a step only adds: what an older version reads stays, and what it
// writes is still enough. What is to go away goes in a later release, when no
// version that needs it is left; a line before the statement says which:
//
//	-- contract: since 1.4, nothing before 1.3 runs beside this
var contracting = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"drops a column", regexp.MustCompile(`(?i)\bDROP\s+COLUMN\b`)},
	{"drops a table", regexp.MustCompile(`(?i)\bDROP\s+TABLE\b`)},
	{"renames", regexp.MustCompile(`(?i)\bRENAME\b`)},
	{"changes a column's type", regexp.MustCompile(`(?i)\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b`)},
	{"takes a column's NULL or default away", regexp.MustCompile(`(?i)\bSET\s+NOT\s+NULL\b|\bDROP\s+DEFAULT\b`)},
	{"adds a rule that older versions do not know", regexp.MustCompile(`(?i)\bADD\s+(CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN)\b`)},
}

var (
	addsColumn = regexp.MustCompile(`(?i)\bADD\s+COLUMN\b[^,;]*\bNOT\s+NULL\b[^,;]*`)
	hasDefault = regexp.MustCompile(`(?i)\bDEFAULT\b`)
	unique     = regexp.MustCompile(`(?i)\bCREATE\s+UNIQUE\s+INDEX\s+\w+\s+ON\s+(\w+)`)
	contract   = regexp.MustCompile(`(?m)^-- contract: .*\d+\.\d+`)
)

// contractions finds what a migration takes away from older versions.
func contractions(text string) []string {
	up, _, _ := strings.Cut(text, "-- +goose Down")
	var faults []string
	for statement := range strings.SplitSeq(up, ";") {
		if contract.MatchString(statement) {
			continue
		}
		plain := regexp.MustCompile(`(?m)--.*$`).ReplaceAllString(statement, "")
		for _, c := range contracting {
			if c.pattern.MatchString(plain) {
				faults = append(faults, c.what)
			}
		}
		if u := unique.FindStringSubmatch(plain); u != nil && !regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+`+u[1]+`\b`).MatchString(up) {
			faults = append(faults, "makes unique what older versions may write twice")
		}
		for _, column := range addsColumn.FindAllString(plain, -1) {
			if !hasDefault.MatchString(column) {
				faults = append(faults, "adds a column that older versions do not fill")
			}
		}
	}
	return faults
}

func TestMigrationsExpandFirst(t *testing.T) {
	seen := 0
	err := fs.WalkDir(os.DirFS(root()), "migrations", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".sql") {
			return err
		}
		seen++
		for _, fault := range contractions(rootFile(t, path)) {
			t.Errorf("%s %s: an older version that runs beside this one would break; see docs/operations.md", path, fault)
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d migrations: %v", seen, err)
	}
}

func TestTheRuleOfMigrationsIsNotAsleep(t *testing.T) {
	for text, wrong := range map[string]bool{
		"ALTER TABLE a ADD COLUMN b TEXT;":                                      false,
		"ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';":                  false,
		"ALTER TABLE a ADD COLUMN b TEXT NOT NULL;":                             true,
		"ALTER TABLE a ADD COLUMN b TEXT NOT NULL, ADD COLUMN c INT DEFAULT 1;": true,
		"CREATE TABLE a (b TEXT NOT NULL);":                                     false,
		"CREATE INDEX a_b ON a (b);":                                            false,
		"CREATE UNIQUE INDEX a_b ON a (b);":                                     true,
		"CREATE TABLE a (b TEXT); CREATE UNIQUE INDEX a_b ON a (b);":            false,
		"DROP INDEX a_b;":                                                            false,
		"ALTER TABLE a DROP COLUMN b;":                                               true,
		"ALTER TABLE a\n\tDROP  column b;":                                           true,
		"DROP TABLE a;":                                                              true,
		"ALTER TABLE a RENAME TO b;":                                                 true,
		"ALTER TABLE a ALTER COLUMN b TYPE BIGINT;":                                  true,
		"ALTER TABLE a ALTER b SET DATA TYPE BIGINT;":                                true,
		"ALTER TABLE a ALTER COLUMN b SET NOT NULL;":                                 true,
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);":                              true,
		"-- it does not DROP TABLE a\nCREATE INDEX a_b ON a (b);":                    false,
		"-- contract: since 1.4, nothing before 1.3 runs beside this\nDROP TABLE a;": false,
		"-- contract: soon\nDROP TABLE a;":                                           true,
		"-- contract: since 1.4\nDROP TABLE a;\nDROP TABLE b;":                       true,
		"CREATE TABLE a (b TEXT);\n-- +goose Down\nDROP TABLE a;":                    false,
	} {
		if got := contractions("-- +goose Up\n" + text); len(got) > 0 != wrong {
			t.Errorf("%q: %v", text, got)
		}
	}
}
