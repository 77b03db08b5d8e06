package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The limits that are kept here; internal/guard has all, with their reasons.
const (
	maxBody           = guard.MaxBody
	maxBatch          = guard.MaxBatch
	maxEvents         = guard.MaxEvents
	maxRecords        = guard.MaxRecords
	maxDepth          = guard.MaxDepth
	maxIdempotencyKey = guard.MaxIdempotencyKey
)

// jsonBody is the body of a request. Its bytes belong to the request and to
// whatever is made of it: they come from no pool, because an intake may go on
// after the caller has gone away.
type jsonBody[T any] struct {
	raw   []byte // as it came; nil when there was none
	value T
}

// bodyRules are what the body of a route may be.
type bodyRules struct {
	limit      int
	optional   bool // none at all is as good as {}
	mergePatch bool // application/merge-patch+json too
	lines      bool // application/x-ndjson too, which its reader has told apart before
}

// rules asks a body's type for its rules.
func rules(v any) bodyRules {
	if r, ok := v.(interface{ bodyRules() bodyRules }); ok {
		return r.bodyRules()
	}
	return bodyRules{limit: maxBody}
}

// Resolve reads the body. huma calls it with the parameters already read.
func (b *jsonBody[T]) Resolve(ctx huma.Context) []error {
	v, ok := any(&b.value).(decodable)
	if !ok {
		return []error{errors.New("the body's type cannot be decoded")}
	}
	rules := rules(v)
	raw, err := readBody(callOf(ctx.Context()), humagin.Unwrap(ctx).Request, rules)
	if err != nil {
		return []error{err}
	}
	b.raw = raw
	if len(raw) == 0 && rules.optional {
		return nil
	}
	var faults webhook.Faults
	switch err := scan(raw, &faults); {
	case err == errTooDeep:
	case err != nil:
		return []error{err}
	default:
		decodeObject(trimmed(raw), "", v, &faults)
		callOf(ctx.Context()).noteChanges(ctx.Method(), raw)
	}
	if err := faults.Err(); err != nil {
		return []error{err}
	}
	return nil
}

// describe is the body in the OpenAPI document.
func (b *jsonBody[T]) describe(registry huma.Registry) *huma.RequestBody {
	rules := rules(&b.value)
	content := map[string]*huma.MediaType{
		contentJSON: {Schema: registry.Schema(reflect.TypeFor[T](), true, "")},
	}
	if rules.mergePatch {
		content[contentMergePatch] = content[contentJSON]
	}
	return &huma.RequestBody{Required: !rules.optional, Content: content}
}

const contentMergePatch = "application/merge-patch+json"

func readBody(c *call, r *http.Request, rules bodyRules) ([]byte, error) {
	if r.ContentLength == 0 && rules.optional {
		return nil, nil
	}
	if err := checkContent(r.Header, rules); err != nil {
		return nil, err
	}
	if r.ContentLength > int64(rules.limit) {
		return nil, tooLarge(rules.limit)
	}
	body := heldReader{r.Body, c}
	if err := c.hold(0); err != nil {
		return nil, body.refuse(err)
	}
	if r.ContentLength >= 0 {
		raw := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(body, raw); err != nil {
			return nil, body.refuse(cutOff(err))
		}
		return raw, nil
	}
	raw, err := io.ReadAll(io.LimitReader(body, int64(rules.limit)+1))
	switch {
	case err != nil:
		return nil, body.refuse(cutOff(err))
	case len(raw) > rules.limit:
		return nil, tooLarge(rules.limit)
	}
	return raw, nil
}

func tooLarge(limit int) error {
	return newProblem(http.StatusRequestEntityTooLarge, "body_too_large",
		"The body is larger than "+mebibytes(limit)+", the limit of this route.")
}

func mebibytes(n int) string {
	if n == maxBatch {
		return "16 MiB"
	}
	return "1 MiB"
}

// cutOff is what a body that could not be read means to a caller that is
// still there.
func cutOff(err error) error {
	var full *problem
	if errors.As(err, &full) { // there was no room for it
		return full
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return slowBody()
	}
	return webhook.Malformed("incomplete_body", "The body ended before its announced end, or could not be read; nothing was done.")
}

// slowBody is the answer when the server's time for a request is over.
func slowBody() *problem {
	return newProblem(http.StatusRequestTimeout, "slow_body",
		fmt.Sprintf("The body did not come within %s, the time for a whole request; nothing was done.", webhook.Duration(guard.ReadTimeout)))
}

// checkContent looks at how the body says that it is written. A missing
// Content-Type is taken for JSON, and so is the one that curl sends by itself:
// a body that is none is refused a moment later, and no browser can forge a
// request here, because a key is wanted.
func checkContent(h http.Header, rules bodyRules) error {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return newProblem(http.StatusUnsupportedMediaType, "unsupported_content_encoding",
			"The body is encoded as "+clip(e)+"; send it as it is, without Content-Encoding.")
	}
	value := h.Get("Content-Type")
	if value == "" || value == contentJSON {
		return nil
	}
	media, params, err := mime.ParseMediaType(value)
	known := media == contentJSON || media == contentForm || (rules.mergePatch && media == contentMergePatch)
	charset := params["charset"]
	if err == nil && known && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		return nil
	}
	return newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type",
		"The body's Content-Type is "+clip(value)+"; it must be "+rules.mediaTypes()+", in UTF-8.")
}

// mediaTypes are the names of what a body may be.
func (r bodyRules) mediaTypes() string {
	switch {
	case r.mergePatch:
		return contentJSON + " or " + contentMergePatch
	case r.lines:
		return contentJSON + " or " + contentLines
	default:
		return contentJSON
	}
}

// noFields is the body of a request that has none to give: nothing, or {}.
type noFields struct{}

func (*noFields) decode(*object) {}

func (*noFields) bodyRules() bodyRules { return bodyRules{limit: maxBody, optional: true} }
