package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// Every request that a test of this package makes is held against the OpenAPI
// document: the answer's status, headers, codes and fields, and the fields of
// a body that was taken. When the whole package has run, everything that the
// document promises must have been seen.

func TestMain(m *testing.M) {
	if code, ran := testserver.Alone(); ran { // addresses that must not be dialled are registered here
		os.Exit(code)
	}
	code := testserver.Run(m)
	if code == 0 && wholeRun() {
		for _, missing := range held.unreached() {
			fmt.Println("documented, and reached by no test:", missing)
			code = 1
		}
	}
	os.Exit(code)
}

// wholeRun tells whether all tests of the package ran.
func wholeRun() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// contract is the document, read for checking.
type contract struct {
	once     sync.Once
	fault    error
	ops      []*contractOp
	problem  *jsonschema.Schema
	compiler *jsonschema.Compiler

	mu   sync.Mutex
	seen map[string]bool // "operation status" and "operation code"
}

var held = &contract{seen: map[string]bool{}}

// contractOp is one operation.
type contractOp struct {
	ID        string `json:"operationId"`
	Responses map[string]*contractAnswer
	Request   *struct {
		Content map[string]*contractMedia
	} `json:"requestBody"`
	method string
	steps  []string
}

type contractAnswer struct {
	Headers map[string]any
	Content map[string]*contractMedia
	Codes   []string `json:"x-codes"`
}

// has tells whether a header is documented; its name counts in any case.
func (a *contractAnswer) has(name string) bool {
	for h := range a.Headers {
		if http.CanonicalHeaderKey(h) == name {
			return true
		}
	}
	return false
}

type contractMedia struct {
	Example json.RawMessage
	schema  *jsonschema.Schema
}

const documentURL = "file:///openapi.json"

func (c *contract) read(raw []byte) error {
	var doc struct {
		Paths map[string]map[string]*contractOp
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	c.compiler = jsonschema.NewCompiler()
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(documentURL, whole); err != nil {
		return err
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			op.method, op.steps = strings.ToUpper(method), strings.Split(path, "/")
			c.ops = append(c.ops, op)
			at := pointer("paths", path, method)
			for status, answer := range op.Responses {
				if err := c.compile(at+pointer("responses", status), answer.Content); err != nil {
					return err
				}
			}
			if op.Request != nil {
				if err := c.compile(at+"/requestBody", op.Request.Content); err != nil {
					return err
				}
			}
		}
	}
	c.problem, err = c.compiler.Compile(documentURL + "#/components/schemas/Problem")
	return err
}

func (c *contract) compile(at string, content map[string]*contractMedia) (err error) {
	for name, media := range content {
		if media.schema, err = c.compiler.Compile(documentURL + "#" + at + pointer("content", name, "schema")); err != nil {
			return err
		}
	}
	return nil
}

func pointer(steps ...string) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
	}
	return b.String()
}

// find returns the operation of a request; a step of the path in braces is any.
func (c *contract) find(method, path string) *contractOp {
	steps := strings.Split(path, "/")
	var found *contractOp
	for _, op := range c.ops {
		if op.method != method || !slices.EqualFunc(op.steps, steps, func(p, s string) bool { return p == s || strings.HasPrefix(p, "{") && s != "" }) {
			continue
		}
		if found == nil || !strings.Contains(strings.Join(op.steps, "/"), "{") {
			found = op
		}
	}
	return found
}

// exchange is one request with its answer, as far as they were read.
type exchange struct {
	method, path string
	sent         []byte
	status       int
	header       http.Header
	got          []byte
}

// check tells what of an exchange the document does not say.
func (c *contract) check(x *exchange) (faults []string) {
	media, _, _ := mime.ParseMediaType(x.header.Get("Content-Type"))
	op := c.find(x.method, x.path)
	if op == nil {
		if media != contentProblem {
			return nil
		}
		var p struct{ Code string }
		if err := json.Unmarshal(x.got, &p); err != nil {
			return []string{err.Error()}
		}
		c.note("elsewhere", p.Code)
		return c.validate(c.problem, x.got, "the problem")
	}
	answer := op.Responses[strconv.Itoa(x.status)]
	if answer == nil {
		return []string{fmt.Sprintf("%s: the status %d is not documented: %s", op.ID, x.status, x.got)}
	}
	for name := range x.header {
		if !slices.Contains([]string{"Content-Type", "Content-Length"}, name) && !answer.has(name) {
			faults = append(faults, fmt.Sprintf("%s %d: the header %s is not documented", op.ID, x.status, name))
		}
	}
	c.note(op.ID, strconv.Itoa(x.status))
	if len(x.got) == 0 && len(answer.Content) == 0 {
		return faults
	}
	shape := answer.Content[media]
	if shape == nil {
		return append(faults, fmt.Sprintf("%s %d: the Content-Type %q is not documented", op.ID, x.status, media))
	}
	if media == contentProblem {
		faults = append(faults, c.checkCode(op, answer, x)...)
	}
	if strings.HasSuffix(media, "json") {
		faults = append(faults, c.validate(shape.schema, x.got, fmt.Sprintf("%s %d", op.ID, x.status))...)
	}
	if x.status < 300 && op.Request != nil && op.Request.Content[contentJSON] != nil && len(bytes.TrimSpace(x.sent)) > 0 {
		if in := bytes.TrimSpace(x.sent); op.Request.Content[contentLines] == nil || in[0] == '[' {
			faults = append(faults, c.validate(op.Request.Content[contentJSON].schema, in, op.ID+" took a body that")...)
		}
	}
	return faults
}

func (c *contract) checkCode(op *contractOp, answer *contractAnswer, x *exchange) []string {
	var p struct{ Code string }
	if err := json.Unmarshal(x.got, &p); err != nil {
		return []string{err.Error()}
	}
	c.note(op.ID, p.Code)
	if !slices.Contains(answer.Codes, p.Code) {
		return []string{fmt.Sprintf("%s %d: the code %q is not documented there (%v)", op.ID, x.status, p.Code, answer.Codes)}
	}
	return nil
}

func (c *contract) validate(s *jsonschema.Schema, raw []byte, what string) []string {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		return []string{fmt.Sprintf("%s does not meet its schema: %v\n%.2000s", what, err, raw)}
	}
	return nil
}

func (c *contract) note(op, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[op+" "+what] = true
	c.seen[what] = true
}

// holdTo checks each exchange with a handler. A test may stop listening to an
// answer; what came until then counts.
func holdTo(t testing.TB, next http.Handler) http.Handler {
	held.once.Do(func() {
		w := newRecorder()
		r, err := http.NewRequest("GET", "/openapi.json", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+testKey)
		next.ServeHTTP(w, r)
		held.fault = held.read(w.Body.Bytes())
	})
	must(t, held.fault)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{method: r.Method, path: r.URL.Path}
		body := &teeBody{r.Body, bytes.Buffer{}}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = body
		}
		out := &teeWriter{ResponseWriter: w, x: x, before: w.Header().Clone()}
		next.ServeHTTP(out, r)
		x.sent = body.b.Bytes()
		if x.status == 0 {
			return
		}
		for _, fault := range held.check(x) {
			t.Errorf("%s %s: %s", x.method, x.path, fault)
		}
	})
}

// maxTee is how much of a body is kept for the check; what is longer is not checked.
const maxTee = 4 << 20

type teeBody struct {
	io.ReadCloser
	b bytes.Buffer
}

func (t *teeBody) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if t.b.Len()+n <= maxTee {
		t.b.Write(p[:n])
	}
	return n, err
}

type teeWriter struct {
	http.ResponseWriter
	x      *exchange
	before http.Header // what others set
}

// Unwrap lets http.ResponseController reach the connection.
func (t *teeWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *teeWriter) WriteHeader(status int) {
	if t.x.status == 0 {
		t.x.status, t.x.header = status, t.Header().Clone()
		for name := range t.before {
			if name != "Content-Type" {
				delete(t.x.header, name)
			}
		}
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *teeWriter) Write(p []byte) (int, error) {
	if t.x.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	t.x.got = append(t.x.got, p...)
	return t.ResponseWriter.Write(p)
}
