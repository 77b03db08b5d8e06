package house_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// lintRule is a rule of the linter depguard.
type lintRule struct {
	Files []string `yaml:"files"`
	Mode  string   `yaml:"list-mode"`
	Allow []string `yaml:"allow"`
	Deny  []struct {
		Pkg  string `yaml:"pkg"`
		Desc string `yaml:"desc"`
	} `yaml:"deny"`
}

// TestTheLinterHasTheSameRules compares .golangci.yml with the table.
func TestTheLinterHasTheSameRules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Enable   []string `yaml:"enable"`
			Settings struct {
				Depguard struct {
					Rules map[string]lintRule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(config.Linters.Enable, "depguard") {
		t.Error("depguard is switched off")
	}
	want := map[string]lintRule{}
	for _, f := range table() {
		if f.path != "cmd/carteiro" { // it may import everything
			want[strings.ReplaceAll(f.path, "/", "-")] = linted(f)
		}
	}
	if diff := cmp.Diff(want, config.Linters.Settings.Depguard.Rules); diff != "" {
		t.Errorf("depguard's rules differ from the table of floors (-table +linter):\n%s", diff)
	}
}

// linted is a row of the table in depguard's words: what is not allowed of
// this module is denied, and the longer of two prefixes wins.
func linted(f folder) lintRule {
	rule := lintRule{
		Files: []string{"**/" + f.path + "/**.go", "!$test"},
		Mode:  "lax",
	}
	for _, row := range table() {
		if strings.HasPrefix(row.path, f.path+"/") {
			rule.Files = append(rule.Files, "!**/"+row.path+"/**.go")
		}
	}
	if f.parts != nil {
		rule.Mode = "strict"
		rule.Allow = append([]string{"$gostd"}, f.parts...)
	}
	may := append([]string{f.path}, f.may...)
	if f.internal && f.path != "internal" {
		may = append(may, "internal")
	}
	for _, m := range may {
		below := slices.ContainsFunc(table(), func(row folder) bool {
			return strings.HasPrefix(row.path, m+"/") && !slices.Contains(may, row.path) && m != f.path
		})
		if below {
			m += "$" // this package, but not the row below it
		}
		rule.Allow = append(rule.Allow, module+"/"+m)
	}
	rule.Deny = append(rule.Deny, struct {
		Pkg  string `yaml:"pkg"`
		Desc string `yaml:"desc"`
	}{module + "/", f.why})
	return rule
}
