package house_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// aTest is a test, or a check of a suite, that the table of promises names.
var aTest = regexp.MustCompile("`((?:Test|check)[A-Z][A-Za-z0-9]*)`")

// promises is how many there are: P1 to P15.
const promises = 15

// Each promise names a test that would fail, and each that is named is there.
func TestEachPromiseNamesItsTests(t *testing.T) {
	there := testNames(t)
	rows := map[string]string{}
	for line := range strings.Lines(rootFile(t, "docs/reliability.md")) {
		for _, name := range aTest.FindAllStringSubmatch(line, -1) {
			if !there[name[1]] {
				t.Errorf("docs/reliability.md names %s, which is no test", name[1])
			}
		}
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[strings.TrimSpace(cells[1])] = line
		}
	}
	for n := 1; n <= promises; n++ {
		if row := rows[fmt.Sprintf("P%d", n)]; !aTest.MatchString(row) {
			t.Errorf("docs/reliability.md has no test for P%d", n)
		}
	}
}

// testNames are the names of the functions of all tests.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|check)[A-Z][A-Za-z0-9]*)\(`)
	names := map[string]bool{}
	err := fs.WalkDir(os.DirFS(root()), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(root() + "/" + name)
		for _, found := range function.FindAllStringSubmatch(string(text), -1) {
			names[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
