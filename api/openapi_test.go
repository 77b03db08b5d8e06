package api

import (
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestTheDocumentIsOpenAPI holds the document to the schema of OpenAPI 3.1
// itself, which a library carries.
func TestTheDocumentIsOpenAPI(t *testing.T) {
	h := newHouse(t, 0)
	meta, err := jsonschema.UnmarshalJSON(strings.NewReader(datamodel.OpenAPI31SchemaData))
	must(t, err)
	compiler := jsonschema.NewCompiler()
	const address = "file:///openapi-3.1.json"
	must(t, compiler.AddResource(address, meta))
	schema, err := compiler.Compile(address)
	must(t, err)
	text := h.do("GET", "/openapi.json", "").want(200).body
	check := func(text string) error {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		must(t, err)
		return schema.Validate(doc)
	}
	if err := check(text); err != nil {
		t.Error(err)
	}
	if check(strings.Replace(text, `"in":"query"`, `"in":"body"`, 1)) == nil {
		t.Error("a parameter in a body passes: the check checks nothing")
	}
}
