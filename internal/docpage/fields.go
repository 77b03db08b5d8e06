package docpage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// field is a row of a table of fields.
type field struct {
	Name     string // with those of the objects around it: ack.status, data[].id
	Type     string
	Required bool
	Text     string
}

// maxDepth is how deep fields of fields are shown.
const maxDepth = 4

// fields are the rows of a schema: what is required first, then by name, with
// the fields of its objects behind them.
func (d *document) fields(s *schema, prefix string, depth int) []field {
	s, _ = d.resolve(s)
	if s.Items != nil && prefix == "" { // a list as a whole
		return d.fields(s.Items, "[].", depth)
	}
	names := slices.SortedFunc(maps.Keys(s.Properties), func(a, b string) int {
		if x, y := slices.Contains(s.Required, a), slices.Contains(s.Required, b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var rows []field
	for _, name := range names {
		p := s.Properties[name]
		rows = append(rows, field{
			Name: prefix + name, Type: d.typeOf(p), Required: slices.Contains(s.Required, name), Text: p.Description,
		})
		inner, _ := d.resolve(p)
		below := prefix + name + "."
		if inner.Items != nil {
			inner, _ = d.resolve(inner.Items)
			below = prefix + name + "[]."
		}
		if depth < maxDepth && len(inner.Properties) > 0 {
			rows = append(rows, d.fields(inner, below, depth+1)...)
		}
	}
	return rows
}

// resolve follows a reference, and one that may be null.
func (d *document) resolve(s *schema) (to *schema, nullable bool) {
	for range maxDepth {
		switch {
		case s == nil:
			return &schema{}, nullable
		case s.Ref != "":
			s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
		case len(s.AnyOf) > 0:
			s, nullable = s.AnyOf[0], true
		default:
			return s, nullable
		}
	}
	return &schema{}, nullable
}

// typeOf says what a value may be, for people.
func (d *document) typeOf(s *schema) string {
	to, nullable := d.resolve(s)
	var words []string
	for _, t := range to.Type {
		if t == "null" {
			nullable = true
			continue
		}
		words = append(words, t)
	}
	text := strings.Join(words, " or ")
	switch {
	case text == "":
		text = "any JSON"
	case text == "array" && to.Items != nil:
		text = "array of " + d.typeOf(to.Items)
	case to.Format == "date-time":
		text = "time, RFC 3339"
	case text == "object" && len(to.Properties) == 0 && strings.HasPrefix(string(to.AdditionalProperties), "{"):
		text = "object of names"
	}
	text += limits(to)
	if nullable {
		text += ", or null"
	}
	return text
}

func limits(s *schema) string {
	var parts []string
	var values []string
	for _, v := range s.Enum {
		if v != nil {
			values = append(values, fmt.Sprint(v))
		}
	}
	const most = 12
	if len(values) > most {
		values = append(values[:most:most], "…")
	}
	if len(values) > 0 {
		parts = append(parts, strings.Join(values, " | "))
	}
	if s.Minimum != nil && s.Maximum != nil {
		parts = append(parts, fmt.Sprintf("%g to %g", *s.Minimum, *s.Maximum))
	}
	if s.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.MaxItems != nil {
		parts = append(parts, fmt.Sprintf("at most %d", *s.MaxItems))
	}
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("%v by default", s.Default))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}
