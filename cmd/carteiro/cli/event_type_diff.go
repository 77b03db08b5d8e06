package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// shownEventType is what an operator can change of an event type.
type shownEventType struct {
	Name        string
	Description string
	Envelope    string
	Deprecated  bool
	Schema      json.RawMessage
	Example     json.RawMessage
}

// diffEventTypes tells in lines how an event type would change: "-" is what
// the server has, "+" what the file says. have is nil for a new one.
func diffEventTypes(have, want []byte) ([]string, error) {
	var a, b shownEventType
	if have != nil {
		if err := json.Unmarshal(have, &a); err != nil {
			return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
		}
	}
	if err := json.Unmarshal(want, &b); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	var out []string
	add := func(name, was, is string) {
		if was == is {
			return
		}
		out = append(out, name+":")
		for _, line := range diffLines(strings.Split(was, "\n"), strings.Split(is, "\n")) {
			out = append(out, "  "+line)
		}
	}
	add("name", a.Name, b.Name)
	add("description", a.Description, b.Description)
	add("envelope", a.Envelope, b.Envelope)
	add("deprecated", fmt.Sprint(a.Deprecated), fmt.Sprint(b.Deprecated))
	add("schema", pretty(a.Schema), pretty(b.Schema))
	add("example", pretty(a.Example), pretty(b.Example))
	return out, nil
}

// pretty writes a JSON value over several lines; numbers and the order of keys
// stay as they are.
func pretty(raw json.RawMessage) string {
	var compact, b bytes.Buffer
	if json.Compact(&compact, raw) != nil || json.Indent(&b, compact.Bytes(), "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// maxDiff bounds the table of diffLines: beyond, all of both is shown.
const maxDiff = 4_000_000

// diffLines is the shortest list of removed ("- "), added ("+ ") and, beside
// them, kept ("  ") lines. Empty texts have no lines.
func diffLines(a, b []string) []string {
	a, b = withoutEmpty(a), withoutEmpty(b)
	if len(a)*len(b) > maxDiff {
		return append(marked("- ", a), marked("+ ", b)...)
	}
	// common[i][j] is how many lines a[i:] and b[j:] have in common.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || (i < len(a) && common[i+1][j] >= common[i][j+1]):
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return aroundChanges(out)
}

func withoutEmpty(lines []string) []string {
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}

func marked(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = mark + line
	}
	return out
}

// aroundChanges leaves out kept lines that are far from every change.
func aroundChanges(lines []string) []string {
	const near = 2
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if !strings.HasPrefix(line, "  ") {
			for k := max(0, i-near); k < min(len(lines), i+near+1); k++ {
				keep[k] = true
			}
		}
	}
	var out []string
	for i, line := range lines {
		switch {
		case keep[i]:
			out = append(out, line)
		case i == 0 || keep[i-1]:
			out = append(out, "  …")
		}
	}
	return out
}
