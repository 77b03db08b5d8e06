package dispatcher

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// maxFaults bounds how many faults one event answers with.
const maxFaults = 50

// addFaults notes what a checked value lacks, in plain words, by place. The
// words never repeat the value: it may be personal data.
func addFaults(e *jsonschema.ValidationError, at string, f *webhook.Faults) {
	var found webhook.Faults
	placeFaults(e, at, &found)
	slices.SortStableFunc(found, func(a, b webhook.Fault) int { // the checker walks maps: no order of its own
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	found = slices.Compact(found) // two parts of a schema may want the same
	if len(found) > maxFaults {
		found = found[:maxFaults]
	}
	*f = append(*f, found...)
}

// placeFaults walks to the places of an error that say what is wrong.
func placeFaults(e *jsonschema.ValidationError, at string, f *webhook.Faults) {
	path := at
	for _, step := range e.InstanceLocation {
		path += "/" + webhook.PointerEscape(clip(step))
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			f.Add(path+"/"+webhook.PointerEscape(name), "is missing")
		}
		return
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			f.Add(path+"/"+webhook.PointerEscape(clip(name)), "is not a field of this event type")
		}
		return
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			f.Add(path+"/"+webhook.PointerEscape(name), "is missing: it must be there when %q is", k.Prop)
		}
		return
	case *kind.AnyOf:
		f.Add(path, "%s", noneOf(e, at))
		return
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			f.Add(path, "%s", noneOf(e, at))
			return
		}
	case *kind.Contains, *kind.MinContains, *kind.PropertyNames:
		// The causes tell of each element or name that is not it: noise.
		f.Add(path, "%s", words(e.ErrorKind))
		return
	}
	if len(e.Causes) == 0 {
		f.Add(path, "%s", words(e.ErrorKind))
	}
	for _, cause := range e.Causes {
		placeFaults(cause, at, f)
	}
}

// noneOf tells that none of several alternatives is met, and what each wants.
func noneOf(e *jsonschema.ValidationError, at string) string {
	if types, got := onlyTypes(e); got != "" {
		return wantType(types, got)
	}
	const mostAlternatives, mostFaults = 4, 2
	var parts []string
	for i, cause := range e.Causes {
		if i == mostAlternatives {
			parts = append(parts, "…")
			break
		}
		var f webhook.Faults
		placeFaults(cause, at, &f)
		var wants []string
		for j := range f[:min(len(f), mostFaults)] {
			wants = append(wants, f[j].Path+" "+f[j].Message)
		}
		parts = append(parts, fmt.Sprintf("(%d) %s", i+1, strings.Join(wants, ", ")))
	}
	return "meets none of the alternatives: " + strings.Join(parts, "; ")
}

// onlyTypes gathers the types that alternatives want, when each of them fails
// by the type alone: "a string or null" says more than two alternatives.
func onlyTypes(e *jsonschema.ValidationError) (want []string, got string) {
	for _, cause := range e.Causes {
		for len(cause.Causes) == 1 {
			cause = cause.Causes[0] // a $ref, or a group of one
		}
		k, ok := cause.ErrorKind.(*kind.Type)
		if !ok || len(cause.InstanceLocation) != len(e.InstanceLocation) {
			return nil, ""
		}
		want, got = append(want, k.Want...), k.Got
	}
	slices.Sort(want)
	return slices.Compact(want), got
}

func wantType(want []string, got string) string {
	want = slices.Clone(want)
	slices.SortStableFunc(want, func(a, b string) int { // "a string or null" is how people say it
		return cmp.Compare(strings.Count(a, "null"), strings.Count(b, "null"))
	})
	return fmt.Sprintf("must be %s, but is %s", strings.Join(article(want...), " or "), article(got)[0])
}

// words says in plain words what one rule of a schema wants.
func words(e jsonschema.ErrorKind) string {
	switch k := e.(type) {
	case *kind.Type:
		return wantType(k.Want, k.Got)
	case *kind.Enum:
		return "must be " + oneOf(k.Want)
	case *kind.Const:
		return "must be " + show(k.Want)
	case *kind.Format:
		return fmt.Sprintf("must have the form %q", k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("must match the pattern %s", k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must be at least %s long, but has %d", count(k.Want, "character"), k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must be at most %s long, but has %d", count(k.Want, "character"), k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %s, but has %d", count(k.Want, "element"), k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %s, but has %d", count(k.Want, "element"), k.Got)
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %s, but has %d", count(k.Want, "field"), k.Got)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %s, but has %d", count(k.Want, "field"), k.Got)
	case *kind.UniqueItems:
		return fmt.Sprintf("must not have the same element twice: elements %d and %d are the same", k.Duplicates[0], k.Duplicates[1])
	case *kind.PropertyNames:
		return fmt.Sprintf("has the field %q, whose name is not allowed", clip(k.Property))
	}
	return numberWords(e)
}

// numberWords is words for numbers, and for what is rare.
func numberWords(e jsonschema.ErrorKind) string {
	switch k := e.(type) {
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	case *kind.Contains:
		return "has no element of the kind that it must have"
	case *kind.MinContains:
		return fmt.Sprintf("must have at least %s of a kind, but has %d", count(k.Want, "element"), len(k.Got))
	case *kind.MaxContains:
		return fmt.Sprintf("must have at most %s of a kind, but has %d", count(k.Want, "element"), len(k.Got))
	case *kind.AdditionalItems:
		return fmt.Sprintf("has %s too many", count(k.Count, "element"))
	case *kind.FalseSchema:
		return "is not allowed here"
	case *kind.Not:
		return "is what the schema excludes"
	case *kind.OneOf:
		return fmt.Sprintf("must meet exactly one alternative, but meets %d and %d", k.Subschemas[0]+1, k.Subschemas[1]+1)
	case *kind.ContentEncoding:
		return fmt.Sprintf("must be encoded as %s", k.Want)
	case *kind.ContentMediaType:
		return fmt.Sprintf("must hold %s", k.Want)
	}
	return e.LocalizedString(message.NewPrinter(language.English))
}

func oneOf(values []any) string {
	const most = 20
	parts := make([]string, 0, len(values))
	for i, v := range values {
		if i == most {
			parts = append(parts, fmt.Sprintf("… (%d in all)", len(values)))
			break
		}
		parts = append(parts, show(v))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "one of " + strings.Join(parts, ", ")
}

// show writes a value of a schema.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "another value"
	}
	return clip(string(b))
}

// decimal writes a bound of a schema.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return clip(r.Num().String())
	}
	if f, exact := r.Float64(); exact {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.TrimRight(r.FloatString(12), "0")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func article(types ...string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		switch t {
		case "null":
			out[i] = t
		case "object", "array", "integer":
			out[i] = "an " + t
		default:
			out[i] = "a " + t
		}
	}
	return out
}
