// Package docpage makes one page of HTML of an OpenAPI 3.1 document: every
// operation with its parameters, fields, answers, codes and a line for curl.
//
// Its doors are [Render] and [Style]. The page has no script, and loads
// nothing but its own style. document.go reads what the page needs of the
// document, fields.go makes rows of schemas, page.go puts them into page.html.
// It must not know what the operations do: what is not in the document is not
// on the page.
package docpage
