package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// addFile reads the YAML file. It reads the syntax tree instead of decoding
// into a struct: an empty document would zero the struct, a duration or a list
// may be written in two ways, and every complaint wants the line.
func (l *layers) addFile(name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		l.problem(name, "cannot read the file of settings: %s", cause(err))
		return
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		l.problems = append(l.problems, syntaxProblem(name, err))
		return
	}
	if len(tree.Docs) > 1 {
		l.problem(name, "there are %d YAML documents in the file; only one is allowed", len(tree.Docs))
		return
	}
	for _, doc := range tree.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
			// An empty file sets nothing.
		case *ast.MappingNode:
			for _, pair := range body.Values {
				l.addPair(name, pair)
			}
		default:
			l.problem(name, "the file must hold settings, such as listen: 127.0.0.1:8080")
		}
	}
}

// addPair takes one key of the file with its value.
func (l *layers) addPair(file string, pair *ast.MappingValueNode) {
	key := pair.Key.GetToken()
	place := fmt.Sprintf("%s:%d: %s", file, key.Position.Line, key.Value)
	i := slices.IndexFunc(l.settings, func(s Setting) bool { return s.Name == key.Value })
	if i < 0 {
		known := l.names(func(s Setting) string { return s.Name })
		l.problem(place, "there is no such setting%s", didYouMean(key.Value, known))
		return
	}
	setting := l.settings[i]
	text, ok := plainText(pair.Value)
	if !ok {
		l.problem(place, "must be a plain value or a list of plain values; allowed: %s", setting.Allowed)
		return
	}
	if list, isList := pair.Value.(*ast.SequenceNode); isList && len(list.Values) == 0 && setting.Default != "" {
		l.problem(place, "is an empty list; allowed: %s", setting.Allowed)
		return
	}
	l.set(setting.Name, text, origin{fromFile, place})
}

// plainText is a value as it was written: a scalar, or the items of a list
// with commas between them.
func plainText(node ast.Node) (text string, ok bool) {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return "", true
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		// The token and not the parsed number: a key of digits stays as it is.
		return n.GetToken().Value, true
	case *ast.SequenceNode:
		items := make([]string, len(n.Values))
		for i, value := range n.Values {
			if _, nested := value.(*ast.SequenceNode); nested {
				return "", false
			}
			if items[i], ok = plainText(value); !ok {
				return "", false
			}
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

// syntaxProblem tells the line and the fault, but not the text around it,
// which may hold a secret.
func syntaxProblem(file string, err error) Problem {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		where := fmt.Sprintf("%s:%d", file, syntax.GetToken().Position.Line)
		return Problem{Where: where, Message: "is not YAML: " + syntax.GetMessage()}
	}
	return Problem{Where: file, Message: "is not YAML"}
}

// cause is the reason of a file error without the path, which is told already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
