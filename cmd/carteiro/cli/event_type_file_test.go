package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files writes a directory of YAML files.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEventTypeFilesWithFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		texts map[string]string
		says  []string
	}{
		"none":           {map[string]string{"x.json": "{}"}, []string{"no file that ends in .yaml"}},
		"unknown field":  {map[string]string{"x.yaml": "slug: a\nname: x\nenvelop: none\n"}, []string{"x.yaml:3:", `"envelop" is not a known field`}},
		"no slug":        {map[string]string{"x.yaml": "name: x\n"}, []string{"x.yaml: slug is missing"}},
		"twice":          {map[string]string{"x.yaml": "slug: a\nname: x\n", "y.yml": "slug: a\nname: y\n"}, []string{"y.yml: the event type a is in", "x.yaml"}},
		"no YAML":        {map[string]string{"x.yaml": "slug: [a\n"}, []string{"x.yaml:", "is not YAML"}},
		"a list":         {map[string]string{"x.yaml": "- slug\n- name\n"}, []string{"must hold an event type"}},
		"two documents":  {map[string]string{"x.yaml": "slug: a\nname: b\n---\nslug: b\nname: c\n"}, []string{"holds 2 YAML documents"}},
		"text no JSON":   {map[string]string{"x.yaml": "slug: a\nname: x\nexample: hello\n"}, []string{"x.yaml:3:", "is a text that is no JSON"}},
		"no JSON number": {map[string]string{"x.yaml": "slug: a\nname: x\nexample: [.inf]\n"}, []string{"x.yaml:3:"}},
		"an anchor":      {map[string]string{"x.yaml": "slug: a\nname: x\nexample: {b: &b 1, c: *b}\n"}, []string{"x.yaml:3:", "have no form in JSON"}},
		"all at once":    {map[string]string{"x.yaml": "name: x\n", "y.yaml": "nom: x\n"}, []string{"x.yaml", "y.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readEventTypes(files(t, tc.texts))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not told: %v", want, err)
				}
			}
		})
	}
	if _, err := readEventTypes(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("a directory that is not there passes")
	}
}

// TestYAMLBecomesJSONAsItStands: order of keys, digits, texts.
func TestYAMLBecomesJSONAsItStands(t *testing.T) {
	dir := files(t, map[string]string{"x.yaml": `slug: a.b
name: "é & \"x\" <y>"
description: |
  two
  lines
deprecated: true
schema: |
  { "b": 1.0, "a": 2 }
example:
  z: 1.10
  a: 12345678901234567890123
  neg: -5
  exp: 1.5e3
  hex: 0x1F
  "quoted key": "1.10"
  yes: yes
  nothing: null
  tilde: ~
  empty: {}
  list: [1, [2, "3"], true]
`})
	got, err := readEventTypes(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"é & \"x\" <y>","description":"two\nlines\n","deprecated":true,"schema":{ "b": 1.0, "a": 2 },` +
		`"example":{"z":1.10,"a":12345678901234567890123,"neg":-5,"exp":1.5e3,"hex":31,"quoted key":"1.10","yes":"yes","nothing":null,"tilde":null,"empty":{},"list":[1,[2,"3"],true]}}`
	if len(got) != 1 || got[0].slug != "a.b" || string(got[0].body) != want {
		t.Errorf("%s\nwant %s", got[0].body, want)
	}
}
