package api

import (
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// checkQuery refuses query parameters that a route does not know, or that are
// there twice: a filter that is misspelt would otherwise select everything.
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

// The checks of filters. An empty value is no filter.

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

// asErrors is what a resolver returns.
func asErrors(f webhook.Faults) []error {
	if err := f.Err(); err != nil {
		return []error{err}
	}
	return nil
}
