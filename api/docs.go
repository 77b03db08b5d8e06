package api

import (
	"context"

	"github.com/carteiro-webhooks/carteiro/internal/docpage"
)

// getDocs shows the document as a page. It has no data of anybody.
func (a *api) getDocs(context.Context, *struct{}) (*reply[htmlPage], error) {
	return &reply[htmlPage]{Raw: a.docs}, nil
}

func (a *api) getDocsStyle(context.Context, *struct{}) (*reply[styleSheet], error) {
	return &reply[styleSheet]{Raw: docpage.Style()}, nil
}
