package console

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// form is what a person has typed, and what is wrong with it. A handler that
// refuses an input shows its page again with the form, status 422.
type form struct {
	Values url.Values
	Faults map[string][]string // by the path that the owner of the rule names: "/url", "/headers/X-Key"
	lang   lang                // that faults are told in; "" for a form that nobody has typed in
}

// newForm is a form with first values, pairs of name and value.
func newForm(pairs ...string) *form {
	f := &form{Values: url.Values{}, Faults: map[string][]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Values.Set(pairs[i], pairs[i+1])
	}
	return f
}

// typed is the form of a visit.
func (v *visit) typed() *form {
	return &form{Values: v.r.Form, Faults: map[string][]string{}, lang: v.lang}
}

// fault notes what is wrong at a path, in the visitor's language, whichever of
// the two the rule's owner speaks.
func (f *form) fault(path, message string) {
	f.Faults[path] = append(f.Faults[path], webhook.Translated(message, webhook.Language(f.lang)))
}

// refused takes the faults of an error into the form, and tells whether there
// were any: any other error is not about what was typed.
func (f *form) refused(err error) bool {
	var e *webhook.Error
	if !errors.As(err, &e) || e.Kind != webhook.KindInvalid || len(e.Faults) == 0 {
		return false
	}
	for _, fault := range e.Faults {
		f.fault(fault.Path, fault.Message)
	}
	return true
}

// Get is what was typed into a field.
func (f *form) Get(name string) string { return f.Values.Get(name) }

// text is what was typed into a field, without the space around it.
func (f *form) text(name string) string { return strings.TrimSpace(f.Get(name)) }

// checkClient notes what is wrong with a client's id in the field "client_id".
func (f *form) checkClient(id webhook.ClientID) {
	if msg := id.Fault(); id != "" && msg != "" {
		f.fault(clientParam, msg)
	}
}

// checkSlug notes what is wrong with an event type in the field "event_type".
func (f *form) checkSlug(slug webhook.Slug) {
	if msg := slug.Fault(); slug != "" && msg != "" {
		f.fault(typeParam, msg)
	}
}

// gather brings the faults of the parts of a list or an object to its own path:
// in a form, all of it is one field. Names of parts are told; numbers are not.
func (f *form) gather(path string) {
	for _, below := range slices.Sorted(maps.Keys(f.Faults)) {
		part, ok := strings.CutPrefix(below, path+"/")
		if !ok {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		if _, err := strconv.Atoi(part); err == nil {
			part = ""
		} else {
			part += ": "
		}
		for _, message := range f.Faults[below] {
			f.fault(path, part+message)
		}
		delete(f.Faults, below)
	}
}

// lines are those of a text as programs write them: browsers send them with a
// carriage return.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Wrong tells whether anything is wrong.
func (f *form) Wrong() bool { return len(f.Faults) > 0 }

// field is one field of a form, for the part "field".
type field struct {
	Name    string
	Kind    string // text, url, number, password, search, date, datetime-local, textarea, select, checkbox
	Label   string // in words
	Hint    string // below it, in words; "" for none
	Value   string
	Faults  []string
	Choices []choice // of a select
	Need    bool     // it must not be empty
	Wide    bool     // it takes the whole width
	Mono    bool     // what is typed is code
	Rows    int      // of a textarea
	Min     string
	Max     string
	Off     string // "off": the browser is not to complete it
}

// choice is an entry of a select.
type choice struct {
	Value, Label string
	On           bool
}

// newField makes a field in a template, with what was typed and what is wrong
// with it. path is where the rule's owner sees it; "" for none. Options are
// pairs as of dict: kind, hint, choices, need, wide, mono, rows, min, max.
func newField(f *form, name, path, label string, options ...any) (*field, error) {
	o, err := dict(options...)
	if err != nil {
		return nil, err
	}
	out := &field{Name: name, Kind: "text", Label: label}
	if f != nil {
		out.Value, out.Faults = f.Values.Get(name), f.Faults[path]
	}
	for key, into := range map[string]*string{"kind": &out.Kind, "hint": &out.Hint, "min": &out.Min, "max": &out.Max, "autocomplete": &out.Off} {
		if text, ok := o[key].(string); ok {
			*into = text
		}
	}
	for key, into := range map[string]*bool{"need": &out.Need, "wide": &out.Wide, "mono": &out.Mono} {
		*into, _ = o[key].(bool)
	}
	out.Rows, _ = o["rows"].(int)
	if out.Rows == 0 {
		out.Rows = 4
	}
	choices, _ := o["choices"].([]choice)
	for _, c := range choices {
		c.On = c.Value == out.Value
		out.Choices = append(out.Choices, c)
	}
	return out, nil
}
