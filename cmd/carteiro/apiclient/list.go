package apiclient

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// maxPage is how many entries the API gives in one page.
const maxPage = 500

// Page is a part of a list.
type Page struct {
	Data []json.RawMessage `json:"data"`
	Next string            `json:"next_cursor"` // "": it is the last one
}

// List calls each with the parts of a list, newest first, until most entries
// have been handed over (0: all). more tells that there are others.
func (c *Client) List(ctx context.Context, path string, query url.Values, most int, each func(Page) error) (more bool, err error) {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	for left := most; ; {
		limit := maxPage
		if most > 0 {
			limit = min(limit, left)
		}
		query.Set("limit", strconv.Itoa(limit))
		page, err := c.page(ctx, path, query)
		if err != nil {
			return false, err
		}
		if err := each(page); err != nil {
			return false, err
		}
		left -= len(page.Data)
		if page.Next == "" || (most > 0 && left <= 0) {
			return page.Next != "", nil
		}
		query.Set("cursor", page.Next)
	}
}

func (c *Client) page(ctx context.Context, path string, query url.Values) (Page, error) {
	answer, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return Page{}, err
	}
	var page Page
	return page, Decode(answer.Body, &page)
}

// Decode reads an answer.
func Decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Kind: Failed, Code: "unreadable", Detail: fmt.Sprintf("The server's answer cannot be read: %v.", err), Next: nextNoAPI}
	}
	return nil
}
