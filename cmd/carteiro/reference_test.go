package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write what is generated anew")

// The part of docs/cli.md that is made of the commands.
const (
	referencePage  = "../../docs/cli.md"
	referenceBegin = "<!-- The rest is made of the program by: go test ./cmd/carteiro -run TestCommandReferenceIsFresh -update -->\n"
)

func TestCommandReferenceIsFresh(t *testing.T) {
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), referenceBegin)
	if !ok {
		t.Fatalf("%s lacks the line %q", referencePage, referenceBegin)
	}
	l, err := newLine(program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	want := head + referenceBegin + reference(l.parser.Model)
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatalf("%s does not tell the commands as they are; run go test ./cmd/carteiro -run %s -update", referencePage, t.Name())
	}
	if err := os.WriteFile(referencePage, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reference is every command that talks to a server, with its flags; those of
// the server itself have the settings for flags, which README tells.
func reference(model *kong.Application) string {
	var b strings.Builder
	shared := false
	for _, group := range model.Children {
		if serverFlags(group) == nil {
			continue
		}
		if !shared {
			shared = true
			fmt.Fprintf(&b, "\n## Commands\n\nAll of them understand:\n\n%s", flagTable(group.Flags, func(f *kong.Flag) bool { return isShared(f) }))
		}
		fmt.Fprintf(&b, "\n### carteiro %s\n\n%s\n", group.Name, group.Help)
		if len(group.Children) == 0 {
			b.WriteString("\n" + commandReference(group))
			continue
		}
		for _, command := range group.Children {
			title := command.Name
			if group.DefaultCmd == command {
				title += " (the default)"
			}
			fmt.Fprintf(&b, "\n**%s** — %s\n\n%s", title, command.Help, commandReference(command))
		}
	}
	return b.String()
}

// isShared tells whether every command has the flag.
func isShared(f *kong.Flag) bool {
	switch f.Name {
	case "api-url", "api-key-file", "json", "utc":
		return true
	}
	return false
}

func commandReference(n *kong.Node) string {
	var b strings.Builder
	b.WriteString("```\ncarteiro " + n.Summary() + "\n```\n")
	rows := ""
	for _, arg := range n.Positional {
		rows += fmt.Sprintf("| `%s` | %s |\n", arg.Summary(), cell(arg.Help))
	}
	table := flagTable(n.Flags, func(f *kong.Flag) bool { return !isShared(f) && f.Name != "help" })
	if rows != "" && table == "" {
		table = tableHead
	}
	if table != "" {
		b.WriteString("\n" + tableHead + rows + strings.TrimPrefix(table, tableHead))
	}
	return b.String()
}

const tableHead = "| | |\n| --- | --- |\n"

func flagTable(flags []*kong.Flag, wanted func(*kong.Flag) bool) string {
	rows := ""
	for _, f := range flags {
		if !f.Hidden && wanted(f) {
			rows += fmt.Sprintf("| `%s` | %s |\n", strings.ReplaceAll(f.String(), "|", `\|`), cell(f.Help))
		}
	}
	if rows == "" {
		return ""
	}
	return tableHead + rows
}

// cell is a text in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
