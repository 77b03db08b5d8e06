package api

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// document writes into the OpenAPI document what the types of a route do not tell: its
// text, its failures with their codes, its headers. huma has registered it.
func document(doc *huma.OpenAPI, r *route) error {
	op := operationOf(doc, r)
	if op == nil {
		return nil // it is not in the document
	}
	t := texts()[r.id]
	op.Summary, op.Description = t.summary, t.description
	if op.Summary == "" {
		op.Summary = summary(r.id)
	}
	if t.example != "" && op.RequestBody != nil {
		for name, media := range op.RequestBody.Content {
			if name != contentLines {
				media.Example = verbatim(t.example)
			}
		}
	}
	for _, p := range op.Parameters {
		if p.Description == "" {
			p.Description = paramText(r, p.Name)
		}
	}
	byStatus := codesOf(r, op, t.codes)
	describeSuccesses(op, t)
	op.Responses = maps.Collect(successes(op))
	problems := doc.Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	for status, codes := range byStatus {
		if len(codes) == 0 || status == 0 {
			return fmt.Errorf("api: the operation %s has a code that is not in the table of codes", r.id)
		}
		op.Responses[statusKey(status)] = describeFailure(op.Responses[statusKey(status)], status, codes, problems)
	}
	return nil
}

// paramText is what a parameter without a text of its own is.
func paramText(r *route, name string) string {
	noun := strings.TrimSuffix(strings.ReplaceAll(tag(r.path), "deliveries", "deliverys"), "s")
	switch name {
	case "id":
		return "the id of the " + strings.ReplaceAll(noun, "-", " ")
	case "name":
		return "cadastros, vendas, ingressos or financeiro"
	case "state", "status":
		return "only those that are in this state"
	case "client_id":
		return "only those of this client"
	case "event_type":
		return "only those of this event type"
	case "subscription_id", "event_id", "run_id":
		return "only those of this " + strings.TrimSuffix(name, "_id")
	}
	return ""
}

func operationOf(doc *huma.OpenAPI, r *route) *huma.Operation {
	item := doc.Paths[r.path]
	if item == nil {
		return nil
	}
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
		if op != nil && op.OperationID == r.id {
			return op
		}
	}
	return nil
}

// successes are the answers that a route itself names; huma adds others.
func successes(op *huma.Operation) func(yield func(string, *huma.Response) bool) {
	return func(yield func(string, *huma.Response) bool) {
		for status, r := range op.Responses {
			own := strings.HasPrefix(status, "2") || op.Metadata["public"] == true && r.Content[contentJSON] != nil
			if own && !yield(status, r) {
				return
			}
		}
	}
}

func describeSuccesses(op *huma.Operation, t operationText) {
	keyed := slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "Idempotency-Key" })
	for status, r := range successes(op) {
		r.Headers = map[string]*huma.Header{"X-Request-Id": header("of this request, in the server's log and the audit log")}
		if status == statusKey(http.StatusNoContent) {
			r.Content = nil // huma believes in a body of bytes
		}
		if r.Content["text/html"] != nil {
			r.Headers["Content-Security-Policy"] = header("what the page may load: its own style")
		}
		if slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "Accept-Language" }) {
			r.Headers["Content-Language"] = header("the language of the sentences")
			r.Headers["Vary"] = header("`Accept-Language`")
		}
		if t.location {
			r.Headers["Location"] = header("the path of what was made")
		}
		if keyed {
			r.Headers["Idempotency-Replayed"] = header("`true`: this is the answer to an earlier request with the same Idempotency-Key")
		}
		if text := t.answers[status]; text != "" {
			r.Description = text
		}
		if t.answer != "" && r.Content[contentJSON] != nil && strings.HasPrefix(status, "2") {
			r.Content[contentJSON].Example = verbatim(t.answer)
		}
	}
}

// describeFailure is the answer of one status. A status may have answers of
// success too: a server that is not ready says so in its own form.
func describeFailure(r *huma.Response, status int, codes []string, problems *huma.Schema) *huma.Response {
	if r == nil {
		r = &huma.Response{
			Description: http.StatusText(status), Content: map[string]*huma.MediaType{},
			Headers: map[string]*huma.Header{"X-Request-Id": header("of this request, in the server's log")},
		}
	}
	r.Content[contentProblem] = &huma.MediaType{Schema: problems}
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = "`" + c + "`"
	}
	r.Description += ". Codes: " + strings.Join(names, ", ")
	r.Extensions = map[string]any{"x-codes": codes}
	switch status {
	case http.StatusUnauthorized:
		r.Headers["WWW-Authenticate"] = header("`Bearer realm=\"carteiro\"`")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.Headers["Retry-After"] = header("seconds to wait")
	}
	return r
}

func header(text string) *huma.Header {
	return &huma.Header{Description: text, Schema: &huma.Schema{Type: huma.TypeString}}
}

// verbatim is JSON that stands in the document as it is written.
type verbatim string

// MarshalJSON implements json.Marshaler.
func (v verbatim) MarshalJSON() ([]byte, error) { return []byte(v), nil }
