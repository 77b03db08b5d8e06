package house_test

import (
	"slices"
	"strings"
	"testing"
)

// direct lists the modules that a go.mod requires for its own code.
func direct(mod string) []string {
	var list []string
	block := false
	for line := range strings.Lines(mod) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "require" && len(fields) > 1 && fields[1] == "(":
			block = true
		case fields[0] == ")":
			block = false
		case strings.Contains(line, "// indirect"):
		case block:
			list = append(list, fields[0])
		case fields[0] == "require" && len(fields) > 2:
			list = append(list, fields[1])
		}
	}
	return list
}

func TestEachDependencyHasItsReason(t *testing.T) {
	decisions := rootFile(t, "docs/decisions.md")
	for _, module := range direct(rootFile(t, "go.mod")) {
		if strings.HasPrefix(module, "golang.org/x/") {
			continue // of the Go project itself
		}
		if !strings.Contains(decisions, "**"+module+"** — ") {
			t.Errorf("docs/decisions.md does not say why %s is there", module)
		}
	}
}

func TestDirectDependenciesAreFound(t *testing.T) {
	mod := "module m\n\nrequire a.b/one v1.0.0\nrequire a.b/two v1.0.0 // indirect\n\nrequire (\n\ta.b/three v1.0.0\n\ta.b/four v1.0.0 // indirect\n)\n\nreplace a.b/five => ../five\n"
	if got, want := direct(mod), []string{"a.b/one", "a.b/three"}; !slices.Equal(got, want) {
		t.Errorf("direct dependencies %q, want %q", got, want)
	}
}
