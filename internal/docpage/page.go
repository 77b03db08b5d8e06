package docpage

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

// Style is the page's style sheet.
func Style() []byte { return styleCSS }

// Render makes the page. It fails when the document cannot be read, or has an
// operation without what a page needs.
func Render(openAPI []byte) ([]byte, error) {
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		return nil, fmt.Errorf("docpage: read the document: %w", err)
	}
	t, err := template.New("page").Funcs(template.FuncMap{"prose": prose, "inline": inline, "words": words}).Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d.page()); err != nil {
		return nil, fmt.Errorf("docpage: write the page: %w", err)
	}
	return b.Bytes(), nil
}

// page is what page.html shows.
type page struct {
	Title, Version, Text string
	Groups               []group
	Codes                []Code
}

type group struct {
	Name, Text string
	Operations []shownOperation
}

type shownOperation struct {
	ID, Method, Path, Summary, Text string
	Public                          bool
	Roles                           []string
	Parameters                      []shownParameter
	Body                            *shownBody
	Curl                            string
	Answers                         []answer
	Failures                        []failure
}

type shownParameter struct{ Name, In, Type, Text string }

type shownBody struct {
	Media    []string
	Required bool
	Text     string
	Fields   []field
	Example  string
}

type answer struct {
	Status, Text string
	Media        []string
	Headers      []namedText
	Fields       []field
	Example      string
}

type namedText struct{ Name, Text string }

type failure struct {
	Status string
	Codes  []string
}

// methods are in the order in which people read them.
var methods = []string{"get", "post", "put", "patch", "delete"}

func (d *document) page() page {
	p := page{Title: d.Info.Title, Version: d.Info.Version, Text: d.Info.Description, Codes: d.Codes}
	byTag := map[string][]shownOperation{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range methods {
			if op := d.Paths[path][method]; op != nil && len(op.Tags) > 0 {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], d.operation(path, method, op))
			}
		}
	}
	for _, t := range d.Tags {
		if len(byTag[t.Name]) > 0 {
			p.Groups = append(p.Groups, group{t.Name, t.Description, byTag[t.Name]})
		}
	}
	return p
}

func (d *document) operation(path, method string, op *operation) shownOperation {
	out := shownOperation{
		ID: op.ID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Text: op.Description, Roles: op.Roles,
		Public: op.Security != nil && len(*op.Security) == 0,
	}
	for _, p := range op.Parameters {
		in := p.In
		if p.Required {
			in += ", required"
		}
		out.Parameters = append(out.Parameters, shownParameter{p.Name, in, d.typeOf(p.Schema), p.Description})
	}
	if op.RequestBody != nil {
		b := shownBody{Media: slices.Sorted(maps.Keys(op.RequestBody.Content)), Required: op.RequestBody.Required, Text: op.RequestBody.Description}
		if m := op.RequestBody.Content["application/json"]; m != nil {
			b.Fields, b.Example = d.fields(m.Schema, "", 0), indent(m.Example)
		}
		if len(b.Fields) > 0 || b.Example != "" || b.Text != "" {
			out.Body = &b
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if len(r.Codes) > 0 {
			out.Failures = append(out.Failures, failure{status, r.Codes})
		}
		if len(r.Codes) == 0 || r.Content["application/json"] != nil {
			out.Answers = append(out.Answers, d.answer(status, r))
		}
	}
	out.Curl = curl(&out, op)
	return out
}

func (d *document) answer(status string, r *response) answer {
	a := answer{Status: status, Text: strings.TrimSuffix(r.Description, "."), Media: slices.Sorted(maps.Keys(r.Content))}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if name != "X-Request-Id" { // every answer has it; the page says so once
			a.Headers = append(a.Headers, namedText{name, r.Headers[name].Description})
		}
	}
	if m := r.Content["application/json"]; m != nil {
		a.Fields, a.Example = d.fields(m.Schema, "", 0), indent(m.Example)
	}
	return a
}

func indent(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}

// samples stand for the parameters of a path.
var samples = map[string]string{"client_id": "acme", "slug": "shop.product.redemption", "name": "vendas", "dataset": "ingressos"}

// curl is a line that calls the operation.
func curl(o *shownOperation, op *operation) string {
	path := o.Path
	for _, p := range op.Parameters {
		if p.In == "path" {
			sample := samples[p.Name]
			if sample == "" {
				sample = "ID"
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", sample)
		}
	}
	if o.ID == "put-records" {
		path += "?client_id=acme"
	}
	line := "curl"
	if !o.Public {
		line += ` -H "Authorization: Bearer $KEY"`
	}
	body := ""
	if op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
		body = string(op.RequestBody.Content["application/json"].Example)
	}
	if o.Method != "GET" && (o.Method != "POST" || body == "") {
		line += " -X " + o.Method
	}
	line += ` "$URL` + path + `"`
	if body != "" {
		line += " \\\n  --json '" + strings.ReplaceAll(body, "'", `'\''`) + "'"
	}
	return line
}

// words is a name without its hyphens.
func words(name string) string { return strings.ReplaceAll(name, "-", " ") }

// prose makes paragraphs of a text with `code` in it.
func prose(text string) template.HTML {
	var b strings.Builder
	for part := range strings.SplitSeq(text, "\n\n") {
		if part != "" {
			b.WriteString("<p>" + string(inline(part)) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part of it was escaped
}

// inline escapes a text, and makes code of what is in backticks.
func inline(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		escaped := template.HTMLEscapeString(part)
		if i%2 == 1 {
			escaped = "<code>" + escaped + "</code>"
		}
		b.WriteString(escaped)
	}
	return template.HTML(b.String()) //nolint:gosec // every part of it was escaped
}
