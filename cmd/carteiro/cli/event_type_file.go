package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// eventTypeFile is one event type as a YAML file describes it.
type eventTypeFile struct {
	path string
	slug string
	body []byte // the JSON for PUT /v1/event-types/{slug}
}

// eventTypeFields are the fields of a file.
var eventTypeFields = []string{"slug", "name", "description", "envelope", "deprecated", "schema", "example"}

// readEventTypes reads the files of a directory (*.yaml, *.yml), by name. The
// error lists everything that is wrong in all of them.
func readEventTypes(dir string) ([]eventTypeFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []eventTypeFile
	var wrong []error
	from := map[string]string{}
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); entry.IsDir() || (ext != ".yaml" && ext != ".yml") {
			continue
		}
		f, err := readEventType(filepath.Join(dir, entry.Name()))
		switch {
		case err != nil:
			wrong = append(wrong, err)
			continue
		case from[f.slug] != "":
			wrong = append(wrong, fmt.Errorf("%s: the event type %s is in %s too", f.path, f.slug, from[f.slug]))
			continue
		}
		from[f.slug] = f.path
		files = append(files, f)
	}
	if len(files) == 0 && len(wrong) == 0 {
		return nil, fmt.Errorf("%s has no file that ends in .yaml or .yml", dir)
	}
	return files, errors.Join(wrong...)
}

func readEventType(path string) (eventTypeFile, error) {
	f := eventTypeFile{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return f, yamlError(path, err)
	}
	docs := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) != 1 {
		return f, fmt.Errorf("%s: holds %d YAML documents; one event type is wanted", path, len(docs))
	}
	mapping, ok := docs[0].Body.(*ast.MappingNode)
	if !ok {
		return f, fmt.Errorf("%s: must hold an event type: slug, name, schema, example", path)
	}
	var fields []string
	for _, pair := range mapping.Values {
		name := pair.Key.GetToken().Value
		if !slices.Contains(eventTypeFields, name) {
			return f, fmt.Errorf("%s:%d: %q is not a known field; known are %s", path, pair.Key.GetToken().Position.Line, name, strings.Join(eventTypeFields, ", "))
		}
		if name == "slug" {
			f.slug = pair.Value.GetToken().Value
			continue
		}
		value, err := fieldJSON(name, pair.Value)
		if err != nil {
			return f, fmt.Errorf("%s:%w", path, err)
		}
		fields = append(fields, `"`+name+`":`+string(value))
	}
	if f.slug == "" {
		return f, fmt.Errorf("%s: slug is missing", path)
	}
	f.body = []byte("{" + strings.Join(fields, ",") + "}")
	return f, nil
}

func yamlError(path string, err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return fmt.Errorf("%s:%d: is not YAML: %s", path, syntax.GetToken().Position.Line, syntax.GetMessage())
	}
	return fmt.Errorf("%s: is not YAML", path)
}

// fieldJSON is a field's value as JSON. Schema and example may be a text that
// holds JSON: it is taken as it stands.
func fieldJSON(name string, node ast.Node) ([]byte, error) {
	if name != "schema" && name != "example" {
		return nodeJSON(nil, node)
	}
	text, isText := textOf(node)
	if !isText {
		return nodeJSON(nil, node)
	}
	if text = strings.TrimSpace(text); !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("%d: %s is a text that is no JSON; write it as YAML, or a text as '\"text\"'", node.GetToken().Position.Line, name)
	}
	return []byte(text), nil
}

func textOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// nodeJSON appends a YAML value as JSON: the keys in the order of the file,
// the numbers in the file's digits. A decoder into Go values would lose both.
func nodeJSON(b []byte, node ast.Node) ([]byte, error) {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return append(b, "null"...), nil
	case *ast.StringNode, *ast.LiteralNode:
		text, _ := textOf(n)
		if n.GetToken().Type == token.StringType && isNumber(text) {
			return append(b, text...), nil // the parser takes a number of many digits for a text
		}
		return appendString(b, text)
	case *ast.BoolNode:
		if n.Value {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case *ast.IntegerNode, *ast.FloatNode:
		return appendNumber(b, n)
	case *ast.SequenceNode:
		return appendSequence(b, n)
	case *ast.MappingNode:
		return appendMapping(b, n.Values)
	case *ast.MappingValueNode:
		return appendMapping(b, []*ast.MappingValueNode{n})
	}
	return nil, fmt.Errorf("%d: anchors, tags and the like have no form in JSON", node.GetToken().Position.Line)
}

func isNumber(text string) bool {
	return json.Valid([]byte(text)) && strings.ContainsAny(text[:1], "-0123456789")
}

func appendString(b []byte, s string) ([]byte, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return append(b, strings.TrimSuffix(out.String(), "\n")...), nil
}

// appendNumber keeps a number's digits where JSON knows the form; of YAML's
// other forms, whole numbers (0x1f, 0o17, 1_000) are written out.
func appendNumber(b []byte, node ast.Node) ([]byte, error) {
	text := node.GetToken().Value
	if json.Valid([]byte(text)) {
		return append(b, text...), nil
	}
	if n, ok := new(big.Int).SetString(strings.TrimPrefix(text, "+"), 0); ok {
		return n.Append(b, 10), nil
	}
	return nil, fmt.Errorf("%d: %s is no number that JSON can hold", node.GetToken().Position.Line, text)
}

func appendSequence(b []byte, n *ast.SequenceNode) ([]byte, error) {
	b = append(b, '[')
	for i, value := range n.Values {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = nodeJSON(b, value); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendMapping(b []byte, pairs []*ast.MappingValueNode) ([]byte, error) {
	b = append(b, '{')
	for i, pair := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendString(b, pair.Key.GetToken().Value); err != nil {
			return nil, err
		}
		if b, err = nodeJSON(append(b, ':'), pair.Value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
