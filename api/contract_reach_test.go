package api

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// elsewhere are the codes that the tests of this package cannot provoke, and
// where they are.
var elsewhere = map[string]string{
	"malformed_path": "internal/guard", "url_too_long": "internal/guard", "too_many_headers": "internal/guard",
	"http_version": "internal/guard", "cross_origin": "internal/guard",
	"export_busy":       "scheduler: several writers of one export, again and again",
	"internal_error":    "a route of a test that breaks",
	"changed_meanwhile": "subscriptions: several writers of one row, again and again",
	"timeout":           "cmd/carteiro: a database that hangs",
	"bad_request":       "what the router's library finds wrong beyond parameters, which is nothing today",
	"canceled":          "a caller that went away reads no answer",
}

// unreached lists what the document has and no test has seen: answers of
// success, and the codes of problems.
func (c *contract) unreached() (missing []string) {
	for _, op := range c.ops {
		for status, answer := range op.Responses {
			if (strings.HasPrefix(status, "2") || answer.Content[contentJSON] != nil) && !c.seen[op.ID+" "+status] {
				missing = append(missing, op.ID+" "+status)
			}
		}
		for _, code := range texts()[op.ID].codes {
			if elsewhere[code] == "" && !c.seen[op.ID+" "+code] {
				missing = append(missing, op.ID+" "+code)
			}
		}
	}
	for _, code := range Codes() {
		if elsewhere[code.Code] == "" && !c.seen[code.Code] {
			missing = append(missing, "the code "+code.Code)
		}
	}
	slices.Sort(missing)
	return missing
}

// TestAnIncompleteBody: what ends before its announced end is not taken.
func TestAnIncompleteBody(t *testing.T) {
	h := newHouse(t, 0)
	for _, target := range []string{"/v1/events", "/v1/events/batch"} {
		r := httptest.NewRequest("POST", target, strings.NewReader(`{"type":`))
		r.ContentLength = 100
		askFrom(t, "192.0.2.1:1234", h.handler, r, "Authorization: Bearer "+testKey).problem(400, "incomplete_body")
	}
}

// TestTooManyTests: sixteen tests of URLs that hang are all that a process makes.
func TestTooManyTests(t *testing.T) {
	const most = 16
	h := newHouse(t, 0)
	came, release := make(chan bool, most), make(chan bool)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		came <- true
		<-release
	}))
	t.Cleanup(receiver.Close)
	sub := "/v1/subscriptions/" + h.subscribe(receiver.URL)
	path := sub + "/test"
	const body = `{"event_type":"shop.product.redemption"}`
	var done sync.WaitGroup
	for range most {
		done.Go(func() { h.do("POST", path, body).want(200) })
	}
	for range most {
		<-came
	}
	got := h.do("POST", path, body).problem(429, "too_many_tests")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	h.do("POST", sub+"/check", "").problem(429, "too_many_tests")
	close(release)
	done.Wait()
}

// TestTheContractCanFail shows the checker what it must find.
func TestTheContractCanFail(t *testing.T) {
	newHouse(t, 0)
	const problem = `{"type":"about:blank","title":"x","status":404,"detail":"x","code":"not_found"}`
	for name, x := range map[string]exchange{
		"a status":                      {method: "GET", path: "/v1/clients", status: 201, got: []byte(`{"data":[],"next_cursor":null}`)},
		"a field":                       {method: "GET", path: "/v1/clients", status: 200, got: []byte(`{"data":[],"next_cursor":null,"total":1}`)},
		"a field that is missing":       {method: "GET", path: "/v1/clients", status: 200, got: []byte(`{"data":[]}`)},
		"a field of another type":       {method: "GET", path: "/v1/clients", status: 200, got: []byte(`{"data":[],"next_cursor":5}`)},
		"a time that is none":           {method: "GET", path: "/v1/clients/acme", status: 200, got: []byte(`{"id":"a","name":"a","created_at":"today","updated_at":"2025-06-20T17:00:00Z"}`)},
		"a code of another route":       {method: "GET", path: "/v1/clients/x", status: 404, header: problemHeader(), got: []byte(strings.Replace(problem, "not_found", "payload_gone", 1))},
		"a code that is in no table":    {method: "GET", path: "/v1/clients/x", status: 404, header: problemHeader(), got: []byte(strings.Replace(problem, "not_found", "lost", 1))},
		"a header":                      {method: "GET", path: "/v1/clients", status: 200, header: http1("Set-Cookie", "a=b"), got: []byte(`{"data":[],"next_cursor":null}`)},
		"a Content-Type":                {method: "GET", path: "/v1/clients", status: 200, header: http1("Content-Type", "text/html"), got: []byte(`<p>`)},
		"a body that should be refused": {method: "PUT", path: "/v1/clients/acme", status: 200, sent: []byte(`{"color":"red"}`), got: []byte(`{"id":"a","name":"a","created_at":"2025-06-20T17:00:00Z","updated_at":"2025-06-20T17:00:00Z"}`)},
	} {
		if x.header == nil {
			x.header = http1("Content-Type", contentJSON)
		} else if x.header.Get("Content-Type") == "" {
			x.header.Set("Content-Type", contentJSON)
		}
		if faults := held.check(&x); len(faults) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

func problemHeader() map[string][]string { return http1("Content-Type", contentProblem) }

func http1(name, value string) map[string][]string { return map[string][]string{name: {value}} }

// TestTheExamplesAreTrue: what the document shows meets its own schemas, and
// what it calls a body that succeeds is one.
func TestTheExamplesAreTrue(t *testing.T) {
	newHouse(t, 0)
	for _, op := range held.ops {
		for status, answer := range op.Responses {
			if m := answer.Content[contentJSON]; m != nil && m.Example != nil {
				for _, fault := range held.validate(m.schema, m.Example, "the example of "+op.ID+" "+status) {
					t.Error(fault)
				}
			}
		}
		if op.Request == nil {
			continue
		}
		m := op.Request.Content[contentJSON]
		if m.Example == nil {
			var s struct{ Properties map[string]any }
			if raw := schemaOf(t, op); json.Unmarshal(raw, &s) == nil && len(s.Properties) > 0 {
				t.Errorf("%s takes a body, and has no example of one", op.ID)
			}
			continue
		}
		for _, fault := range held.validate(m.schema, m.Example, "the example of "+op.ID) {
			t.Error(fault)
		}
	}
}

// schemaOf is the schema of an operation's body, as the document has it.
func schemaOf(t *testing.T, op *contractOp) []byte {
	t.Helper()
	h := newHouse(t, 0)
	doc := h.do("GET", "/openapi.json", "").want(200)
	ref, ok := doc.at("paths", strings.Join(op.steps, "/"), strings.ToLower(op.method), "requestBody", "content", contentJSON, "schema", "$ref").(string)
	if !ok {
		return []byte(`{}`)
	}
	raw, err := json.Marshal(doc.at("components", "schemas", ref[strings.LastIndex(ref, "/")+1:]))
	must(t, err)
	return raw
}

// TestEveryOperationHasItsText: a route without a text, or a text without a
// route, is a mistake in texts.go.
func TestEveryOperationHasItsText(t *testing.T) {
	h := newHouse(t, 0)
	all := texts()
	for _, op := range held.ops {
		if all[op.ID].summary == "" {
			t.Errorf("the operation %s has no text: give it a row in api/texts*.go", op.ID)
		}
		delete(all, op.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t.Errorf("api/texts*.go has a row for %s, which is no operation", id)
	}
	doc := h.do("GET", "/openapi.json", "").want(200)
	tags := map[string]bool{}
	for _, tag := range tagTexts() {
		tags[tag.name] = true
	}
	for path, methods := range doc.at("paths").(map[string]any) {
		for method := range methods.(map[string]any) {
			if tag := doc.text("paths", path, method, "tags", 0); !tags[tag] {
				t.Errorf("%s has the tag %q, which has no text in api/texts.go", path, tag)
			}
			params, _ := methods.(map[string]any)[method].(map[string]any)["parameters"].([]any)
			for _, p := range params {
				if m := p.(map[string]any); m["description"] == nil {
					t.Errorf("%s %s: the parameter %s has no description: give its field a doc tag", method, path, m["name"])
				}
			}
		}
	}
	for name, s := range doc.at("components", "schemas").(map[string]any) {
		properties, _ := s.(map[string]any)["properties"].(map[string]any)
		for field, p := range properties {
			if p.(map[string]any)["description"] == nil {
				t.Errorf("the field %s.%s has no description: give it a doc tag, or a row in api/texts_fields.go", name, field)
			}
		}
	}
}

// codePattern finds where a problem's code is written.
var codePattern = regexp.MustCompile(`(?:Conflict|Malformed|unauthorized)\(\s*"([a-z_]+)"|newProblem\([^,"]+,\s*"([a-z_]+)"|\bCode:\s*"([a-z_]+)"|refusal\{http\.\w+, "([a-z_]+)"|const code[A-Z]\w* += "([a-z_]+)"`)

// TestTheTableHasEveryCode compares the table with the code that answers.
func TestTheTableHasEveryCode(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"../access", "../api", "../dispatcher", "../scheduler", "../store", "../subscriptions", "../webhook", "../internal/guard"} {
		must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "/sender/") || strings.HasSuffix(path, "/codes.go") {
				return err
			}
			return findCodes(path, found)
		}))
	}
	var table []string
	for _, c := range Codes() {
		table = append(table, c.Code)
		if c.Meaning == "" || c.Remedy == "" || len(c.Statuses) == 0 {
			t.Errorf("the code %s is not told whole", c.Code)
		}
	}
	slices.Sort(table)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(found)), table); diff != "" {
		t.Errorf("the code has other problem codes than the table in codes.go (-code +table):\n%s", diff)
	}
}

func findCodes(path string, into map[string]bool) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments)
	if err != nil {
		return err
	}
	text := src
	for _, c := range f.Comments { // an example in a comment is no code
		blank(text, c)
	}
	for _, m := range codePattern.FindAllSubmatch(text, -1) {
		for _, group := range m[1:] {
			if len(group) > 0 {
				into[string(group)] = true
			}
		}
	}
	return nil
}

func blank(src []byte, c *ast.CommentGroup) {
	for i := c.Pos() - 1; i < c.End()-1 && int(i) < len(src); i++ {
		src[i] = ' '
	}
}
