package api

import (
	"regexp"
	"strings"
	"testing"
)

// TestDocsPage: the page has every operation and every code, links only to
// what is there, and loads nothing but its style.
func TestDocsPage(t *testing.T) {
	h := newHouse(t, 0)
	got := ask(t, h.handler, "GET", "/docs", "").want(200)
	if ct := got.header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", ct)
	}
	for _, op := range held.ops {
		if !strings.Contains(got.body, `<article id="`+op.ID+`">`) {
			t.Errorf("the page lacks %s", op.ID)
		}
	}
	for _, c := range Codes() {
		if !strings.Contains(got.body, `<tr id="code-`+c.Code+`">`) {
			t.Errorf("the page lacks the code %s", c.Code)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(got.body, -1) {
		if ids[m[1]] {
			t.Errorf("the id %q is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(got.body, -1) {
		anchor, local := strings.CutPrefix(m[1], "#")
		if local && !ids[anchor] {
			t.Errorf("a link leads to #%s, which is not there", anchor)
		}
		if !local && m[1] != "/docs/style.css" && m[1] != "/openapi.json" {
			t.Errorf("the page links to %q", m[1])
		}
	}
	for _, word := range []string{"<script", "src=", "style=", "http://unpkg", "https://"} {
		if i := strings.Index(got.body, word); i >= 0 && !strings.Contains(got.body[i:i+60], ".example") {
			t.Errorf("the page has %q: %.80s", word, got.body[i:])
		}
	}
	css := ask(t, h.handler, "GET", "/docs/style.css", "").want(200)
	if css.header.Get("Content-Type") != "text/css; charset=utf-8" || strings.Contains(css.body, "url(") {
		t.Error("the style is none, or loads something")
	}
}
