package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// paging is how much of a list is wanted.
type paging struct {
	Limit int  `default:"50" help:"How many entries at most, newest first (default ${default})." placeholder:"N"`
	All   bool `help:"Every entry, however many."`
}

// most is the number of entries wanted; 0: all.
func (p paging) most() (int, error) {
	if p.Limit < 1 {
		return 0, usage("--limit %d: 1 or more is wanted, or --all", p.Limit)
	}
	if p.All {
		return 0, nil
	}
	return p.Limit, nil
}

// query is what a list is filtered by.
type query url.Values

func (q query) set(name, value string) {
	if value != "" {
		q[name] = []string{value}
	}
}

// listing is a list of the API and how its entries are shown.
type listing[T any] struct {
	path    string
	query   query
	paging  paging
	columns []show.Column
	row     func(*T) []show.Cell
	many    string // the noun: "deliveries"
}

// run prints the list, a page at a time.
func (l listing[T]) run(s *Session) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	most, err := l.paging.most()
	if err != nil {
		return err
	}
	table, shown := s.out.Table(l.columns...), 0
	more, err := api.List(s, l.path, url.Values(l.query), most, func(page apiclient.Page) error {
		shown += len(page.Data)
		if s.o.Flags.JSON {
			return s.lines(page.Data)
		}
		if err := eachOf(page.Data, func(v *T) { table.Row(l.row(v)...) }); err != nil {
			return err
		}
		return table.Flush()
	})
	if err != nil {
		return err
	}
	switch {
	case s.o.Flags.JSON:
		return nil
	case shown == 0:
		return s.note.Line("There are no %s.", l.described())
	case more:
		return s.note.Line("There are more: --limit N or --all shows them.")
	}
	return nil
}

// described is the noun, and that a filter may be why there are none.
func (l listing[T]) described() string {
	if len(l.query) > 0 {
		return l.many + " that match"
	}
	return l.many
}

func eachOf[T any](data []json.RawMessage, each func(*T)) error {
	for _, raw := range data {
		var v T
		if err := apiclient.Decode(raw, &v); err != nil {
			return err
		}
		each(&v)
	}
	return nil
}

// lines prints JSON, a value on a line.
func (s *Session) lines(data []json.RawMessage) error {
	for _, raw := range data {
		if err := s.json(raw); err != nil {
			return err
		}
	}
	return nil
}

// json prints one JSON value on one line.
func (s *Session) json(raw []byte) error {
	text, err := compact(raw)
	if err != nil {
		return err
	}
	_, err = s.out.W.Write(append(text, '\n'))
	return err
}

// one makes a request about one thing and shows it.
func one[T any](s *Session, r apiclient.Request, people func(*T) error) error {
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	if s.o.Flags.JSON {
		return s.json(answer.Body)
	}
	var v T
	if err := apiclient.Decode(answer.Body, &v); err != nil {
		return err
	}
	return people(&v)
}

// fetch reads one thing.
func fetch[T any](s *Session, path string, q query) (*T, error) {
	answer, err := s.do(get(path, q))
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, apiclient.Decode(answer.Body, v)
}

func get(path string, q query) apiclient.Request {
	return apiclient.Request{Method: http.MethodGet, Path: path, Query: url.Values(q)}
}

func post(path string, body any) apiclient.Request {
	return apiclient.Request{Method: http.MethodPost, Path: path, Body: body}
}

// done says what was done, where nobody reads JSON.
func (s *Session) done(format string, args ...any) error {
	if s.o.Flags.JSON {
		return nil
	}
	return s.out.Line("%s", show.OneLine(fmt.Sprintf(format, args...)))
}

// encode prints a value of our own as one line of JSON.
func (s *Session) encode(v any) error {
	enc := json.NewEncoder(s.out.W)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
