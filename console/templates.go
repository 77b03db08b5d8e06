package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

//go:embed templates
var templateFiles embed.FS

// templates are the pages of one language: templates/pages/NAME.html. Each holds
// a copy of the layout and the parts, so it is made when somebody first visits
// it: a process whose console nobody opens carries none.
type templates struct {
	base *template.Template // the layout, and the parts that pages are made of

	mu   sync.Mutex
	made map[string]*template.Template // by name
}

// page returns a page's template.
func (t *templates) page(name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if page := t.made[name]; page != nil {
		return page, nil
	}
	page, err := t.base.Clone()
	if err == nil {
		page, err = page.ParseFS(templateFiles, "templates/pages/"+name+".html")
	}
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	t.made[name] = page
	return page, nil
}

// loadPages reads what every page is made of, in every language.
func (c *console) loadPages() error {
	c.pages = map[lang]*templates{}
	for _, l := range langs() {
		base, err := template.New("layout.html").Funcs(c.funcs(l)).Option("missingkey=error").
			ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html")
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		c.pages[l] = &templates{base: base, made: map[string]*template.Template{}}
	}
	return nil
}

// funcs is what templates may call. Those that speak do so in the language.
func (c *console) funcs(l lang) template.FuncMap {
	words := c.words[l]
	return template.FuncMap{
		"t":        words.text,
		"tn":       func(key string, n any, args ...any) string { return words.count(l, key, whole(n), args...) },
		"word":     words.orWord,
		"told":     func(message string) string { return webhook.Translated(message, webhook.Language(l)) },
		"number":   func(n any) string { return l.number(whole(n)) },
		"duration": l.duration,
		"span":     l.span,
		"bytes":    func(n any) string { return l.bytesOf(int64(whole(n))) },
		"ago":      func(at any) string { return words.ago(l, moment(at), c.o.Now()) },
		"exact":    func(at any) string { return exact(moment(at)) },
		"stamp":    func(at any) string { return stamp(moment(at)) },
		"rfc3339":  func(at any) string { return moment(at).UTC().Format(time.RFC3339Nano) },
		"asset":    c.assetURL,
		"dict":     dict,
		"fill":     stateFill,
		"field":    newField,
		"lower":    strings.ToLower,
		"join":     strings.Join,
		"version":  func() string { return c.o.Version },
	}
}

// whole is a number of any of Go's whole types.
func whole(n any) int {
	switch n := n.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case int32:
		return int(n)
	case *int64:
		return int(*n)
	case *int:
		return int(*n)
	}
	panic(fmt.Sprintf("%T is no whole number", n))
}

// moment is a time, or what a pointer to one points to.
func moment(at any) time.Time {
	switch at := at.(type) {
	case time.Time:
		return at
	case *time.Time:
		if at != nil {
			return *at
		}
	}
	return time.Time{}
}

// view is what a page's template is handed. Its dot is the view: the page's
// own data are in .Data.
type view struct {
	Page  string // the page's name
	Data  any
	Lang  lang
	Theme string
	Here  string // the path and query of the page, to come back to
	Who   *who   // nil: nobody signed in
	Nav   []navItem
	Done  string // the message of the action before
	v     *visit
}

// who is the visitor as the layout shows it.
type who struct {
	Name   string
	Role   webhook.Role
	Client webhook.ClientID // "" for a key that sees all
}

// Can tells whether the visitor may do what an audience may: "operator".
func (w *view) Can(a string) bool { return w.v.can(audience(a)) }

// Bound tells whether the visitor sees one client only.
func (w *view) Bound() bool { return w.v.who != nil && w.v.who.BoundTo() != "" }

// Has tells whether there is a page at a path of the table.
func (w *view) Has(path string) bool {
	return slices.ContainsFunc(w.v.c.tracked, func(r route) bool { return r.method == get && r.path == path })
}

// Langs lists the languages that there are.
func (w *view) Langs() []lang { return langs() }

// show answers with a page.
func (v *visit) show(page string, data any) error { return v.showWith(http.StatusOK, page, data) }

// showWith answers with a page and a status. The page is made whole before a
// byte of it is sent.
func (v *visit) showWith(status int, page string, data any) error {
	t, err := v.c.pages[v.lang].page(page)
	if err != nil {
		return err
	}
	w := &view{
		Page: page, Data: data, Lang: v.lang, Theme: v.theme(), Here: v.here(), Nav: v.nav(), Done: v.done, v: v,
	}
	if v.who != nil {
		w.Who = &who{Name: v.who.Name, Role: v.who.Role, Client: v.who.BoundTo()}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, w); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // the visitor has gone away: nobody is left to be told
	return nil
}

// here is the page that a preference or a sign-in comes back to.
func (v *visit) here() string {
	if v.r.Method != get {
		return "/console"
	}
	return v.r.URL.RequestURI()
}
