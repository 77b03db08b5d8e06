package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// checkQuery refuses query parameters that a route does not know, that are
// there twice, or that are empty: a filter that is misspelt, or whose shell
// variable is not set, would otherwise select everything. Only a cursor may be
// empty: it means the first page, as it reads.
func checkQuery(doc huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		raw := humagin.Unwrap(ctx).Request.URL.RawQuery
		if raw == "" || ctx.Operation().Metadata["public"] == true { // a probe may say what it likes
			next(ctx)
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			writeError(doc, ctx, webhook.Malformed("malformed_query", "The URL's query cannot be read: %v.", err))
			return
		}
		var faults webhook.Faults
		for _, name := range sortedKeys(values) {
			switch {
			case !slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }):
				faults.Add(clip(name), "is no parameter of this route")
			case len(values[name]) > 1:
				faults.Add(name, "is given more than once")
			case values.Get(name) == "" && name != "cursor":
				faults.Add(name, "is empty; give it a value, or leave it out")
			}
		}
		if err := faults.Err(); err != nil {
			writeError(doc, ctx, err)
			return
		}
		next(ctx)
	}
}

func sortedKeys(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// writeError answers with an error before a handler was called. That the
// connection broke meanwhile is nobody's concern any more.
func writeError(doc huma.API, ctx huma.Context, err error) {
	_ = huma.WriteErr(doc, ctx, 0, "", err)
}

// parameterFault says in our words what huma found wrong with a parameter: what
// it may be, not which of its limits it missed.
func parameterFault(op *huma.Operation, name, found string) string {
	if op == nil {
		return found
	}
	i := slices.IndexFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == name })
	if i < 0 || op.Parameters[i].Schema == nil {
		return found
	}
	switch s := op.Parameters[i].Schema; {
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = fmt.Sprint(word)
		}
		return "must be one of " + strings.Join(words, ", ")
	case s.Type == huma.TypeInteger && s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("must be a whole number from %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Type == huma.TypeBoolean:
		return "must be true or false"
	default:
		return found
	}
}

// The checks of filters. A filter that is not given checks nothing.

func checkClientID(f *webhook.Faults, name string, id webhook.ClientID, all bool) {
	if id == "" || (all && id == webhook.AllClients) {
		return
	}
	if msg := id.Fault(); msg != "" {
		f.Add(name, "%s", msg)
	}
}

func checkSlug(f *webhook.Faults, name string, slug webhook.Slug) {
	if slug == "" {
		return
	}
	if msg := slug.Fault(); msg != "" {
		f.Add(name, "%q %s", clip(string(slug)), msg)
	}
}

func checkID[S ~string](f *webhook.Faults, name, prefix string, id S) {
	if id != "" && !webhook.ValidID(prefix, string(id)) {
		f.Add(name, "%q is no id of this kind; such ids begin with %s", clip(string(id)), prefix)
	}
}

// checkTime reads a time of a filter.
func checkTime(f *webhook.Faults, name, value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	t, fault := parseTime(value)
	if fault != "" {
		f.Add(name, "%s", fault)
	}
	return t
}

// checkSpan reads the times between which a list is wanted. Nothing could be
// between two that are the wrong way round, and an empty answer would hide that.
func checkSpan(f *webhook.Faults, since, until string) (from, to time.Time) {
	from, to = checkTime(f, "since", since), checkTime(f, "until", until)
	if !from.IsZero() && !to.IsZero() && !to.After(from) {
		f.Add("until", "must be after since")
	}
	return from, to
}

// asErrors is what a resolver returns.
func asErrors(f webhook.Faults) []error {
	if err := f.Err(); err != nil {
		return []error{err}
	}
	return nil
}
